"""Annotations of the PodTemplate, which tell the release tool what the pod spec cannot."""

from __future__ import annotations

import json

import config
from components.workload.pod_template import grace_seconds
from contract import blue_green


def release_annotations(
    spec: config.Service, environment: config.EnvironmentName, dashboard: str, prometheus: str | None
) -> dict[str, str]:
    """The annotations of a service's PodTemplate, as `contract.blue_green` defines them.

    Args:
        spec: Configuration of the service.
        environment: The environment.
        dashboard: URL of the environment's dashboard in Kibana.
        prometheus: URL of Prometheus; None without one.
    """
    smoke_test = {
        **spec.smoke_test.model_dump(by_alias=True),
        "path": spec.smoke_test.path or spec.health_path,
        "status": spec.smoke_test.status or spec.health_status,
    }
    canary = spec.canary and {"steps": spec.canary.steps, "secondsPerStep": spec.canary.seconds_per_step}
    hooks = spec.hooks.model_dump(by_alias=True, exclude_none=True)
    return {
        **({blue_green.CANARY: json.dumps(canary)} if canary else {}),
        **({blue_green.HOOKS: json.dumps(hooks, sort_keys=True)} if hooks else {}),
        **({blue_green.PREVIEW_REPLICAS: str(spec.preview_replicas)} if spec.preview_replicas else {}),
        **({blue_green.MIN_READY_SECONDS: str(spec.min_ready_seconds)} if spec.min_ready_seconds else {}),
        blue_green.SMOKE_TEST: json.dumps(smoke_test, sort_keys=True),
        blue_green.EXCLUSIVE: json.dumps(spec.exclusive),
        blue_green.DEPENDS_ON: json.dumps(spec.egress.services),
        blue_green.GRACE_SECONDS: str(grace_seconds(spec)),
        blue_green.DASHBOARD: dashboard,
        **_analysis(spec.analysis, environment, prometheus),
    }


def _analysis(
    analysis: config.Analysis | None, environment: config.EnvironmentName, prometheus: str | None
) -> dict[str, str]:
    if analysis is None or environment not in analysis.environments:
        return {}
    value = analysis.model_dump(by_alias=True, exclude_none=True, exclude={"environments"})
    if analysis.has_queries:
        value["prometheus"] = prometheus
    return {blue_green.ANALYSIS: json.dumps(value, sort_keys=True)}
