"""A bad configuration is refused with all its problems, each by key, with what is allowed; never with a secret."""

from __future__ import annotations

import copy
import json
import traceback
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from settings import PROJECT, Settings, SettingsError, load, required_secrets
from settings.loading import TEXT_KEYS
from tests.unit.graph import every
from tests.unit.program import committed_config, stack_config

GOOD = stack_config("dev")
REMOVED = object()

Path = tuple[str | int, ...]


def changed(*changes: tuple[Path, Any]) -> dict[str, str]:
    """The dev stack's configuration with values set, or `REMOVED`, at their paths."""
    config: dict[str, Any] = {
        name: value if name in TEXT_KEYS else json.loads(value)
        for name, value in ((key.removeprefix(f"{PROJECT}:"), value) for key, value in GOOD.items())
    }
    for path, value in changes:
        here: Any = config
        for part in path[:-1]:
            here = here[part]
        if value is REMOVED:
            del here[path[-1]]
        else:
            here[path[-1]] = copy.deepcopy(value)
    return {f"{PROJECT}:{key}": one if isinstance(one, str) else json.dumps(one) for key, one in config.items()}


def problems(config: dict[str, str]) -> list[str]:
    """Every problem of a configuration, as a person reads it."""
    with pytest.raises(SettingsError) as caught:
        load(config)
    lines = [str(problem) for problem in caught.value.problems]
    assert all(line in str(caught.value) for line in lines)
    return lines


def refusal(config: dict[str, str]) -> SettingsError | None:
    """The error of a configuration, if it has one; anything else that is raised is a bug."""
    try:
        load(config)
    except SettingsError as error:
        return error
    return None


API: Path = ("services", "api")

BAD: list[tuple[Path, Any, str]] = [
    (("regoin",), "ap-northeast-2", "regoin: is no key; did you mean region?"),
    (
        ("zzz",),
        1,
        (
            "zzz: is no key: accountId, region, domain, owner, costCenter, protect, permissionsBoundaryArn, network, "
            "cluster, loadBalancer, environments, services, secrets are"
        ),
    ),
    (("domain",), REMOVED, "domain: is required"),
    (
        ("domain",),
        "https://hello.example.com",
        'domain: "https://hello.example.com": a domain name in lower case such as hello.example.com, without https://',
    ),
    (("region",), "Seoul", 'region: "Seoul": an AWS region such as ap-northeast-2'),
    (("region",), "ap-northeast-2\n", 'region: "ap-northeast-2\\n": an AWS region such as ap-northeast-2'),
    (
        ("network", "cidr"),
        "10.10.0.1/16",
        'network.cidr: "10.10.0.1/16": an IPv4 range such as 10.0.0.0/16 (10.10.0.1/16 has host bits set)',
    ),
    (("network", "cidr"), "10.0.0.0/8", "network.cidr: 10.0.0.0/8: a range from /16 to /20"),
    (("network", "cidr"), "10.0.0.0/21", "network.cidr: 10.0.0.0/21: a range from /16 to /20"),
    (
        ("network", "zones", 0),
        "ap-northeast-2",
        'network.zones.0: "ap-northeast-2": an availability zone such as ap-northeast-2a',
    ),
    (("network", "zones", 0), "us-east-1a", "network.zones: us-east-1a: zones of the region ap-northeast-2"),
    (
        ("network", "zones"),
        ["ap-northeast-2a", "ap-northeast-2a"],
        "network.zones: ap-northeast-2a, ap-northeast-2a: each zone once",
    ),
    (("network", "natGateways"), "two", "network.natGateways: \"two\": Input should be 'single' or 'per-zone'"),
    (("network", "natGateway"), "single", "network.natGateway: is no key; did you mean natGateways?"),
    (("network", "nat_gateways"), "single", "network.nat_gateways: is no key; did you mean natGateways?"),
    (
        ("cluster", "publicAccessCidrs"),
        ["0.0.0.0/0"],
        "cluster.publicAccessCidrs: 0.0.0.0/0: the addresses of your offices and CI, not the world",
    ),
    (
        ("cluster", "adminRoleArns"),
        ["arn:aws:iam::1:user/ada"],
        'cluster.adminRoleArns.0: "arn:aws:iam::1:user/ada": an IAM role\'s ARN, arn:aws:iam::ACCOUNT:role/NAME',
    ),
    (("environments", "prod"), REMOVED, "environments.prod: is required"),
    (("environments", "test"), {}, "environments.test: is no key: dev, prod are"),
    (
        ("environments", "dev", "nodes", "instanceType"),
        "large",
        'environments.dev.nodes.instanceType: "large": an EC2 instance type such as m7i.large',
    ),
    (
        ("environments", "dev", "nodes", "desired"),
        9,
        "environments.dev.nodes: min 2, desired 9, max 4: min ≤ desired ≤ max",
    ),
    (
        ("environments", "dev", "nodes", "min"),
        0,
        "environments.dev.nodes.min: 0: Input should be greater than or equal to 1",
    ),
    (("environments", "dev", "quota", "cpu"), 8, "environments.dev.quota.cpu: 8: Input should be a valid string"),
    (
        ("environments", "dev", "quota", "memory"),
        "24 GB",
        'environments.dev.quota.memory: "24 GB": a quantity such as 250m, 2 or 512Mi; a plain number in quotes',
    ),
    ((*API, "prot"), 8099, "services.api.prot: is no key; did you mean port?"),
    ((*API, "resources", "request"), {}, "services.api.resources.request: is no key; did you mean requests?"),
    ((*API, "port"), "8099", 'services.api.port: "8099": Input should be a valid integer'),
    ((*API, "port"), 65536, "services.api.port: 65536: Input should be less than or equal to 65535"),
    ((*API, "port"), REMOVED, "services.api.port: is required"),
    (
        (*API, "healthPath"),
        "health",
        'services.api.healthPath: "health": a path that begins with a slash, such as /health',
    ),
    ((*API, "paths"), ["/"], "services.api.paths: /: a path of its own: frontend has this one"),
    ((*API, "replicas", "dev"), {"min": 3, "max": 2}, "services.api.replicas.dev: min 3, max 2: min ≤ max"),
    (
        (*API, "variables"),
        {"a-b": "c"},
        'services.api.variables.a-b: "a-b": a name of an environment variable, such as API_KEY',
    ),
    (
        (*API, "variables"),
        {"A": 5},
        "services.api.variables.A: 5: Input should be a valid dictionary or instance of PerEnvironment",
    ),
    (
        (*API, "variables"),
        {"MYSQL_URL": "here"},
        "services.api.variables.MYSQL_URL: a variable or a secret, not both",
    ),
    (("services",), [], "services: Input should be a valid dictionary"),
    (("secrets", "dev", "api", "MYSQL_URL"), 5, "secrets.dev.api.MYSQL_URL: Input should be a valid string"),
    (
        ("secrets", "dev", "api", "NEW"),
        "value",
        "secrets.dev.api.NEW: no service names this secret: add it to services.api.secrets",
    ),
    (("secrets", "test"), {}, "secrets.test: Input should be 'dev' or 'prod'"),
    (
        ("secrets", "prod", "ai", "LLM_API_KEY"),
        REMOVED,
        (
            "secrets.prod.ai.LLM_API_KEY: is required; set it with: pulumi config set --secret --path "
            "'hello-platform:secrets.prod.ai.LLM_API_KEY'"
        ),
    ),
]


