"""The conditions of a listener's rules as HAProxy asks them.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from rehearsal.errors import RehearsalError
from rehearsal.front_door.elbv2 import Described

STAFF = "127.0.0.1"
"""Whoever calls from here is within the ranges of each rule, and of each security group's, that lists some."""

OUTSIDE = "127.0.0.2"
"""Whoever calls from here is within no range but everybody's; nor is who comes by the port for that, since browsers
cannot choose where from."""

VALUES_OF_A_RULE = 5
WILDCARDS_OF_A_RULE = 5
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html."""

VALUES_OF_A_CONDITION = 3
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html, "Condition basics"."""

_ONCE = {"host-header", "http-request-method", "path-pattern", "source-ip"}
"""Fields that a rule names once at most.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RuleCondition.html
"""

_CONFIGS = {
    "host-header": "HostHeaderConfig",
    "http-header": "HttpHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "path-pattern": "PathPatternConfig",
    "query-string": "QueryStringConfig",
    "source-ip": "SourceIpConfig",
}


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A condition of a rule; it holds where one of its values fits.

    Attributes:
        field: As ELBv2 names it, e.g. `path-pattern`.
        values: A query's are key, empty for any, and value joined by a line's end.
        header: Name of the header; empty for other fields.
    """

    field: str
    values: tuple[str, ...]
    header: str = ""


def refuse(on: str, problem: str) -> NoReturn:
    """Says that an object is not understood.

    Raises:
        RehearsalError: Always.
    """
    raise RehearsalError(
        f"{on}: {problem}.",
        remedy="the front door stays as it was; change it, or teach rehearsal/front_door/ what it means.",
    )


def conditions(described: Sequence[Described], *, on: str) -> tuple[Condition, ...]:
    """The conditions of a rule, all of which must hold.

    Args:
        described: As the API gives them.
        on: The rule, for a message.

    Raises:
        RehearsalError: One is not known here, or AWS would refuse the rule.
    """
    found = tuple(_condition(one, on) for one in described)
    fields = [one.field for one in found]
    for field in _ONCE:
        if fields.count(field) > 1:
            refuse(on, f"a rule has one condition {field} at most")
    values = [value for one in found for value in one.values]
    if len(values) > VALUES_OF_A_RULE:
        refuse(on, f"a rule of a load balancer has at most {VALUES_OF_A_RULE} values, this one {len(values)}")
    if sum(len(re.findall(r"(?<!\\)[*?]", value)) for value in values) > WILDCARDS_OF_A_RULE:
        refuse(on, f"a rule of a load balancer has at most {WILDCARDS_OF_A_RULE} wildcards")
    return found


def _condition(described: Described, on: str) -> Condition:
    field = str(described["Field"])
    if field not in _CONFIGS:
        refuse(on, f"condition {field}: nobody knows here what it means")
    given = {key: value for key, value in described.items() if key != "Field" and value}
    # The API says the values of a host and a path a second time, as it did before there were others.
    config = given.pop(_CONFIGS[field], None) or {"Values": given.get("Values", ())}
    given.pop("Values", None)
    unknown = sorted({*given, *config} - {"Values", "HttpHeaderName"})
    if unknown:
        refuse(on, f"condition {field}: nobody knows here what {', '.join(unknown)} means")
    pairs = field == "query-string"
    values = tuple(f"{one.get('Key') or ''}\n{one['Value']}" if pairs else str(one) for one in config["Values"])
    if not 0 < len(values) <= VALUES_OF_A_CONDITION:
        refuse(on, f"condition {field}: a condition has 1-{VALUES_OF_A_CONDITION} values, this one {len(values)}")
    if any(not text.isascii() or not text.replace("\n", "").isprintable() for text in values):
        refuse(on, f"condition {field}: only visible characters of ASCII")
    header = str(config.get("HttpHeaderName", ""))
    if field == "http-header" and not re.fullmatch(r"[\w-]{1,40}", header, re.ASCII):
        refuse(on, f"condition {field}: {header!r} is no name of a header")
    return Condition(field=field, values=values, header=header)


def acl(condition: Condition) -> str:
    """An anonymous ACL that holds where the condition does; a host's is that of the variable `txn.host`.

    https://docs.haproxy.org/2.6/configuration.html#7
    """
    values = condition.values
    match condition.field:
        case "host-header":
            return _matches("var(txn.host)", map(pattern, values), any_case=True)
        case "path-pattern":
            # Of the request's target, what comes before `?`; with the case as it is.
            return _matches("path", map(pattern, values))
        case "http-header":
            return _matches(f"req.fhdr({condition.header})", map(pattern, values), any_case=True)
        case "query-string":
            return _matches("query", map(_pair, values), any_case=True)
        case "http-request-method":
            return f"{{ method -m str -- {' '.join(map(quoted, values))} }}"
        case _:
            return f"{{ src -- {' '.join(map(quoted, (STAFF, *values)))} }}"


def pattern(text: str, anything: str = ".") -> str:
    r"""A regular expression for a text with wildcards: `*` for any characters, `?` for one; a backslash escapes them.

    Args:
        text: The text.
        anything: Expression for one character that wildcards stand for.
    """
    wildcards = {"*": f"{anything}*", "?": anything}
    parts = re.findall(r"\\[*?]|.", text)
    return f"^{''.join(wildcards.get(part) or re.escape(part[-1]) for part in parts)}$"


def quoted(text: str) -> str:
    """A word of HAProxy's configuration in which no character means anything.

    https://docs.haproxy.org/2.6/configuration.html#2.2
    """
    inner = text.replace("'", "'\\''").replace("\n", "'\\n'").replace("\r", "'\\r'")
    return f"'{inner}'"


def _matches(sample: str, expressions: Sequence[str] | map[str], *, any_case: bool = False) -> str:
    case = " -i" if any_case else ""
    return f"{{ {sample} -m reg{case} -- {' '.join(map(quoted, expressions))} }}"


def _pair(text: str) -> str:
    """An expression for a pair anywhere in a query; without a key, for that value of any."""
    key, _, value = text.partition("\n")
    named = f"{pattern(key, '[^&=]')[1:-1]}=" if key else "([^&=]*=)?"
    return f"(^|&){named}{pattern(value, '[^&]')[1:-1]}(&|$)"
