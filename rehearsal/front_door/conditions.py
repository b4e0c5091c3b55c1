"""Conditions of listener rules as HAProxy ACLs; `RehearsalError` for what AWS refuses, or what is not supported.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rehearsal.front_door.elbv2 import Described, refuse

STAFF = "127.0.0.1"
"""Source address of a staff member: within the CIDRs of every rule and security group that has any."""

OUTSIDE = "127.0.0.2"
"""Source address of an outsider: within 0.0.0.0/0 only. Requests to the front door's second port get it, too, since
browsers cannot choose their source address."""

VALUES_OF_A_RULE = 5
WILDCARDS_OF_A_RULE = 5
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html."""

VALUES_OF_A_CONDITION = 3
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html, "Condition basics"."""

_ONCE = {"host-header": "HostHeaderConfig", "path-pattern": "PathPatternConfig", "source-ip": "SourceIpConfig"}
_CONFIGS = {**_ONCE, "http-header": "HttpHeaderConfig"}
"""Supported conditions (what the controller makes of this project's Ingresses), and those at most once in a rule.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RuleCondition.html
"""


def acls(conditions: Sequence[Described], *, on: str) -> list[str]:
    """Anonymous ACLs of a rule's conditions, all of which must match; the host is in the variable `txn.host`."""
    fields = [str(one["Field"]) for one in conditions]
    if again := sorted(field for field in _ONCE if fields.count(field) > 1):
        refuse(on, f"a rule has one condition {again[0]} at most")
    values = [value for one in conditions for value in _values(one, on)]
    if len(values) > VALUES_OF_A_RULE:
        refuse(on, f"a rule of a load balancer has at most {VALUES_OF_A_RULE} values, this one {len(values)}")
    if sum(len(re.findall(r"(?<!\\)[*?]", value)) for value in values) > WILDCARDS_OF_A_RULE:
        refuse(on, f"a rule of a load balancer has at most {WILDCARDS_OF_A_RULE} wildcards")
    return [_acl(one, _values(one, on)) for one in conditions]


def hosts(conditions: Sequence[Described]) -> list[str]:
    """The host names in conditions, with wildcards."""
    return [value for one in conditions if one["Field"] == "host-header" for value in _values(one, "")]


def _values(condition: Described, on: str) -> list[str]:
    """The values of a condition, one of which must match."""
    field = str(condition["Field"])
    if field not in _CONFIGS:
        refuse(on, f"condition {field}: nobody knows here what it means")
    config: Described = condition.get(_CONFIGS[field]) or {}
    given = {key for key, value in condition.items() if value} - {"Field", _CONFIGS[field]}
    known = {"Values", "HttpHeaderName"} if field == "http-header" else {"Values"}
    if unknown := sorted({*given, *config} - known):
        refuse(on, f"condition {field}: nobody knows here what {', '.join(unknown)} means")
    values = [str(one) for one in config.get("Values", ())]
    if not 0 < len(values) <= VALUES_OF_A_CONDITION:
        refuse(on, f"condition {field}: a condition has 1-{VALUES_OF_A_CONDITION} values, this one {len(values)}")
    if any(not text.isascii() or not text.isprintable() for text in values):
        refuse(on, f"condition {field}: only visible characters of ASCII")
    return values


def _acl(condition: Described, values: Sequence[str]) -> str:
    """https://docs.haproxy.org/2.6/configuration.html#7."""
    field = str(condition["Field"])
    if field == "source-ip":
        test, words = "src", [STAFF, *values]
    else:
        # Paths are compared without the query, and case-sensitively; of a header that is repeated, each value is.
        tests = {"host-header": "var(txn.host) -m reg -i", "path-pattern": "path -m reg"}
        test = tests.get(field) or f"req.fhdr({condition['HttpHeaderConfig']['HttpHeaderName']}) -m reg -i"
        words = [pattern(value) for value in values]
    return f"{{ {test} -- {' '.join(map(quoted, words))} }}"


def pattern(text: str) -> str:
    """Regular expression of a text with the wildcards `*` and `?`, which a backslash escapes."""
    wildcards = {"*": ".*", "?": "."}
    parts = re.findall(r"\\[*?]|.", text)
    return f"^{''.join(wildcards.get(part) or re.escape(part[-1]) for part in parts)}$"


def quoted(text: str) -> str:
    """A quoted word of HAProxy's configuration.

    https://docs.haproxy.org/2.6/configuration.html#2.2
    """
    inner = text.replace("'", "'\\''").replace("\n", "'\\n'").replace("\r", "'\\r'")
    return f"'{inner}'"