@pytest.mark.parametrize(("path", "value", "message"), BAD, ids=[message.partition(": ")[0] for _, _, message in BAD])
def test_a_bad_value_is_named_with_its_key_and_what_is_allowed(path: Path, value: Any, message: str) -> None:
    assert f"{PROJECT}:{message}" in problems(changed((path, value)))


@pytest.mark.parametrize("name", ["Api", "api_two", "2api", "api--two", "-api", "api-", "a.b", "a" * 41])
def test_a_service_has_a_name_that_kubernetes_and_ecr_take(name: str) -> None:
    (line,) = problems(changed((("services", name), {"port": 80, "healthPath": "/"})))
    assert line.startswith(f'{PROJECT}:services.{name}: "{name}": ')
    assert "a letter first" in line or "at most 40 characters" in line


@pytest.mark.parametrize("name", ["api-blue", "api-green", "api-preview"])
def test_a_service_does_not_take_the_name_of_anothers_slot(name: str) -> None:
    (line,) = problems(changed((("services", name), {"port": 80, "healthPath": "/"})))
    assert line == f"{PROJECT}:services.{name}: a name that ends in none of -blue, -green, -preview: they are taken"


def test_a_sixth_service_is_a_few_lines() -> None:
    config = changed((("services", "search"), {"port": 9200, "healthPath": "/health", "paths": ["/search"]}))
    loaded = load(config)
    assert loaded.public_paths == {"/": "frontend", "/api": "gateway", "/search": "search"}
    assert loaded.services["search"].replicas.of("prod").min == 2


def test_all_problems_of_the_values_are_told_at_once() -> None:
    told = problems(
        changed(
            (("domain",), REMOVED),
            (("regoin",), "x"),
            ((*API, "port"), 0),
            (("environments", "dev", "nodes", "min"), 0),
        )
    )
    keys = [line.partition(": ")[0].removeprefix(f"{PROJECT}:") for line in told]
    assert sorted(keys) == ["domain", "environments.dev.nodes.min", "regoin", "services.api.port"]


