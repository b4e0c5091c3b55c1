"""The emulated types of AWS resources, in modules by service.

To add a type, add its `Kind` (`rehearsal.emulators.aws.kind`) to the `KINDS` of its service's module, or of a new one,
and its inputs to `inputs.yaml`. Property names are those of pulumi-aws's schema.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from rehearsal.emulators.aws.kind import Kind
from rehearsal.errors import RehearsalError

KINDS: dict[str, Kind] = {
    kind.type: kind for module in iter_modules(__path__) for kind in import_module(f"{__name__}.{module.name}").KINDS
}
"""All kinds, by Pulumi's type token."""


def kind_of(type_token: str) -> Kind:
    """The kind of a type.

    Raises:
        RehearsalError: The emulator has no such type.
    """
    if type_token not in KINDS:
        raise RehearsalError(
            f"the aws emulator has no resource type {type_token}",
            remedy="Add it to rehearsal/emulators/aws/kinds/; the package's docstring says how.",
        )
    return KINDS[type_token]
