"""The conditions of a listener's rules as HAProxy asks them.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
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


def refuse(on: str, problem: str) -> NoReturn:
    """Says that an object is not understood.

    Raises:
        RehearsalError: Always.
    """
    raise RehearsalError(
        f"{on}: {problem}.",
        remedy="the front door stays as it was; change it, or teach rehearsal/front_door/ what it means.",
    )


def acls(conditions: Sequence[Described], *, on: str) -> list[str]:
    """Anonymous ACLs for the conditions of a rule, all of which must hold; a host is that of the variable `txn.host`.

    Args:
        conditions: As the API gives them.
        on: The rule, for a message.

    Raises:
        RehearsalError: One is not known here, or AWS would refuse the rule.
    """
    fields = [str(one["Field"]) for one in conditions]
    if again := sorted(field for field in _ONCE if fields.count(field) > 1):
        refuse(on, f"a rule has one condition {again[0]} at most")
    values = [value for one in conditions for value in _values(one, on)]
    if len(values) > VALUES_OF_A_RULE:
        refuse(on, f"a rule of a load balancer has at most {VALUES_OF_A_RULE} values, this one {len(values)}")
    if sum(len(re.findall(r"(?<!\\)[*?]", value)) for value in values) > WILDCARDS_OF_A_RULE:
        refuse(on, f"a rule of a load balancer has at most {WILDCARDS_OF_A_RULE} wildcards")
    return [_acl(one, _values(one, on), on) for one in conditions]


def hosts(conditions: Sequence[Described]) -> list[str]:
    """The host names, with wildcards, of conditions that are understood."""
    return [value for one in conditions if one["Field"] == "host-header" for value in _values(one, "")]


def _values(condition: Described, on: str) -> list[str]:
    """A condition's values, of which one must fit; a query's are key, empty for any, and value in two lines."""
    field = str(condition["Field"])
    if field not in _CONFIGS:
        refuse(on, f"condition {field}: nobody knows here what it means")
    # The API says the values of a host and a path a second time, as it did before there were others.
    config = condition.get(_CONFIGS[field]) or {"Values": condition.get("Values", ())}
    given = {key for key, value in condition.items() if value} - {"Field", "Values", _CONFIGS[field]}
    if unknown := sorted({*given, *config} - {"Values", "HttpHeaderName"}):
        refuse(on, f"condition {field}: nobody knows here what {', '.join(unknown)} means")
    values = [
        str(one) if isinstance(one, str) else f"{one.get('Key') or ''}\n{one['Value']}" for one in config["Values"]
    ]
    if not 0 < len(values) <= VALUES_OF_A_CONDITION:
        refuse(on, f"condition {field}: a condition has 1-{VALUES_OF_A_CONDITION} values, this one {len(values)}")
    if any(not text.isascii() or not text.replace("\n", "").isprintable() for text in values):
        refuse(on, f"condition {field}: only visible characters of ASCII")
    return values


def _acl(condition: Described, values: Sequence[str], on: str) -> str:
    """https://docs.haproxy.org/2.6/configuration.html#7."""
    match condition["Field"]:
        case "host-header":
            return _any_of("var(txn.host) -m reg -i", map(pattern, values))
        case "path-pattern":
            # Of the request's target, what comes before `?`; with the case as it is.
            return _any_of("path -m reg", map(pattern, values))
        case "http-header":
            header = str(condition["HttpHeaderConfig"].get("HttpHeaderName"))
            if not re.fullmatch(r"[\w-]{1,40}", header, re.ASCII):
                refuse(on, f"condition http-header: {header!r} is no name of a header")
            return _any_of(f"req.fhdr({header}) -m reg -i", map(pattern, values))
        case "query-string":
            return _any_of("query -m reg -i", map(_pair, values))
        case "http-request-method":
            return _any_of("method -m str", values)
        case _:
            return _any_of("src", (STAFF, *values))


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


def _any_of(test: str, values: Iterable[str]) -> str:
    return f"{{ {test} -- {' '.join(map(quoted, values))} }}"


def _pair(text: str) -> str:
    """An expression for a pair anywhere in a query; without a key, for that value of any."""
    key, _, value = text.partition("\n")
    named = f"{pattern(key, '[^&=]')[1:-1]}=" if key else "([^&=]*=)?"
    return f"(^|&){named}{pattern(value, '[^&]')[1:-1]}(&|$)"
