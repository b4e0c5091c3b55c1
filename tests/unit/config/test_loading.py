"""Pulumi's form is parsed; every configuration gives Settings or a SettingsError; no message shows a secret."""

from __future__ import annotations

import contextvars
import copy
import json
import traceback
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pulumi.runtime.config import set_all_config
from pydantic import ValidationError
from pydantic.alias_generators import to_camel

import config
from config import PROJECT, Settings, load
from config.loading import TEXT_KEYS
from tests.unit.config.configurations import GOOD, changed, in_pulumis_form, parsed, problems, refusal
from tools.program.graph import every


def test_text_is_what_the_models_want_as_text() -> None:
    assert {"accountId", "region", "domain", "owner", "costCenter", "permissionsBoundaryArn", "charts"} == TEXT_KEYS


@pytest.mark.parametrize("key", sorted(TEXT_KEYS - {"permissionsBoundaryArn", "charts"}))
def test_text_that_looks_like_json_stays_text(key: str) -> None:
    for text in ("123456789012", "true", "null", '{"a": 1}', "1e5"):
        error = refusal({**GOOD, f"{PROJECT}:{key}": text})
        assert error is None or [problem.value for problem in error.problems] == [json.dumps(text)]


def test_the_default_of_a_section_is_an_empty_one_as_the_engine_hands_it_over() -> None:
    key = f"{PROJECT}:releasesPage"
    assert load({**GOOD, key: '"{}"'}) == load({**GOOD, key: "{}"}) == load(GOOD)


