"""`pulumi up` during and after a release changes nothing but what a setting says, and reverts nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import yaml

from contract.blue_green import SERVICE_PORT
from kube.client import KubernetesObject
from rehearsal.lifecycle import Rehearsal
from release import status
from release.clock import SystemClock
from release.errors import ExitCode
from release.plan import Deploy, Goal, Retire, Rollback
from release.run import Context, reconcile
from release.state import ServiceState
from tests.rehearsal.stacks import ENVIRONMENTS, ON_PROD, live_pods, refreshed, run_up
from tests.release.platform import QUICK
from tests.release.web import Web

ENVIRONMENT, SERVICE = "dev", "gateway"

LIMITS = replace(QUICK, ready=60, gone=120, lease=600)
"""A lock that outlives the engine's runs in the middle of a release."""


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    """What answers smoke tests, where no container does."""
    with Web(SERVICE_PORT) as running:
        yield running


def run(
    rehearsal: Rehearsal, web: Web, goal: Goal, at: dict[str, Callable[[], None]] | None = None
) -> dict[str, Callable[[], None]]:
    """Runs the release tool.

    Args:
        rehearsal: A stack that is up.
        web: What answers.
        goal: What the tool shall do.
        at: What to do before a step, once, by how the line begins by which the tool tells the step.

    Returns:
        What of `at` was not done, since the tool told no such line.
    """
    left = dict(at or {})

    def report(line: str) -> None:
        for beginning in [one for one in left if line.startswith(one)]:
            left.pop(beginning)()

    context = Context(api=rehearsal.api(), caller=web, clock=SystemClock(), report=report, by="tester", limits=LIMITS)
    assert reconcile(context, ENVIRONMENT, SERVICE, goal).exit_code is ExitCode.DONE
    return left


def deploy(rehearsal: Rehearsal, number: int) -> Deploy:
    """The release of an image of the service's repository."""
    return Deploy(f"{rehearsal.outputs()['repositories'][SERVICE]}@sha256:{number:064x}")


def service_status(rehearsal: Rehearsal) -> status.ServiceStatus:
    """What `release status` tells."""
    (found,) = status.read_statuses(rehearsal.api(), ENVIRONMENT, [SERVICE], now=SystemClock().now())
    assert isinstance(found, status.ServiceStatus), found
    return found


def seen(rehearsal: Rehearsal) -> ServiceState:
    """How the service stands."""
    return service_status(rehearsal).seen


def written(rehearsal: Rehearsal) -> dict[str, Any]:
    """The `spec` of everything of the service that both writers share."""
    api = rehearsal.api()
    kinds = (("apps/v1", "Deployment"), ("v1", "Service"), ("autoscaling/v2", "HorizontalPodAutoscaler"))
    found: list[KubernetesObject] = [
        one
        for kind in kinds
        for one in api.list(*kind, namespace=ENVIRONMENT, label_selector=f"app.kubernetes.io/name={SERVICE}")
    ]
    assert len(found) == 2 + 2 + 1
    return {f"{one['kind']} {one['metadata']['name']}": one["spec"] for one in found}


def finds_nothing_to_do(rehearsal: Rehearsal) -> None:
    """Whether `up` reports no change, and changes nothing."""
    before = written(rehearsal)
    assert run_up(rehearsal) == {}
    assert written(rehearsal) == before


def preview_and_refresh_find_nothing_either(rehearsal: Rehearsal) -> None:
    """They ask the API server otherwise than `up` does, and take as long: once, where most is another's."""
    before, engine = written(rehearsal), rehearsal.open()
    assert engine.preview().changes == ()
    assert refreshed(engine) == {"same"}
    assert written(rehearsal) == before


def sets_the_log_level_alone(rehearsal: Rehearsal, level: str | None) -> None:
    """Whether `up` with another value of a variable (None: without it) changes only what the next release takes up."""
    before, pods = written(rehearsal), uids(rehearsal)
    file = rehearsal.layout.workspace / f"Pulumi.{rehearsal.stack}.yaml"
    content = yaml.safe_load(file.read_text())
    variables = content["config"]["hello-platform:services"][SERVICE]["variables"]
    variables.pop("LOG_LEVEL", None)
    variables.update({} if level is None else {"LOG_LEVEL": level})
    file.write_text(yaml.safe_dump(content))
    done = {(key.split("::")[0], operation) for key, operation in run_up(rehearsal).items()}
    # A ConfigMap that no setting names any more stays in the cluster.
    done.discard(("kubernetes:core/v1:ConfigMap", "delete"))
    assert done == {("kubernetes:core/v1:ConfigMap", "create"), ("kubernetes:core/v1:PodTemplate", "update")}
    assert written(rehearsal) == before
    assert uids(rehearsal) == pods


def uids(rehearsal: Rehearsal) -> set[str]:
    """The service's pods that are there to stay."""
    api = rehearsal.api()
    return {pod["metadata"]["uid"] for name in ENVIRONMENTS for pod in live_pods(api, name, SERVICE)}


@ON_PROD
def test_an_update_before_during_and_after_a_release_reverts_nothing_touches_no_live_pod_and_status_says_drift(
    platform: Rehearsal, web: Web
) -> None:
    """An update finds nothing to do, or changes settings and nothing else. Before a release: `test_platform.py`."""
    moments: list[str] = []

    def at(moment: str, live: str, autoscaled: str, update: Callable[[Rehearsal], None]) -> Callable[[], None]:
        def check() -> None:
            now = seen(platform)
            assert (now.live, now.autoscaled) == (live, autoscaled), moment
            update(platform)
            moments.append(moment)

        return check

    first = seen(platform)
    old, new = first.live, first.idle_slot.name
    to_debug, to_trace, back = (partial(sets_the_log_level_alone, level=level) for level in ("debug", "trace", None))
    left = run(
        platform,
        web,
        deploy(platform, 1),
        {
            "Smoke test": at("the idle slot is ready, the live one serves", old, old, to_debug),
            f"HorizontalPodAutoscaler {SERVICE}": at(
                "the traffic is switched, the autoscaler is not", new, old, finds_nothing_to_do
            ),
            "Watching": at("all is switched", new, new, preview_and_refresh_find_nothing_either),
        },
    )
    assert not left, "the tool told no such step"
    released = seen(platform)
    assert not released.has_drifted, "the release took up what changed in its middle"
    assert released.live_slot.is_ready
    assert released.live_slot.revision is not None
    assert released.live_slot.revision.image == deploy(platform, 1).image

    at("after, with the old slot warm", new, new, to_trace)()
    assert service_status(platform).to_json()["drift"] is True
    run(platform, web, Rollback())
    assert seen(platform).live == old
    assert service_status(platform).is_healthy
    run(platform, web, Retire(now=True))
    at("taken back, and the other slot is retired", old, old, back)()
    assert len(moments) == 5
