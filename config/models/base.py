"""The base class of all models, and the names of environments, load balancers and scopes of secrets."""

from __future__ import annotations

import typing
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

PROJECT = "hello-platform"
"""The Pulumi project: the namespace of its configuration keys."""

EnvironmentName: TypeAlias = Literal["dev", "prod"]
ENVIRONMENTS: tuple[EnvironmentName, ...] = typing.get_args(EnvironmentName)

LoadBalancerName: TypeAlias = Literal["public", "staff"]
LOAD_BALANCERS: tuple[LoadBalancerName, ...] = typing.get_args(LoadBalancerName)

SecretScope: TypeAlias = Literal["dev", "prod", "platform"]
"""`dev` and `prod` for a service's secrets in that environment, `platform` for those of the platform's own programs."""


class Model(BaseModel):
    """A frozen model; its keys are in camelCase, as in Pulumi's files, and an unknown key is an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=False, strict=True, allow_inf_nan=False
    )
