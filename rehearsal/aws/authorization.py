"""Whether a role's policies allow a request: statements' actions, resources and conditions.

moto knows who asks; of a policy it judges actions alone, takes each resource for `*` and each condition for unmet
(`moto/iam/access_control.py`). What a request is about, and what it says of itself, is AWS's table of each service:
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html

Permissions boundaries, session policies and resources' own policies are not asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, TypeAlias, cast

Tags: TypeAlias = Callable[[str], Mapping[str, str]]
"""The tags of a resource, by its ARN."""

_ARN_PARAMETER = re.compile(r"\w+(\.member)?(\.\d+)?|RulePriorities\.member\.\d+\.RuleArn")
"""Parameters that name what a request is about; deeper ones name what it is to be given."""

_EC2_TYPES = {
    "eni": "network-interface",
    "i": "instance",
    "sg": "security-group",
    "subnet": "subnet",
    "vol": "volume",
    "vpc": "vpc",
}
"""EC2's types of resources, by how their ids begin."""


@dataclass(frozen=True)
class Question:
    """One action on one resource.

    Attributes:
        action: As policies name it, e.g. `ec2:CreateTags`.
        resource: Its ARN, or `*` where the action is about none.
        context: Values of the condition keys that the request has.
    """

    action: str
    resource: str
    context: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])


@dataclass(frozen=True)
class Asked:
    """A request, whatever its protocol.

    Attributes:
        service: As policies name it.
        action: Without its service.
        parameters: Their values by name; lists and structures flat, as the query protocol has them.
        region: Where.
        account: Whose, 12 digits.
    """

    service: str
    action: str
    parameters: Mapping[str, str]
    region: str
    account: str

    def questions(self, tags: Tags) -> Iterator[Question]:
        """What has to be allowed for it, all of it: whoever makes something with tags may tag it, too."""
        request = self._tags()
        for resource in self._resources() or ["*"]:
            context: dict[str, Sequence[str]] = {"aws:RequestedRegion": [self.region], "aws:TagKeys": list(request)}
            context |= {f"aws:RequestTag/{key}": [value] for key, value in request.items()}
            for key, value in tags(resource).items() if resource != "*" else ():
                context |= {f"aws:ResourceTag/{key}": [value], f"{self.service}:ResourceTag/{key}": [value]}
            yield Question(f"{self.service}:{self.action}", resource, context)
            tagging = {"ec2": "CreateTags", "elasticloadbalancing": "AddTags"}.get(self.service)
            if tagging and request and self.action.startswith("Create") and self.action != tagging:
                made = self._made()
                creation = {**context, f"{self.service}:CreateAction": [self.action]}
                yield Question(f"{self.service}:{tagging}", made, creation)

    def _arn(self, resource: str) -> str:
        return f"arn:aws:{self.service}:{self.region}:{self.account}:{resource}"

    def _resources(self) -> list[str]:
        if re.match("Describe|List|Get", self.action) and self.service in {"ec2", "elasticloadbalancing"}:
            return []
        named = [value for name, value in self.parameters.items() if _ARN_PARAMETER.fullmatch(name)]
        found = [value for value in named if value.startswith("arn:")]
        if self.service == "ec2":
            kinds = [(_EC2_TYPES.get(value.partition("-")[0]), value) for value in named if "-" in value]
            found += [self._arn(f"{kind}/{value}") for kind, value in kinds if kind]
        if self.service == "ecr" and "repositoryName" in self.parameters:
            found.append(self._arn(f"repository/{self.parameters['repositoryName']}"))
        is_within_another = any(":loadbalancer/" in one or ":listener/" in one for one in found)
        made = "" if is_within_another or not self.action.startswith("Create") else self._made()
        return [*found, made] if made else found

    def _made(self) -> str:
        """What a `Create…` makes; nothing for other actions."""
        name = self.parameters.get("Name", "*")
        if self.service == "ec2" and self.action != "CreateTags":
            return self._arn(f"{re.sub('(?<!^)(?=[A-Z])', '-', self.action.removeprefix('Create')).lower()}/*")
        kinds = {
            "CreateLoadBalancer": self._arn(f"loadbalancer/app/{name}/*"),
            "CreateTargetGroup": self._arn(f"targetgroup/{name}/*"),
            "CreateListener": self.parameters.get("LoadBalancerArn", "").replace(":loadbalancer/", ":listener/") + "/*",
            "CreateRule": self.parameters.get("ListenerArn", "").replace(":listener/", ":listener-rule/") + "/*",
        }
        return kinds.get(self.action, "")

    def _tags(self) -> dict[str, str]:
        """The tags that the request is to put on something."""
        pairs: dict[str, dict[str, str]] = {}
        for name, value in self.parameters.items():
            found = re.fullmatch(r"((?:TagSpecification\.1\.)?Tags?(?:\.member)?\.\d+)\.(Key|Value)", name)
            if found:
                pairs.setdefault(found[1], {})[found[2]] = value
        return {one["Key"]: one.get("Value", "") for one in pairs.values()}


def allows(documents: Iterable[Mapping[str, Any]], question: Question) -> bool:
    """Whether policies allow an action: a statement does, and none denies it."""
    effects = [
        statement["Effect"]
        for document in documents
        for statement in many(document["Statement"])
        if _is_about(statement, question)
    ]
    return "Allow" in effects and "Deny" not in effects


def many(value: Any) -> list[Any]:
    """What policies give as one value or as a list of them."""
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """A JSON body's parameters as the query protocol names them."""
    if isinstance(value, dict):
        for key, one in cast("dict[str, Any]", value).items():
            yield from flat(one, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for index, one in enumerate(cast("list[Any]", value), 1):
            yield from flat(one, f"{name}.{index}")
    else:
        yield name, str(value)


def _is_about(statement: Mapping[str, Any], question: Question) -> bool:
    action = question.action.lower()
    if "Action" in statement:
        is_action = any(fnmatchcase(action, one.lower()) for one in many(statement["Action"]))
    else:
        is_action = not any(fnmatchcase(action, one.lower()) for one in many(statement["NotAction"]))
    if "Resource" in statement:
        is_resource = any(fnmatchcase(question.resource, one) for one in many(statement["Resource"]))
    else:
        is_resource = not any(fnmatchcase(question.resource, one) for one in many(statement["NotResource"]))
    conditions: Mapping[str, Mapping[str, Any]] = statement.get("Condition", {})
    return (
        is_action
        and is_resource
        and all(
            _holds(operator, question.context.get(key), [str(one) for one in many(wanted)])
            for operator, keys in conditions.items()
            for key, wanted in keys.items()
        )
    )


def _holds(operator: str, values: Sequence[str] | None, wanted: Sequence[str]) -> bool:
    quantifier, _, plain = operator.rpartition(":")
    plain, if_exists, _ = plain.partition("IfExists")
    if plain == "Null":
        return (values is None) == (wanted[0].lower() == "true")
    positive = plain.replace("Not", "")
    if values is None:
        return bool(if_exists) or "Not" in plain or quantifier == "ForAllValues"
    matches = [any(_MATCHES[positive](value, one) for one in wanted) is ("Not" not in plain) for value in values]
    return all(matches) if quantifier == "ForAllValues" else any(matches)


_MATCHES: Mapping[str, Callable[[str, str], bool]] = {
    "ArnEquals": fnmatchcase,
    "ArnLike": fnmatchcase,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringLike": fnmatchcase,
}
"""Operators; one that is missing here ends the request, so that nobody believes it is looked at."""
