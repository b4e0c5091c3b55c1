"""Settings that are dumped in Pulumi's form and loaded again are equal."""

from __future__ import annotations

from typing import Any

import hypothesis
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from config import Settings, load
from config.required import PLATFORM
from tests.unit.config.configurations import in_pulumis_form

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
WORDS = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
VARIABLES = st.from_regex(r"[A-Z][A-Z0-9_]{0,8}", fullmatch=True).filter(lambda name: not name.startswith("KUBE"))

WEIGHTS = st.lists(st.integers(1, 100), unique=True, min_size=1, max_size=10).map(sorted)
CANARY = st.fixed_dictionaries({}, optional={"steps": WEIGHTS, "secondsPerStep": st.integers(0, 3600)})
PREVIEW = st.fixed_dictionaries(
    {},
    optional={
        "header": st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,39}", fullmatch=True).filter(
            lambda name: name.lower() != "host"
        ),
        "value": st.from_regex(
            r"[*?]?[\w.=~-]{1,20}[*?]{0,3}", fullmatch=True, alphabet=st.characters(max_codepoint=127)
        ),
    },
)
ROUTED = st.fixed_dictionaries({}, optional={"canary": CANARY, "preview": PREVIEW})
"""Settings of a service with a path that is not exclusive."""


@st.composite
def service(draw: st.DrawFn, names: list[str], name: str, longest: int) -> dict[str, Any]:
    """A valid service that conflicts with no other."""
    memory, cpu = draw(st.sampled_from(["64Mi", "128M", "1Gi"])), draw(st.sampled_from(["50m", "0.2", "1"]))
    exclusive = draw(st.booleans())
    paths = draw(st.sampled_from([[], [f"/{name}"], [f"/{name}/a", f"/{name}-b"]]))
    others = [other for other in names if other != name]
    secrets = draw(st.lists(VARIABLES, unique=True, max_size=2))
    most = st.just(1) if exclusive else st.integers(1, 3)
    return {
        "port": draw(st.integers(1, 65535)),
        "healthPath": draw(st.sampled_from(["/", "/health", "/a/b/"])),
        "paths": paths,
        "variables": {
            variable: draw(TEXTS | st.fixed_dictionaries({"dev": TEXTS, "prod": TEXTS}))
            for variable in draw(st.lists(VARIABLES, unique=True, max_size=2))
            if variable not in secrets
        },
        "secrets": secrets,
        "resources": {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": "2", "memory": memory}},
        "replicas": {"dev": {"min": 1, "max": draw(most)}, "prod": {"min": 1, "max": draw(most)}},
        "egress": {
            "services": draw(st.lists(st.sampled_from(others), unique=True)) if others else [],
            "networks": draw(st.sampled_from([[], [{"cidr": "198.51.100.0/28", "ports": [3306, 6379]}]])),
            "https": draw(st.booleans()),
        },
        "exclusive": exclusive,
        "keepAliveSeconds": draw(st.integers(66, 86400)),
        "longestRequestSeconds": longest,
        "writablePaths": draw(st.sampled_from([[], ["/data", "/var/log"]])),
        "kubernetesApi": draw(st.booleans()),
        **(draw(ROUTED) if paths and not exclusive else {}),
    }


@st.composite
def configuration(draw: st.DrawFn) -> dict[str, Any]:
    """The values of a valid configuration."""
    names = draw(
        st.lists(WORDS, unique=True, min_size=1, max_size=4).map(lambda words: [f"s-{word}" for word in words])
    )
    longest = draw(st.integers(1, 64))
    services = {name: draw(service(names, name, longest)) for name in names}
    zones = draw(st.lists(st.sampled_from("abcd"), unique=True, min_size=2, max_size=3))
    nodes = {"instanceType": "m7i.2xlarge", "min": 1, "desired": 2, "max": draw(st.integers(15, 20)), "volumes": True}
    environment = {"nodes": nodes, "quota": {"cpu": "100", "memory": "200Gi", "pods": 500}}
    values: dict[str, Any] = {
        "accountId": draw(st.from_regex(r"[0-9]{12}", fullmatch=True)),
        "region": "ap-northeast-2",
        "domain": f"{draw(WORDS)}.example.com",
        "owner": draw(WORDS),
        "costCenter": draw(WORDS),
        "protect": draw(st.booleans()),
        "network": {
            "cidr": draw(st.sampled_from(["10.0.0.0/16", "172.16.0.0/18", "192.168.0.0/17"])),
            "zones": [f"ap-northeast-2{zone}" for zone in zones],
            "natGateways": draw(st.sampled_from(["single", "per-zone"])),
        },
        "environments": {"dev": environment, "prod": environment},
        "services": services,
        "secrets": {
            environment: {
                name: {secret: draw(TEXTS.filter(str.strip)) for secret in definition["secrets"]}
                for name, definition in services.items()
            }
            for environment in ("dev", "prod")
        }
        | {"platform": {"logs": {name: draw(st.text("abc", min_size=32)) for name in PLATFORM}}},
        "dns": {"zone": "example.com", "zoneId": draw(st.sampled_from(["Z1", None]))},
        "loadBalancer": {"staffCidrs": ["203.0.113.0/24"], "testHost": draw(st.sampled_from(["public", "staff"]))},
    }
    optional = {"cluster": {"logRetentionDays": 30}}
    return values | {key: value for key, value in optional.items() if draw(st.booleans())}


def dumped(settings: Settings) -> dict[str, str]:
    """Settings in Pulumi's form: every key, secrets in clear text."""
    values = settings.model_dump(by_alias=True, exclude_none=True)
    return in_pulumis_form(in_clear(values))


def in_clear(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: in_clear(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return value.get_secret_value() if isinstance(value, SecretStr) else value


@hypothesis.settings(max_examples=40)
@given(configuration())
def test_settings_that_are_dumped_and_loaded_are_the_same(values: dict[str, Any]) -> None:
    loaded = load(in_pulumis_form(values))
    assert load(dumped(loaded)) == loaded
    for environment in ("dev", "prod"):
        for name, definition in values["services"].items():
            texts = definition["variables"].items()
            expected = {key: text if isinstance(text, str) else text[environment] for key, text in texts}
            assert loaded.services[name].variables_in(environment) == expected
            assert loaded.secret_values(environment, name) == values["secrets"][environment][name]