def test_all_contradictions_are_told_at_once() -> None:
    told = problems(
        changed(
            (("network", "cidr"), "10.0.0.0/8"),
            (("environments", "dev", "nodes", "desired"), 9),
            ((*API, "paths"), ["/"]),
            (("secrets",), {}),
        )
    )
    assert len(told) == 3 + 14


def test_bad_values_and_contradictions_are_told_at_once() -> None:
    told = problems(
        changed((("domain",), REMOVED), (("environments", "dev", "nodes", "desired"), 9), (("secrets",), {}))
    )
    assert told[0] == f"{PROJECT}:domain: is required"
    assert len(told) == 1 + 1 + 14


def test_what_depends_on_a_bad_value_is_not_guessed() -> None:
    told = problems(changed((("region",), "Seoul"), ((*API, "port"), 0), (("secrets",), {})))
    assert [line.partition(": ")[0] for line in told] == [f"{PROJECT}:region", f"{PROJECT}:services.api.port"]


def test_every_missing_secret_is_named_with_the_command_that_sets_it() -> None:
    told = problems(committed_config("dev"))
    services: dict[str, Any] = json.loads(GOOD[f"{PROJECT}:services"])
    required = required_secrets({name: one.get("secrets", []) for name, one in services.items()})
    assert len(required) == 14
    assert told == [f"{secret.key}: is required; set it with: {secret.command}" for secret in required]
    assert required[0].command == f"pulumi config set --secret --path '{PROJECT}:secrets.dev.api.MYSQL_URL'"


@given(
    st.recursive(
        st.just("hunter2"),
        lambda inner: (
            st.lists(inner, min_size=1, max_size=2)
            | st.dictionaries(st.sampled_from(["dev", "prod", "api", "ai", "LLM_API_KEY", "x"]), inner, max_size=2)
        ),
        max_leaves=4,
    )
)
def test_no_message_shows_a_secrets_value(secrets: Any) -> None:
    error = refusal(changed((("secrets",), secrets)))
    assert error is not None, "14 values are required, these are fewer"
    assert "hunter2" not in str(error)
    assert "hunter2" not in repr(error.problems)
    shown = "".join(traceback.format_exception(error))
    assert "hunter2" not in shown, "pydantic's own error shows its input"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((*API, "secrets"), {"MYSQL_PASSWORD": "hunter2"}),
        ((*API, "secrets"), "hunter2"),
        ((*API, "secrets"), ["hunter2!"]),
        ((*API, "secrets"), [{"MYSQL_PASSWORD": "hunter2"}]),
        ((*API, "port"), {"MYSQL_PASSWORD": "hunter2"}),
        (("services", "api"), ["hunter2"]),
    ],
)
def test_no_message_shows_a_secret_that_was_set_in_a_wrong_place(path: Path, value: Any) -> None:
    (line,) = problems(changed((path, value)))
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
@given(st.dictionaries(KEYS, JSON.map(json.dumps) | st.text(max_size=30), max_size=4))
def test_any_configuration_gives_settings_or_a_settings_error(config: dict[str, str]) -> None:
    for candidate in (config, {**GOOD, **config}):
        error = refusal(candidate)
        assert error is None or error.problems


def paths(value: Any, here: Path = ()) -> list[Path]:
    """The path of every value in a configuration."""
    items: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
    elif isinstance(value, list):
        items = list(enumerate(value))  # pyright: ignore[reportUnknownArgumentType]
    return [*([here] if here else []), *(path for key, item in items for path in paths(item, (*here, key)))]


EVERYWHERE = paths(
    {key.removeprefix(f"{PROJECT}:"): json.loads(value) for key, value in GOOD.items() if value[0] == "{"}
)


@given(st.sampled_from(EVERYWHERE), JSON)
def test_any_value_anywhere_gives_settings_or_a_settings_error(path: Path, value: Any) -> None:
    error = refusal(changed((path, value)))
    assert error is None or all(problem.key.startswith(f"{PROJECT}:") for problem in every(error.problems))


def test_json_without_an_end_is_a_settings_error() -> None:
    assert problems({**GOOD, f"{PROJECT}:services": 100_000 * "["})


def test_another_namespaces_keys_are_left_alone() -> None:
    assert load({**GOOD, "aws:region": "us-east-1", "hello-platform-two:x": "y"}) == load(GOOD)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        load(GOOD).domain = "other.example.com"  # pyright: ignore[reportAttributeAccessIssue]
