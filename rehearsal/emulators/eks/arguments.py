"""Arguments of components: plain values and outputs by name, none silently dropped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import pulumi

Arguments: TypeAlias = Mapping[str, Any]
"""Property names (camelCase) and what the program gives for them; a value may be an output."""


class Taken:
    """Arguments, and which of them were looked at.

    Args:
        arguments: What the program gives.
        where: Names them in messages, e.g. `eks.Cluster hello-dev`.
    """

    def __init__(self, arguments: Arguments, where: str) -> None:
        self._left = {name: value for name, value in arguments.items() if value is not None}
        self._where = where

    def take(self, name: str, otherwise: Any = None) -> Any:
        """An argument, or what stands for it where it is not given."""
        return self._left.pop(name, otherwise)

    def take_plain(self, name: str, otherwise: Any = None) -> Any:
        """An argument that decides what is made.

        Raises:
            pulumi.InputPropertyError: It is an output, whose value is not known in time.
        """
        value = self.take(name, otherwise)
        if isinstance(value, pulumi.Output):
            raise pulumi.InputPropertyError(name, f"{self._where}: it has to be a plain value, not an output")
        return value

    def refuse_the_rest(self) -> None:
        """To be called when all that is known was taken.

        Raises:
            pulumi.InputPropertiesError: Some arguments are not known to the stand-in.
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
