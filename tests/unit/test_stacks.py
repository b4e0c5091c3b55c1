"""The committed stacks load, hold no secret, and the project declares what they may hold."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic.alias_generators import to_camel

import settings
from settings import PROJECT, Settings, load
from settings.annotations import bare
from tests.unit.program import CHECKOUT, STACKS, made_up, project_file, stack_config


@pytest.mark.parametrize("stack", STACKS)
def test_a_committed_stack_loads_once_its_secrets_are_given(stack: str) -> None:
    loaded = load(stack_config(stack))
    assert set(loaded.services) == {"frontend", "gateway", "api", "ai", "crawling"}
    assert loaded.hosts == {
        "prod": loaded.domain,
        "dev": f"test.{loaded.domain}",
        "logs": f"log.{loaded.domain}",
    }
    assert (loaded.tainted("dev"), loaded.tainted("prod")) == (False, True)
    values = loaded.secret_values("prod", "ai")
    assert values == {"LLM_API_KEY": made_up(settings.RequiredSecret("prod", "ai", "LLM_API_KEY"))}


@pytest.mark.parametrize("stack", STACKS)
def test_a_committed_stack_holds_nothing_encrypted(stack: str) -> None:
    text = (CHECKOUT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")
    assert not re.search(r"secure:|encryptionsalt|encryptedkey|secretsprovider", text, re.IGNORECASE)
    assert set(project_file(f"Pulumi.{stack}.yaml")) == {"config"}


def test_there_are_no_other_committed_stacks() -> None:
    assert {path.name for path in CHECKOUT.glob("Pulumi.*.yaml")} == {f"Pulumi.{stack}.yaml" for stack in STACKS}


def pulumi_type(annotation: Any) -> str:
    """What Pulumi's schema calls the type of a top-level key.

    https://www.pulumi.com/docs/iac/concepts/projects/project-file/#config-options
    """
    return {str: "string", bool: "boolean"}.get(annotation, "object")


def test_the_project_declares_every_setting_with_type_and_description() -> None:
    schema: dict[str, Any] = project_file("Pulumi.yaml")["config"]
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
    assert project_file("Pulumi.yaml")["name"] == PROJECT
