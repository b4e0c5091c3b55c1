"""docs/configuration.md is up to date and describes every key."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from config import PROJECT, Settings, load
from config.annotations import bare
from config.documentation import EXAMPLE, PAGE, page
from config.models.base import Model
from tests.unit.config.configurations import GOOD, changed, parsed
from tools.program.graph import every


def models(kind: Any) -> Iterator[type[Model]]:
    """The models among a type and the types within it."""
    if isinstance(kind, type) and issubclass(kind, Model):
        yield kind
        for field in kind.model_fields.values():
            yield from models(bare(field.annotation))
    for inner in typing.get_args(kind):
        yield from models(bare(inner))


FIELDS = every({(model, name) for model in models(Settings) for name in model.model_fields})


def test_the_page_is_what_the_models_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m config.documentation"


@pytest.mark.parametrize(("model", "name"), sorted(FIELDS, key=repr))
def test_every_key_has_a_description(model: type[Model], name: str) -> None:
    assert len(model.model_fields[name].description or "") >= len("The VPC.")


def test_every_key_of_a_stack_is_in_the_page() -> None:
    written = page()
    services = parsed(GOOD)["services"]
    keys = {
        *parsed(GOOD),
        *(f"services.NAME.{key}" for service in services.values() for key in service),
        *(f"environments.dev.nodes.{key}" for key in parsed(GOOD)["environments"]["dev"]["nodes"]),
    }
    for key in every(keys):
        assert f"| `{key}` |" in written


@pytest.mark.parametrize(
    "row",
    [
        "| `services.NAME.port` | a whole number, 1 to 65535 | required | The port the container listens on; ",
        "| `services.NAME.smokeTest.tries` | a whole number, 1 to 100 | `10` | Maximum number of attempts, ",
        '| `network.natGateways` | one of `single`, `per-zone` | `"single"` |',
        "| `network.zones` | a list; 2 to 3 of them; each once; each an availability zone such as ap-northeast-2a |",
        "| `permissionsBoundaryArn` | an IAM policy's ARN, arn:aws:iam::ACCOUNT:policy/NAME | none |",
        "| `services.NAME.egress.networks[].cidr` | an IPv4 range such as 10.0.0.0/16 | required |",
        '| `services.NAME.resources.requests` | an object | `{"cpu": "100m", "memory": "256Mi"}` |',
        "| `cluster` | an object | as below |",
    ],
)
def test_a_row_tells_type_range_default_and_meaning(row: str) -> None:
    assert row in page()


def test_the_example_is_a_service_of_a_good_configuration() -> None:
    (search,) = yaml.safe_load(EXAMPLE)[f"{PROJECT}:services"].values()
    secret = {"API_KEY": "made-up"}
    config = changed({"services.search": search, "secrets.dev.search": secret, "secrets.prod.search": secret})
    assert load(config).services["search"].variables_in("prod") == {"LOG_LEVEL": "info", "INDEX": "hello-prod"}
