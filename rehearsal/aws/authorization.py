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

_RESOURCE_PARAMETER = re.compile(r"\w+(\.member)?(\.\d+)?|RulePriorities\.member\.\d+\.RuleArn")
"""Names of the parameters that identify a request's resources; nested ones are values to set."""

_TAG_PARAMETER = re.compile(r"((?:TagSpecification\.1\.)?Tags?(?:\.member)?\.\d+)\.(Key|Value)")

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
class Access:
    """An action, e.g. `ec2:CreateTags`, on a resource: its ARN, or `*` where the action has none.

    `context` has the values of the request's condition keys.
    """

    action: str
    resource: str
    context: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])


@dataclass(frozen=True)
class ApiRequest:
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

    def accesses(self, tags: Tags) -> Iterator[Access]:
        """Yields all that has to be allowed, by resource; a create with tags needs the tagging action, too."""
        request_tags = self._tags()
        for resource in self._resources() or ["*"]:
            context: dict[str, Sequence[str]] = {"aws:RequestedRegion": [self.region], "aws:TagKeys": [*request_tags]}
            context |= {f"aws:RequestTag/{key}": [value] for key, value in request_tags.items()}
            if self.service == "cloudwatch" and "Namespace" in self.parameters:
                context["cloudwatch:namespace"] = [self.parameters["Namespace"]]
            for key, value in tags(resource).items() if resource != "*" else ():
                context |= {f"aws:ResourceTag/{key}": [value], f"{self.service}:ResourceTag/{key}": [value]}
            yield Access(f"{self.service}:{self.action}", resource, context)
            tagging = {"ec2": "CreateTags", "elasticloadbalancing": "AddTags"}.get(self.service)
            if tagging and request_tags and self.action.startswith("Create") and self.action != tagging:
                creation = {**context, f"{self.service}:CreateAction": [self.action]}
                yield Access(f"{self.service}:{tagging}", self._created_resource(), creation)

    def _arn(self, resource: str) -> str:
        return f"arn:aws:{self.service}:{self.region}:{self.account}:{resource}"

    def _resources(self) -> list[str]:
        if re.match("Describe|List|Get", self.action) and self.service in {"ec2", "elasticloadbalancing"}:
            return []
        values = [value for name, value in self.parameters.items() if _RESOURCE_PARAMETER.fullmatch(name)]
        arns = [value for value in values if value.startswith("arn:")]
        if self.service == "ec2":
            types = [(_EC2_TYPES.get(value.partition("-")[0]), value) for value in values if "-" in value]
            arns += [self._arn(f"{resource_type}/{value}") for resource_type, value in types if resource_type]
        if self.service == "ecr" and "repositoryName" in self.parameters:
            arns.append(self._arn(f"repository/{self.parameters['repositoryName']}"))
        is_child = any(":loadbalancer/" in arn or ":listener/" in arn for arn in arns)
        created = "" if is_child or not self.action.startswith("Create") else self._created_resource()
        return [*arns, created] if created else arns

    def _created_resource(self) -> str:
        """ARN pattern of the resource that a `Create…` action creates; empty for other actions."""
        name = self.parameters.get("Name", "*")
        if self.service == "ec2" and self.action != "CreateTags":
            return self._arn(f"{re.sub('(?<!^)(?=[A-Z])', '-', self.action.removeprefix('Create')).lower()}/*")
        arns = {
            "CreateLoadBalancer": self._arn(f"loadbalancer/app/{name}/*"),
            "CreateTargetGroup": self._arn(f"targetgroup/{name}/*"),
            "CreateListener": self.parameters.get("LoadBalancerArn", "").replace(":loadbalancer/", ":listener/") + "/*",
            "CreateRule": self.parameters.get("ListenerArn", "").replace(":listener/", ":listener-rule/") + "/*",
        }
        return arns.get(self.action, "")

    def _tags(self) -> dict[str, str]:
        """The tags that the request sets."""
        tags: dict[str, dict[str, str]] = {}
        for name, value in self.parameters.items():
            if match := _TAG_PARAMETER.fullmatch(name):
                tags.setdefault(match[1], {})[match[2]] = value
        return {tag["Key"]: tag.get("Value", "") for tag in tags.values()}


def allows(documents: Iterable[Mapping[str, Any]], access: Access) -> bool:
    """Whether policy documents allow an action: one statement allows it, and none denies it."""
    effects = [
        statement["Effect"]
        for document in documents
        for statement in as_list(document["Statement"])
        if _applies(statement, access)
    ]
    return "Allow" in effects and "Deny" not in effects


def granted(document: Mapping[str, Any], service: str) -> set[str]:
    """The actions that the policy of a resource, such as a role's trust policy, allows a service principal."""
    return {
        action
        for statement in as_list(document["Statement"])
        if statement["Effect"] == "Allow" and isinstance(statement.get("Principal"), dict)
        if service in as_list(statement["Principal"].get("Service"))
        for action in as_list(statement["Action"])
    }


def as_list(value: Any) -> list[Any]:
    """A policy element as a list, which policies may write as a single value."""
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yields a JSON body's parameters under their names in the query protocol."""
    if isinstance(value, dict):
        for key, item in cast("dict[str, Any]", value).items():
            yield from flat(item, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[Any]", value), 1):
            yield from flat(item, f"{name}.{index}")
    else:
        yield name, str(value)


def _applies(statement: Mapping[str, Any], access: Access) -> bool:
    conditions: Mapping[str, Mapping[str, Any]] = statement.get("Condition", {})
    return (
        _matches(statement, "Action", access.action.lower(), str.lower)
        and _matches(statement, "Resource", access.resource, str)
        and all(
            _holds(operator, access.context.get(key), [str(one) for one in as_list(expected)])
            for operator, keys in conditions.items()
            for key, expected in keys.items()
        )
    )


def _matches(statement: Mapping[str, Any], element: str, value: str, convert: Callable[[str], str]) -> bool:
    """Whether `Action` or `Resource` has a pattern for a value, or `NotAction` or `NotResource` has none."""
    patterns = as_list(statement.get(element, statement.get(f"Not{element}")))
    return any(fnmatchcase(value, convert(pattern)) for pattern in patterns) is (element in statement)


def _holds(operator: str, values: Sequence[str] | None, expected: Sequence[str]) -> bool:
    quantifier, _, plain = operator.rpartition(":")
    plain, if_exists, _ = plain.partition("IfExists")
    if plain == "Null":
        return (values is None) == (expected[0].lower() == "true")
    matches = _OPERATORS[plain.replace("Not", "")]
    if values is None:
        return bool(if_exists) or "Not" in plain or quantifier == "ForAllValues"
    results = [any(matches(value, one) for one in expected) is ("Not" not in plain) for value in values]
    return all(results) if quantifier == "ForAllValues" else any(results)


_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "ArnEquals": fnmatchcase,
    "ArnLike": fnmatchcase,
    "Bool": lambda value, expected: value.lower() == expected.lower(),
    "StringEquals": lambda value, expected: value == expected,
    "StringEqualsIgnoreCase": lambda value, expected: value.lower() == expected.lower(),
    "StringLike": fnmatchcase,
}
"""Condition operators. An unknown one fails the request with a KeyError, so that no condition is ever ignored."""
