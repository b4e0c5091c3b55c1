"""Evaluation of IAM policies: whether a role's statements allow a request, by action, resource and condition.

moto identifies the principal. Of a policy it evaluates actions only: it takes each resource for `*`, and each condition
for unmet (`moto/iam/access_control.py`). The resources and condition keys of each action are AWS's:
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html

Permissions boundaries, session policies and resource-based policies are not evaluated.
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
"""Names of the parameters that identify a request's resources; nested ones are values to set."""

_EC2_TYPES = {
    "eni": "network-interface",
    "i": "instance",
    "sg": "security-group",
    "subnet": "subnet",
    "vol": "volume",
    "vpc": "vpc",
}
"""EC2's resource types by the prefix of their ids."""


@dataclass(frozen=True)
class Question:
    """One action on one resource.

    Attributes:
        action: With its service, e.g. `ec2:CreateTags`.
        resource: ARN, or `*` where the action has no resource.
        context: Values of the request's condition keys.
    """

    action: str
    resource: str
    context: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])


@dataclass(frozen=True)
class Asked:
    """A request, whatever its protocol.

    Attributes:
        service: Its prefix in policies, e.g. `ec2`.
        action: Without the service, e.g. `CreateTags`.
        parameters: Values by name; lists and structures flattened as in the query protocol.
        region: AWS region.
        account: Account id, 12 digits.
    """

    service: str
    action: str
    parameters: Mapping[str, str]
    region: str
    account: str

    def questions(self, tags: Tags) -> Iterator[Question]:
        """Yields all actions that have to be allowed, by resource; a create with tags needs the tagging action, too."""
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
        """ARN pattern of the resource that a `Create…` action creates; empty for other actions."""
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
        """The tags that the request sets."""
        pairs: dict[str, dict[str, str]] = {}
        for name, value in self.parameters.items():
            found = re.fullmatch(r"((?:TagSpecification\.1\.)?Tags?(?:\.member)?\.\d+)\.(Key|Value)", name)
            if found:
                pairs.setdefault(found[1], {})[found[2]] = value
        return {one["Key"]: one.get("Value", "") for one in pairs.values()}


def allows(documents: Iterable[Mapping[str, Any]], question: Question) -> bool:
    """Whether policy documents allow an action: one statement allows it, and none denies it."""
    effects = [
        statement["Effect"]
        for document in documents
        for statement in many(document["Statement"])
        if _is_about(statement, question)
    ]
    return "Allow" in effects and "Deny" not in effects


def many(value: Any) -> list[Any]:
    """A policy element as a list, which policies may write as a single value."""
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yields a JSON body's parameters under their names in the query protocol."""
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
"""Condition operators. An unknown one fails the request with a KeyError, so that no condition is ever ignored."""
