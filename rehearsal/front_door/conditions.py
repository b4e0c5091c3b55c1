"""The conditions of a listener's rules as HAProxy asks them.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
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

_CONFIGS = {"host-header": "HostHeaderConfig", "path-pattern": "PathPatternConfig", "source-ip": "SourceIpConfig"}
"""What the controller makes of this project's Ingresses; a rule names each once at most.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RuleCondition.html
"""


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

    Raises:
        RehearsalError: One is not known here, or AWS would refuse the rule.
    """
    fields = [str(one["Field"]) for one in conditions]
    if again := sorted(field for field in _CONFIGS if fields.count(field) > 1):
        refuse(on, f"a rule has one condition {again[0]} at most")
    values = [value for one in conditions for value in _values(one, on)]
    if len(values) > VALUES_OF_A_RULE:
        refuse(on, f"a rule of a load balancer has at most {VALUES_OF_A_RULE} values, this one {len(values)}")
    if sum(len(re.findall(r"(?<!\\)[*?]", value)) for value in values) > WILDCARDS_OF_A_RULE:
        refuse(on, f"a rule of a load balancer has at most {WILDCARDS_OF_A_RULE} wildcards")
    return [_acl(str(one["Field"]), _values(one, on)) for one in conditions]


def hosts(conditions: Sequence[Described]) -> list[str]:
    """The host names, with wildcards, of conditions that are understood."""
    return [value for one in conditions if one["Field"] == "host-header" for value in _values(one, "")]


def _values(condition: Described, on: str) -> list[str]:
    """A condition's values, of which one must fit."""
    field = str(condition["Field"])
    if field not in _CONFIGS:
        refuse(on, f"condition {field}: nobody knows here what it means")
    config: Described = condition.get(_CONFIGS[field]) or {}
    given = {key for key, value in condition.items() if value} - {"Field", _CONFIGS[field]}
    if unknown := sorted({*given, *config} - {"Values"}):
        refuse(on, f"condition {field}: nobody knows here what {', '.join(unknown)} means")
    values = [str(one) for one in config.get("Values", ())]
    if not 0 < len(values) <= VALUES_OF_A_CONDITION:
        refuse(on, f"condition {field}: a condition has 1-{VALUES_OF_A_CONDITION} values, this one {len(values)}")
    if any(not text.isascii() or not text.isprintable() for text in values):
        refuse(on, f"condition {field}: only visible characters of ASCII")
    return values


def _acl(field: str, values: Sequence[str]) -> str:
    """https://docs.haproxy.org/2.6/configuration.html#7."""
    if field == "source-ip":
        test, words = "src", [STAFF, *values]
    else:
        # A path is what comes before `?`, with the case as it is.
        test = "var(txn.host) -m reg -i" if field == "host-header" else "path -m reg"
        words = [pattern(value) for value in values]
    return f"{{ {test} -- {' '.join(map(quoted, words))} }}"


def pattern(text: str) -> str:
    """A regular expression for a text with wildcards: `*` for any characters, `?` for one; a backslash escapes them."""
    wildcards = {"*": ".*", "?": "."}
    parts = re.findall(r"\\[*?]|.", text)
    return f"^{''.join(wildcards.get(part) or re.escape(part[-1]) for part in parts)}$"


def quoted(text: str) -> str:
    """A word of HAProxy's configuration in which no character means anything.

    https://docs.haproxy.org/2.6/configuration.html#2.2
    """
    inner = text.replace("'", "'\\''").replace("\n", "'\\n'").replace("\r", "'\\r'")
    return f"'{inner}'"
