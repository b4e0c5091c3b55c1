"""What every part of a run has in common: the APIs, the clock, the time limits, and who releases."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from contract.blue_green import WARM_SECONDS
from release.analysis.analyst import sources
from release.analysis.settings import Analysis
from release.analysis.sources import Source
from release.clock import Clock
from release.http import Caller
from release.lock import LEASE_SECONDS
from release.objects import ObjectApi, ObjectReader
from release.state import ServiceState


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Time limits of a release, in seconds.

    Attributes:
        ready: For a slot's pods to get ready; None for the service's start time and `waiting.BEFORE_START_SECONDS`.
            (A Deployment's progress deadline ends nothing by itself, and is not used.)
        patience: For a pod's trouble to pass, such as a failed image pull; for unschedulable pods at least
            `waiting.NODE_SECONDS`.
        outage: How long users may wait at a live slot that is not ready, while the slot before it is: then it is gone
            back to. A rollback waits as long for more pods of a slot that has some.
        endpoints: For the endpoints of a Service to follow its selector.
        weights: For the load balancer's rules to follow the Ingress.
        gone: For pods to terminate: not shorter than their grace period.
        watch: How long the answers of the active Service are compared after the switch.
        settle: From a switch to the end of a release, so that new connections follow the EndpointSlices: by default
            each node's kube-proxy writes its rules at most once a second, later when it is busy.
            https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/ (`minSyncPeriod`)
        rules: From new weights in the load balancer's rules to the end of the pods that they leave: its own nodes go on
            by the old rules for seconds, AWS does not say how many (Argo Rollouts: `abortScaleDownDelaySeconds`).
            https://github.com/argoproj/argo-rollouts/issues/4595
        warm: How long the old slot keeps its pods after the release (Argo Rollouts: `scaleDownDelaySeconds`).
        lock: For another release of the service to end; with 0 the lock is not waited for.
        lease: Duration of the lock's lease, unless it is renewed.
    """

    ready: float | None = None
    patience: float = 30
    outage: float = 10
    endpoints: float = 60
    weights: float = 60
    gone: float = 3900
    watch: float = 10
    settle: float = 3
    rules: float = 30
    warm: int = WARM_SECONDS
    lock: float = 0
    lease: int = LEASE_SECONDS


@dataclass(frozen=True, kw_only=True)
class Context:
    """The surroundings of one run.

    Attributes:
        api: The API server.
        caller: An HTTP client for the service itself.
        clock: The clock.
        report: Gets lines on the progress.
        by: The releasing user, by the API server's name for them.
        build: URL of the pipeline's build, if one releases.
        approved_by: Who approved what is released, for the history; None if nobody was asked.
        limits: Time limits.
        keep_image: Keeps an image in the registry, given the service's state and the image.
        weights: The weights of the slots in the load balancer's rules, by slot; None while there are none.
        clean_up: Removes what nothing needs any more, after a success and under the lock; it looks for itself.
        metrics: The sources of metrics of a service's analysis.
        run: Unique name of this run.
    """

    api: ObjectApi
    caller: Caller
    clock: Clock
    report: Callable[[str], None]
    by: str
    build: str | None = None
    approved_by: str | None = None
    limits: Limits = field(default_factory=Limits)
    keep_image: Callable[[ServiceState, str], None] = lambda _state, _image: None
    weights: Callable[[ServiceState], Mapping[str, int] | None] = lambda state: state.weights
    clean_up: Callable[[], None] = lambda: None
    metrics: Callable[[ObjectReader, ServiceState, Analysis], list[Source]] = sources
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
