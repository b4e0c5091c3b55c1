"""No accepted configuration leads to a value that AWS would refuse, and a refused one changes nothing."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

import config
from components.limits import names
from components.limits.check import LimitsError
from components.limits.inputs import values_at
from rehearsal.emulators.aws import inputs as emulated
from rehearsal.emulators.aws.errors import AwsError
from tests.unit.config.configurations import changed
from tests.unit.program import CHECKOUT, run, stack_config
from tools.program.graph import Graph, Registration, Secret
from tools.program.monitor import RecordingMonitor


class Watched(RecordingMonitor):
    """Keeps the types of all resources that a provider would create, also of a program that fails."""

    registered: list[str] = []  # noqa: RUF012 - emptied by each test

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        """Records the type."""
        if request.custom and not request.type.startswith("pulumi:providers:"):
            self.registered.append(request.type)
        return super().RegisterResource(request)


def refusal(monkeypatch: pytest.MonkeyPatch, stack: str, settings: dict[str, str]) -> LimitsError:
    """The error of the program in an update without a preview, which creates nothing."""
    monkeypatch.setattr("tools.program.run.RecordingMonitor", Watched)
    Watched.registered.clear()
    with pytest.raises(LimitsError) as caught:
        run(CHECKOUT / "__main__.py", stack=stack, settings=settings, preview=False)
    assert not Watched.registered
    return caught.value


@pytest.mark.parametrize(
    ("stack", "advice"),
    [
        ("Prod", "lower-case letters, digits and hyphens"),
        ("staging-seoul-01", "lower-case letters, digits and hyphens, at most 15 of them"),
        ("a.b", "lower-case letters, digits and hyphens"),
    ],
)
@pytest.mark.parametrize("dns", [{"zone": "example.com", "zoneId": "Z1"}, {"zone": "example.com"}])
def test_a_stacks_name_that_aws_refuses_is_refused_before_anything_is_changed(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    stack: str,
    advice: str,
    dns: dict[str, str],
) -> None:
    """Without a Route 53 zone the program asks ACM, which sends all that it has registered by then."""
    text = str(refusal(monkeypatch, stack, changed({"dns": dns})))
    assert text.endswith(f"contain the stack's name, {stack}: name it with {advice}")
    assert "nothing was changed" in text.splitlines()[0]
    gc.collect()
    assert not caplog.records, "each output that waits for the check would print the error again"


def test_another_name_of_the_stack_is_no_cure_for_a_value_that_is_longer_by_more_than_it() -> None:
    long = names.Violation(
        resource="aws:iam/rolePolicy:RolePolicy", property="policy", value="hello-dev/svc", allowed="", excess=8
    )
    assert "name it" not in str(LimitsError([long], "dev"))
    named = names.Violation(resource="aws:iam/role:Role", property="name", value="hello-dev-role", allowed="", excess=1)
    assert str(LimitsError([long, named], "dev")).endswith("digits and hyphens, at most 2 of them")


def test_a_certificates_common_name_has_64_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    longest = "a" * 52 + ".example.com"
    domain = {"domain": longest}
    run(CHECKOUT / "__main__.py", stack="dev", settings=changed(domain), preview=True)
    (found,) = refusal(monkeypatch, "dev", changed({"domain": f"a{longest}"})).violations
    assert (found.property, found.excess) == ("domainName", 1)
    own = {"loadBalancer.certificateArn": "arn:aws:acm:ap-northeast-2:123456789012:certificate/own"}
    run(CHECKOUT / "__main__.py", stack="dev", settings=changed({"domain": f"a{longest}", **own}), preview=True)


STACK_NAMES = st.text("abz019-", min_size=1, max_size=20) | st.sampled_from(["Prod", "a_b", "a.b"])
SERVICE_NAMES = st.from_regex(r"[a-z][a-z0-9]{0,12}(-[a-z0-9]{1,9}){0,2}", fullmatch=True)
LABELS = st.from_regex(r"[a-z]{1,40}", fullmatch=True)


@st.composite
def platforms(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    """A stack's name, and a configuration that differs from dev's in what names are made of."""
    service = draw(SERVICE_NAMES)
    changes: dict[str, Any] = {
        f"services.{service}": {
            "port": 80,
            "healthPath": "/",
            "paths": ["/" + draw(st.from_regex("[a-z]{1,127}", fullmatch=True))],
        },
        "domain": f"{draw(LABELS)}.{draw(LABELS)}.example.com",
        "owner": draw(st.text("aZ0 .:/=+@-_é", min_size=1, max_size=256)),
        "loadBalancer.staffCidrs": [f"198.18.{number}.0/24" for number in range(draw(st.integers(1, 40)))],
        "region": "us-gov-west-1",
        "network.zones": ["us-gov-west-1a", "us-gov-west-1b"],
        "environments.dev.nodes.max": 20,
        "environments.prod.nodes.max": 20,
        "environments.dev.quota": {"cpu": "50", "memory": "99Gi", "pods": 200},
        "environments.prod.quota": {"cpu": "50", "memory": "99Gi", "pods": 200},
        "accountId": draw(st.from_regex(r"[0-9]{12}", fullmatch=True)),
    }
    return draw(STACK_NAMES), changed(changes)


@hypothesis.settings(max_examples=8, derandomize=True)
@given(platforms())
def test_what_a_random_configuration_leads_to_is_taken_by_the_emulated_aws(
    platform: tuple[str, dict[str, str]],
) -> None:
    """The emulator has AWS's rules from its API, independent of `LIMITS`; here all values are known."""
    stack, settings = platform
    try:
        graph = run(CHECKOUT / "__main__.py", stack=stack, settings=settings, preview=False)
    except (config.SettingsError, LimitsError):
        return
    assert list(refused_by_emulator(graph)) == []
    for one in graph.resources.values():
        assert list(names.violations(one.type, one.name, in_clear(one.inputs))) == []


def refused_by_emulator(graph: Graph) -> Iterator[str]:
    """What the emulator's rules of single inputs refuse."""
    for one in graph.resources.values():
        rules = emulated.table().get(one.type)
        for path, rule in rules.rules.items() if rules else ():
            for value in values_at(in_clear(one.inputs), path):
                try:
                    rule(value)
                except (ValueError, AwsError) as error:
                    yield f"{describe(one)} {path}: {error}"


def describe(one: Registration) -> str:
    return f"{one.type} {one.name}"


def in_clear(value: Any) -> Any:
    if isinstance(value, Secret):
        return in_clear(value.value)
    if isinstance(value, dict):
        return {key: in_clear(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return value


def test_the_emulator_refuses_what_the_limits_refuse() -> None:
    """The random test would see nothing if the emulator took everything."""
    settings = stack_config("dev")
    graph = run(CHECKOUT / "__main__.py", stack="dev", settings=settings, preview=False)
    (bucket, *_) = graph.of_type("aws:s3/bucket:Bucket")
    bad = Graph(resources={bucket.urn: replace(bucket, inputs={"bucket": "hello-Prod"})}, outputs={})
    assert list(refused_by_emulator(bad))
