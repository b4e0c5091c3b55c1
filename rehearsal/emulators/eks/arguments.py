"""Arguments of components: plain values and outputs by name, none of them silently ignored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import pulumi

Arguments: TypeAlias = Mapping[str, Any]
"""The program's arguments by property name (camelCase); a value may be an output."""


class Taken:
    """Arguments of one component, each of which has to be read.

    Args:
        arguments: The program's arguments; None counts as not given.
        where: The component in messages, e.g. `eks.Cluster hello-dev`.
    """

    def __init__(self, arguments: Arguments, where: str) -> None:
        self._left = {name: value for name, value in arguments.items() if value is not None}
        self._where = where

    def take(self, name: str, otherwise: Any = None) -> Any:
        """An argument's value, or the default `otherwise`; marks the argument as read."""
        return self._left.pop(name, otherwise)

    def take_plain(self, name: str, otherwise: Any = None) -> Any:
        """Like `take`, for an argument on which the component's children depend.

        Raises:
            pulumi.InputPropertyError: The value is an output, which is not known when children are registered.
        """
        value = self.take(name, otherwise)
        if isinstance(value, pulumi.Output):
            raise pulumi.InputPropertyError(name, f"{self._where}: it has to be a plain value, not an output")
        return value

    def refuse_the_rest(self) -> None:
        """Refuses arguments that have not been read; to be called last.

        Raises:
            pulumi.InputPropertiesError: The emulator does not have some of the arguments.
        """
        if self._left:
            raise pulumi.InputPropertiesError(
                f"the eks stand-in does not know all arguments of {self._where}. What to do: leave them out, or teach "
                f"them to rehearsal/emulators/eks/ as pulumi-eks 4.4.0 has them.",
                [
                    {"property_path": name, "reason": f"the eks stand-in knows no {name} of {self._where}"}
                    for name in sorted(self._left)
                ],
            )
