"""Declarative description of an AWS resource type, for the table `kinds.yaml`; its inputs are in `inputs.yaml`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from rehearsal.emulators.aws.account import Account, Record
from rehearsal.emulators.aws.api import Api, aws_client
from rehearsal.emulators.aws.properties import Properties
from rehearsal.layout import Layout


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource of the account during an operation on it.

    Attributes:
        layout: The rehearsal.
        account: The account's records.
        account_id: 12 digits.
        region: The resource's region.
        inputs: Its inputs, all known.
        id: Its id; empty until the kind has computed it.
        previous: Its outputs before the operation; empty at creation.
        response: The API's response to the creation; empty in later operations.
    """

    layout: Layout
    account: Account
    account_id: str
    region: str
    inputs: Properties
    id: str = ""
    previous: Properties = field(default_factory=dict[str, Any])
    response: Properties = field(default_factory=dict[str, Any])

    def find(self, type_token: str, identifier: str) -> Record | None:
        """Another resource of the account, or None."""
        return self.account.find(type_token, identifier)

    def client(self, service: str) -> AbstractContextManager[Any]:
        """A boto3 client in the resource's region, with its errors translated."""
        return aws_client(self.layout, service, self.region)

    def text(self, template: str) -> str:
        """A template formatted with the inputs, `{id}`, `{region}` and `{account}`."""
        return template.format_map({**self.inputs, "id": self.id, "region": self.region, "account": self.account_id})


Attribute: TypeAlias = Callable[[Resource], Any]
"""Computes an output that AWS sets."""

Check: TypeAlias = Callable[[Resource], None]
"""Raises `AwsError` where AWS refuses an operation."""


@dataclass(frozen=True)
class AutoName:
    """Pulumi's auto-naming: the resource's name and seven random hexadecimal digits, unless a name is set.

    Attributes:
        property: The input for the name.
        prefix: Prefix of the generated name, e.g. `alias/`.
        longest: Maximum length in characters.
        lower: Whether the name is converted to lower case.
    """

    property: str = "name"
    prefix: str = ""
    longest: int = 255
    lower: bool = False


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One type of resource.

    Attributes:
        type: Pulumi's type token.
        make_id: Computes the new resource's id, after the API has created it.
        api: Its operations in the account's API; none for a resource that is only a record, e.g. since moto lacks it.
        name: Auto-naming; None for a type without it.
        checks: Validation of all inputs against the account, at creation and update.
        deletion_checks: Validation of a deletion against the account.
        attributes: Outputs that AWS sets once, at creation; only those that something reads.
        revised: Outputs that AWS sets at creation and at each update.
        amend: The inputs as AWS has them after an update, of those before it and those that it sent; where AWS changes
            others, too.
        read_back: Inputs that AWS changes so: the provider compares new ones with what it has read, not with old ones.
        tagged: Whether it has `tagsAll`.
        converge: Brings local resources (e.g. Kubernetes nodes) in line with the record, and returns the outputs that
            change. Idempotent; may take long.
        dissolve: Deletes the local resources, before the record is removed.
    """

    type: str
    make_id: Attribute
    api: Api = field(default_factory=Api)
    name: AutoName | None = None
    checks: tuple[Check, ...] = ()
    deletion_checks: tuple[Check, ...] = ()
    attributes: Mapping[str, Attribute] = field(default_factory=dict[str, Attribute])
    revised: Mapping[str, Attribute] = field(default_factory=dict[str, Attribute])
    amend: Callable[[Properties, Properties], Properties] | None = None
    read_back: Collection[str] = ()
    tagged: bool = True
    converge: Callable[[Layout, Record, Account], Properties] | None = None
    dissolve: Callable[[Layout, Record], None] | None = None

    @property
    def regional(self) -> bool:
        """Whether its resources have a region."""
        return not self.type.startswith(("aws:iam/", "aws:route53/"))
