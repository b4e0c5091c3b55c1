"""How one type of AWS resource behaves, as data: the vocabulary of the tables in `kinds/`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from rehearsal.aws import ACCOUNT_ID
from rehearsal.emulators.aws.account import Account, Record
from rehearsal.emulators.aws.api import Api
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.properties import Properties, known_values
from rehearsal.layout import Layout


@dataclass(frozen=True)
class Making:
    """A resource that is being made or changed, and the account it enters.

    Attributes:
        account_id: Whose account it is, 12 digits.
        inputs: All known.
        id: The resource's id; empty while the kind computes it.
        previous: The outputs before this change; empty at creation.
        answer: What the account's API answered when it made the resource.
    """

    layout: Layout
    account: Account
    region: str
    inputs: Properties
    id: str = ""
    previous: Properties = field(default_factory=dict[str, Any])
    account_id: str = ACCOUNT_ID
    answer: Properties = field(default_factory=dict[str, Any])

    def find(self, type_token: str, identifier: str) -> Record | None:
        """Another resource of the account."""
        return self.account.find(type_token, identifier)

    def text(self, template: str) -> str:
        """A template filled with the inputs and with `{id}`, `{region}`, `{account}`."""
        return template.format_map({**self.inputs, "id": self.id, "region": self.region, "account": self.account_id})


Attribute: TypeAlias = Callable[[Making], Any]
"""Computes an output that AWS decides."""

Rule: TypeAlias = Callable[[Any], None]
"""Judges one known input value, before anything is made: raises `AwsError` or `ValueError`."""


@dataclass(frozen=True)
class Refusal:
    """An error to be: AWS's code and its sentence, with `{...}` filled by `Making.text` or by name."""

    code: str
    message: str

    def error(self, **names: Any) -> AwsError:
        """The error itself."""
        return AwsError(self.code, self.message.format_map(names))


@dataclass(frozen=True)
class Reference:
    """Inputs that name other resources of the account.

    Attributes:
        path: Dotted path of the input.
        to: The type they name.
        by: How they name it: the output that holds the name, or `id`.
        missing: The refusal where there is no such resource (`{value}`); None where AWS does not look.
        blocks: The refusal of deleting the named resource as long as this one names it (`{id}` of the named, `{by}` of
            this one); None where AWS deletes it all the same.
        follows: Whether this resource goes away with the named one.
    """

    path: str
    to: str
    by: str = "id"
    missing: Refusal | None = None
    blocks: Refusal | None = None
    follows: bool = False

    def key(self, record: Record) -> Any:
        """What a resource is named by here."""
        return record.id if self.by == "id" else record.outputs.get(self.by)

    def names(self, inputs: Properties, record: Record) -> bool:
        """Whether inputs with this reference name a resource."""
        return record.type == self.to and self.key(record) in known_values(inputs, self.path)


@dataclass(frozen=True)
class AutoName:
    """A name that is made up where none is given: the resource's name and seven random digits, as Pulumi does.

    Attributes:
        property: The input.
        prefix: Stands before the made-up name, e.g. `alias/`.
        longest: Characters at most.
        lower: Whether capitals are turned to small letters.
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
        make_id: The new resource's id, once its inputs were accepted and the API has made it.
        api: How it stands in the account's API; None for what moto lacks, and for what only a record is.
        arn: Template of the ARN; None where the type has none.
        arn_output: The output that carries it.
        name: How a name is made up; None where none is needed.
        rules: Judgements of inputs by their path, made before anything exists: a preview refuses too.
        refusals: Judgements of the whole against the account, at creation and change: they raise `AwsError`.
        references: What it names, and what that means for deletions.
        deletion_refusals: Judgements of a deletion that no reference expresses; they raise `AwsError`.
        replaces: Paths of inputs that cannot be changed in place.
        attributes: Outputs that AWS decides once, at creation: those that something reads.
        revised: Outputs that AWS decides at creation and at each change.
        tagged: Whether it has `tagsAll`.
        converge: Brings what the resource stands for to what the record says (may take long, may be repeated), and
            gives the outputs this changes.
        dissolve: Takes away what the resource stands for, before its record goes.
    """

    type: str
    make_id: Attribute
    api: Api | None = None
    arn: str | None = None
    arn_output: str = "arn"
    name: AutoName | None = None
    rules: Mapping[str, Rule] = field(default_factory=dict[str, Rule])
    refusals: tuple[Callable[[Making], None], ...] = ()
    references: tuple[Reference, ...] = ()
    deletion_refusals: tuple[Callable[[Making], None], ...] = ()
    replaces: frozenset[str] = frozenset()
    attributes: Mapping[str, Attribute] = field(default_factory=dict[str, Attribute])
    revised: Mapping[str, Attribute] = field(default_factory=dict[str, Attribute])
    tagged: bool = True
    converge: Callable[[Layout, Record, Account], Properties] | None = None
    dissolve: Callable[[Layout, Record], None] | None = None

    @property
    def regional(self) -> bool:
        """Whether it has `region`."""
        return not self.type.startswith(("aws:iam/", "aws:route53/"))


def names(text: str) -> frozenset[str]:
    """Property paths, separated by spaces."""
    return frozenset(text.split())


def answered(path: str) -> Attribute:
    """What the API answered when it made the resource: the first value at a dotted path, such as `Vpc.VpcId`."""
    return lambda making: next(known_values(making.answer, path), "")


def text(template: str) -> Attribute:
    """A text from the inputs, `{id}`, `{region}` and `{account}`."""
    return lambda making: making.text(template)


def taken(type_token: str, paths: str, code: str, message: str) -> Callable[[Making], None]:
    """A refusal of inputs that another resource of the type has, all of them together; of none where none is given.

    Paths are separated by spaces; the message is a text of `Making.text`.
    """

    def values(inputs: Properties) -> list[list[Any]]:
        return [list(known_values(inputs, path)) for path in paths.split()]

    def judge(making: Making) -> None:
        own = values(making.inputs)
        others = [other for other in making.account.records(type_token) if other.id != making.id]
        if any(own) and any(values(other.inputs) == own for other in others):
            raise AwsError(code, making.text(message))

    return judge
