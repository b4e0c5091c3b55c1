"""Checks everything that the program registers before anything is changed, even in an update without a preview.

The SDK sends registrations to the engine when the program has ended, also if it ended with an error. Hence the AWS
provider, which every other resource needs, gets its region from `Limits.once_checked`: if the check fails, so does the
provider, and no resource follows. https://github.com/pulumi/pulumi/blob/v3.260.0/sdk/python/lib/pulumi/runtime/stack.py
(`run_pulumi_func`)
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, TypeVar

import pulumi
from pydantic.alias_generators import to_camel

from components.limits import load_balancers, names
from components.limits.load_balancers import Resource
from components.limits.names import Violation

T = TypeVar("T")


class LimitsError(pulumi.RunError):
    """Resources that AWS or Kubernetes would refuse; Pulumi prints the message without a traceback.

    Attributes:
        violations: What they would refuse.
    """

    def __init__(self, violations: Sequence[Violation], stack: str) -> None:
        count = len(violations)
        first = (
            f"AWS or Kubernetes would refuse {count} value(s) of this configuration's resources; nothing was changed."
        )
        super().__init__("\n  - ".join([first, *map(str, violations)]) + _remedy(violations, stack))
        self.violations = violations


def _remedy(violations: Sequence[Violation], stack: str) -> str:
    """What to do if another name of the stack is the cure: every name in AWS begins with `hello-STACK`."""
    of_stack = [one for one in violations if f"hello-{stack}" in one.value and one.excess < len(stack)]
    if not of_stack:
        return ""
    longest = len(stack) - max(one.excess for one in of_stack)
    length = f", at most {longest} of them" if longest < len(stack) else ""
    return (
        f"\n{len(of_stack)} of them contain the stack's name, {stack}: name it with lower-case letters, digits and "
        f"hyphens{length}"
    )


def _told_once(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """An exception handler: of all outputs that the error reaches, the program's end alone prints it."""
    if not isinstance(context.get("exception"), LimitsError):
        loop.default_exception_handler(context)


class Limits:
    """Collects the program's resources, and checks them."""

    def __init__(self) -> None:
        self._resources: list[Resource] = []
        self._error: LimitsError | None = None
        pulumi.runtime.register_stack_transformation(self._collect)

    def _collect(self, registered: pulumi.ResourceTransformationArgs) -> None:
        inputs = {to_camel(name): value for name, value in registered.props.items()}
        self._resources.append(Resource(type=registered.type_, name=registered.name, inputs=inputs))

    def once_checked(self, value: T) -> pulumi.Output[T]:
        """A value that nothing gets if the check fails. A look-up that needs it would come too early."""

        async def checked() -> T:
            # It runs once the program has ended.
            if self._error:
                raise self._error
            return value

        return pulumi.Output.from_input(checked())

    def check(self, *, stack: str, security_group_rules: int) -> None:
        """Checks all resources that were registered since this object was made.

        Args:
            stack: The stack's name.
            security_group_rules: The account's quota of inbound rules of one security group.

        Raises:
            LimitsError: A resource has a value that AWS or Kubernetes would refuse.
        """
        violations = [
            *(found for one in self._resources for found in names.violations(one.type, one.name, one.inputs)),
            *load_balancers.violations(self._resources, security_group_rules),
        ]
        if violations:
            self._error = LimitsError(violations, stack)
            asyncio.get_running_loop().set_exception_handler(_told_once)
            raise self._error
