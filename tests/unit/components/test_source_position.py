"""Each resource is registered with the line that creates it, and with no other frame of the call stack."""

from __future__ import annotations

from importlib.util import find_spec, module_from_spec
from types import ModuleType

import pulumi.runtime.resource as sdk

from components import source_position
from tests.unit.program import platform


def untouched_sdk() -> ModuleType:
    """A copy of the SDK's module that no test has changed."""
    spec = find_spec("pulumi.runtime.resource")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SDK = untouched_sdk()


class Resource:
    """The SDK's class of this name: its constructor asks for the stack trace."""

    def __init__(self) -> None:
        # In one line, which is the SDK's frame of both.
        self.whole, self.kept = SDK._get_stack_trace(), source_position.stack_trace()  # noqa: SLF001


class ComponentResource(Resource):
    """The SDK's class of this name."""

    def __init__(self) -> None:
        super().__init__()


class Thing(ComponentResource):
    """A resource's own class."""

    def __init__(self) -> None:
        super().__init__()


def test_the_line_that_creates_a_resource_is_all_that_is_kept_of_the_sdks_trace() -> None:
    thing = Thing()
    assert len(thing.whole.frames) > 1
    assert list(thing.kept.frames) == list(thing.whole.frames)[:1]
    assert thing.kept.frames[0].pc.uri.endswith("/test_source_position.py")


def test_code_that_is_in_no_file_has_no_position() -> None:
    made: dict[str, Thing] = {}
    exec("made['one'] = Thing()", {"made": made, "Thing": Thing})  # noqa: S102
    assert not made["one"].kept.frames


def test_less_than_a_constructor_has_no_position() -> None:
    assert not source_position.stack_trace().frames


def test_the_program_registers_its_resources_so() -> None:
    platform("dev", preview=False)
    assert vars(sdk)["_get_stack_trace"] is source_position.stack_trace
