"""Kubernetes quantities in the form the API server gives them back.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal

_FORM = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([EPTGMK]i)|([numkMGTPE])|[eE]([+-]?\d+))?")
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -3, "u": -2, "m": -1, "": 0, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_BINARY_NAMES = {power: name for name, power in _BINARY.items()}
_DECIMAL_NAMES = {power: name for name, power in _DECIMAL.items()}
_SMALLEST = Decimal("1e-9")
_KIBI = 1024
_KILO = 1000


def canonical(quantity: str) -> str:
    """The same quantity as the API server writes it: `1000m` is `1`, `0.5` is `500m`, `1024Mi` is `1Gi`.

    A text that is no quantity comes back as it is: refusing it is the API server's business.
    """
    match = _FORM.fullmatch(quantity)
    if match is None:
        return quantity
    mantissa, binary, decimal, exponent = match.groups()
    value = Decimal(mantissa)
    if binary:
        return _in_binary(value * _KIBI ** _BINARY[binary])
    if exponent is not None:
        return _with_exponent(value.scaleb(int(exponent)))
    return _in_decimal(value.scaleb(3 * _DECIMAL[decimal or ""]))


def _in_binary(value: Decimal) -> str:
    if abs(value) < _KIBI:
        return _in_decimal(value)
    whole, power = int(value.to_integral_value(ROUND_CEILING)), 0
    while whole % _KIBI == 0 and power < max(_BINARY_NAMES):
        whole, power = whole // _KIBI, power + 1
    return f"{whole}{_BINARY_NAMES.get(power, '')}"


def _in_decimal(value: Decimal) -> str:
    whole, power = _thousands(value)
    return f"{whole}{_DECIMAL_NAMES[power]}"


def _with_exponent(value: Decimal) -> str:
    whole, power = _thousands(value)
    return f"{whole}e{3 * power}" if power else f"{whole}"


def _thousands(value: Decimal) -> tuple[int, int]:
    """A whole number and the power of a thousand to multiply it with, the largest there is."""
    whole, power = int((value / _SMALLEST).to_integral_value(ROUND_CEILING)), min(_DECIMAL_NAMES)
    if whole == 0:
        return 0, 0
    while whole % _KILO == 0 and power < max(_DECIMAL_NAMES):
        whole, power = whole // _KILO, power + 1
    return whole, power