def test_the_configuration_is_what_pulumi_hands_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pulumi passes it to its language host, which sets it, or to a program, in its environment."""

    def set_by_the_host() -> dict[str, str]:
        set_all_config(GOOD, [f"{PROJECT}:secrets"])
        return config.pulumi_config()

    assert contextvars.copy_context().run(set_by_the_host) == GOOD
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({f"{PROJECT}:accountId": "123456789012"}))
    assert config.pulumi_config()[f"{PROJECT}:accountId"] == "123456789012"


SECRET = "hunter2-canary"  # noqa: S105 - not a real secret
ANYTHING_WITH_SECRETS = st.recursive(
    st.just(SECRET),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=2)
        | st.dictionaries(
            st.sampled_from(["dev", "prod", "api", "ai", "LLM_API_KEY", "x", "secrets", "variables"]), inner, max_size=2
        )
    ),
    max_leaves=4,
)


@given(
    st.sampled_from(["secrets", "secrets.dev", "secrets.dev.ai", "secrets.dev.ai.LLM_API_KEY"]), ANYTHING_WITH_SECRETS
)
def test_no_message_shows_a_secrets_value(path: str, value: Any) -> None:
    error = refusal(changed({path: value}))
    if error is not None:
        assert SECRET not in str(error)
        assert SECRET not in repr(error.problems)
        shown = "".join(traceback.format_exception(error))
        assert SECRET not in shown, "pydantic's own error shows its input"


@given(
    st.sampled_from(
        ["services.api.secrets", "services.api.variables", "services.api", "services", "network", "secrets"]
    ),
    ANYTHING_WITH_SECRETS.filter(lambda value: value != SECRET),
)
def test_no_message_shows_a_secret_that_was_set_in_a_wrong_place(path: str, value: Any) -> None:
    under_secret_keys = {"secrets": value, "variables": value}
    error = refusal(changed({path: under_secret_keys if path == "services.api" else value}))
    assert error is None or path not in {"services.api.secrets", "services.api.variables"} or SECRET not in str(error)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("services.api.secrets", {"MYSQL_PASSWORD": "hunter2"}),
        ("services.api.secrets", "hunter2"),
        ("services.api.secrets", ["hunter2!"]),
        ("services.api.secrets", ["hunter2", "hunter2"]),
        ("services.api.secrets", [{"MYSQL_PASSWORD": "hunter2"}]),
        ("services.api.variables", "hunter2"),
        ("services.api.variables", {"A": ["hunter2"]}),
        ("services.api.port", {"MYSQL_PASSWORD": "hunter2"}),
        ("services.api", ["hunter2"]),
    ],
)
def test_a_message_about_a_wrong_place_shows_no_secret(path: str, value: Any) -> None:
    (line, *_) = problems(changed({path: value}))
    assert line.startswith(path)
    assert "hunter2" not in line


def test_the_settings_do_not_show_secrets() -> None:
    loaded = load(GOOD)
    assert loaded.secret_values("dev", "ai") == {"LLM_API_KEY": "made-up-dev-ai-LLM_API_KEY"}
    assert "made-up" not in repr(loaded)
    assert "made-up" not in str(loaded)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from([f"{PROJECT}:{to_camel(name)}" for name in Settings.model_fields]) | st.text(max_size=8).map(
    lambda text: f"{PROJECT}:{text}"
)


@example({f"{PROJECT}:[key]": ""})
@example({f"{PROJECT}:": ""})
@given(st.dictionaries(KEYS, JSON.map(json.dumps) | st.text(max_size=30), max_size=4))
def test_any_configuration_gives_settings_or_a_settings_error(settings: dict[str, str]) -> None:
    for candidate in (settings, {**GOOD, **settings}):
        error = refusal(candidate)
        assert error is None or error.problems


Path = tuple[str | int, ...]


def paths(value: Any, here: Path = ()) -> list[Path]:
    """The path of every value in a configuration."""
    items: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
    elif isinstance(value, list):
        items = list(enumerate(value))  # pyright: ignore[reportUnknownArgumentType]
    return [*([here] if here else []), *(path for key, item in items for path in paths(item, (*here, key)))]


def with_value(path: Path, value: Any) -> dict[str, str]:
    """The valid configuration with the value at a path replaced."""
    values: Any = copy.deepcopy(parsed(GOOD))
    here = values
    for part in path[:-1]:
        here = here[part]
    here[path[-1]] = value
    return in_pulumis_form(values)


NEARLY_RIGHT_VALUES: list[Any] = [
    *(
        0,
        1,
        -1,
        2**63,
        10**400,
        1.5,
        "",
        " ",
        "0",
        "1",
        "-1",
        "9" * 5000,
        "1Mi",
        "999999999Ti",
        "1e9",
        "/",
        "//",
        ".",
    ),
    *("0.0.0.0/0", "10.0.0.0/8", "10.10.0.0/16", "255.255.255.255/32", "t2.nano", "u-24tb1.112xlarge", "m7g.large"),
    *("\ud800", "\x00", "a\nb", "default", "api", "frontend", [], {}, [[]], {"": ""}, {"\ud800": 1}, {"a\nb": {}}),
]
NEARLY_RIGHT: st.SearchStrategy[Any] = st.sampled_from(NEARLY_RIGHT_VALUES)


@given(st.sampled_from(paths(parsed(GOOD))), JSON | NEARLY_RIGHT)
def test_any_value_anywhere_gives_settings_or_a_settings_error(path: Path, value: Any) -> None:
    error = refusal(with_value(path, value))
    if error is not None:
        for problem in every(error.problems):
            assert problem.key.startswith(f"{PROJECT}:")
            assert "\n" not in str(problem)
            str(problem).encode()


def test_json_without_an_end_is_a_settings_error() -> None:
    assert problems({**GOOD, f"{PROJECT}:services": 100_000 * "["}) == [
        f'services: "{79 * "["}…: an object of keys and values'
    ]


def test_another_namespaces_keys_are_left_alone() -> None:
    assert load({**GOOD, "aws:region": "us-east-1", "hello-platform-two:x": "y"}) == load(GOOD)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        load(GOOD).domain = "other.example.com"  # pyright: ignore[reportAttributeAccessIssue]
