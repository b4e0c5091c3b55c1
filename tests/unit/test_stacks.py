"""The checkout's stacks load and preview; the tests' stacks have no secrets; the project file declares every key."""

from __future__ import annotations

from typing import Any, get_origin

import pytest
import yaml
from pydantic.alias_generators import to_camel

import config
from config import PROJECT, Settings, load
from config.annotations import bare
from tests.unit.program import (
    SHIPPED,
    STACKS,
    config_of,
    configured,
    made_up,
    project_file,
    stack_config,
    stack_file,
)
from tools.program.graph import every


@pytest.mark.parametrize("stack", every(SHIPPED, "stack"))
def test_a_stack_of_the_checkout_loads_and_previews(stack: str) -> None:
    settings = config_of(SHIPPED[stack])
    hosts = load(settings).hosts
    outputs = configured(settings, stack=stack, preview=True).outputs
    assert outputs["hosts"].items() >= {"prod": hosts["prod"], "dev": hosts["dev"]}.items()


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_loads_once_its_secrets_are_given(stack: str) -> None:
    loaded = load(stack_config(stack))
    assert set(loaded.services) == {"frontend", "gateway", "api", "ai", "crawling"}
    assert loaded.hosts == {
        "prod": loaded.domain,
        "dev": f"test.{loaded.domain}",
        "logs": f"log.{loaded.domain}",
    }
    assert (loaded.tainted("dev"), loaded.tainted("prod")) == (False, True)
    values = loaded.secret_values("prod", "ai")
    assert values == {"LLM_API_KEY": made_up(config.RequiredSecret("prod", "ai", "LLM_API_KEY"))}


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_of_the_tests_needs_nobodys_key(stack: str) -> None:
    assert stack_file(stack).keys() == {"config"}
    assert "secure:" not in yaml.safe_dump(stack_file(stack))


def pulumi_type(annotation: Any) -> str:
    """What Pulumi's schema calls the type of a top-level key.

    https://www.pulumi.com/docs/iac/concepts/projects/project-file/#config-options
    """
    return {str: "string", bool: "boolean", list: "array"}.get(get_origin(annotation) or annotation, "object")


def test_the_project_declares_every_setting_with_type_and_description() -> None:
    schema: dict[str, Any] = project_file()["config"]
    # Pulumi requires each declared key that has no default: one that may be left out cannot be declared.
    declared = {
        to_camel(name): field
        for name, field in Settings.model_fields.items()
        if field.is_required() or field.default is not None
    }
    assert set(schema) == set(declared)
    for key, field in schema.items():
        assert field["type"] == pulumi_type(bare(declared[key].annotation)), key
        assert len(field["description"]) > 10, key
        assert ("default" in field) is not declared[key].is_required() or key == "region", key
    assert schema["secrets"]["secret"] is True


def test_the_project_has_the_name_of_the_keys() -> None:
    assert project_file()["name"] == PROJECT
