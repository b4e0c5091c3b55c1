"""One service in one environment: two slots, and the Services that choose between them.

Two writers share these objects, the program and the release tool, and each field has one of them: the table is in the
README. What the release tool writes is in `ignore_changes` here, so that no `pulumi up` takes it back.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs

import settings
from components import labels
from components.contract import BLUE, GREEN, SLOTS, contract
from components.pod_template import pod_labels, pod_template

HASH_LENGTH = 10

SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
"""A release that does not get ready on dev must not hold up a change of prod: health is `release status`' to show.

https://www.pulumi.com/registry/packages/kubernetes/installation-configuration/
"""

TARGET_CPU_PERCENT = 70
"""Of the CPU request; the autoscaler adds pods above it."""


def immutable_name(service: str, data: Mapping[str, str]) -> str:
    """A name that changes with the content, so that a slot keeps the values it was released with."""
    content = json.dumps(data, sort_keys=True).encode()
    return f"{service}-{hashlib.sha256(content).hexdigest()[:HASH_LENGTH]}"


@dataclass(frozen=True, kw_only=True)
class BlueGreenArgs:
    """What a `BlueGreen` is made from.

    Attributes:
        environment: `dev` or `prod`.
        namespace: The environment's namespace.
        service: The service's name.
        repository: URL of its ECR repository.
        spec: The service's settings.
        secrets: Environment variables whose values are secret, in clear text.
        kept_objects: Provider of objects that outlive their resource and may be named again.
    """

    environment: settings.EnvironmentName
    namespace: pulumi.Input[str]
    service: str
    repository: pulumi.Input[str]
    spec: settings.Service
    secrets: Mapping[str, str]
    kept_objects: kubernetes.Provider


class BlueGreen(pulumi.ComponentResource):
    """PodTemplate, two Deployments, active and preview Service, and the live slot's autoscaler.

    Attributes:
        contract: As `contract` says, once the objects exist.
    """

    contract: pulumi.Output[dict[str, Any]]

    def __init__(self, name: str, args: BlueGreenArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:BlueGreen", name, {}, opts)
        self._args = args

        config_map = self._config_map()
        secret = self._secret()

        def template(**slot: str) -> kubernetes.core.v1.PodTemplateSpecArgs:
            return pod_template(
                environment=args.environment,
                service=args.service,
                repository=args.repository,
                spec=args.spec,
                config_map=config_map,
                secret=secret,
                extra_labels=slot,
            )

        kubernetes.core.v1.PodTemplate(
            name, metadata=self._metadata(args.service), template=template(), opts=pulumi.ResourceOptions(parent=self)
        )
        for slot in SLOTS:
            self._slot(slot, template(**{labels.SLOT: slot}))
        active = self._service(args.service, seed=BLUE, kind="NodePort" if args.spec.paths else "ClusterIP")
        self._service(f"{args.service}-preview", seed=GREEN, kind="ClusterIP")
        self._autoscaler()

        self.contract = pulumi.Output.all(args.namespace, active.id).apply(
            lambda known: contract(known[0], args.service)
        )
        self.register_outputs({"contract": self.contract})

    def _metadata(self, name: str, *, annotations: Mapping[str, str] | None = None, **extra: str) -> ObjectMetaArgs:
        return ObjectMetaArgs(
            name=name,
            namespace=self._args.namespace,
            labels={**pod_labels(self._args.environment, self._args.service), **extra},
            annotations=annotations,
        )

    def _slot(self, slot: str, seed: kubernetes.core.v1.PodTemplateSpecArgs) -> None:
        """A Deployment that `pulumi up` seeds with no pods and never writes again."""
        selector = {labels.SERVICE: self._args.service, labels.SLOT: slot}
        kubernetes.apps.v1.Deployment(
            f"{self.pulumi_resource_name}-{slot}",
            metadata=self._metadata(f"{self._args.service}-{slot}", annotations=SKIP_AWAIT, **{labels.SLOT: slot}),
            spec=kubernetes.apps.v1.DeploymentSpecArgs(
                replicas=0, selector=LabelSelectorArgs(match_labels=selector), template=seed
            ),
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["spec"]),
        )

    def _service(
        self, service: str, *, seed: str, kind: Literal["ClusterIP", "NodePort"]
    ) -> kubernetes.core.v1.Service:
        """A Service whose slot `pulumi up` writes once."""
        return kubernetes.core.v1.Service(
            f"{self._args.environment}-{service}",
            metadata=self._metadata(service, annotations=SKIP_AWAIT),
            spec=kubernetes.core.v1.ServiceSpecArgs(
                type=kind,
                selector={labels.SERVICE: self._args.service, labels.SLOT: seed},
                ports=[
                    kubernetes.core.v1.ServicePortArgs(
                        name="http", port=self._args.spec.port, target_port="http", protocol="TCP"
                    )
                ],
            ),
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["spec.selector"]),
        )

    def _autoscaler(self) -> None:
        """Scales the live slot; the release tool says which one that is."""
        replicas = self._args.spec.replicas.of(self._args.environment)
        kubernetes.autoscaling.v2.HorizontalPodAutoscaler(
            self.pulumi_resource_name,
            metadata=self._metadata(self._args.service),
            spec=kubernetes.autoscaling.v2.HorizontalPodAutoscalerSpecArgs(
                scale_target_ref=kubernetes.autoscaling.v2.CrossVersionObjectReferenceArgs(
                    api_version="apps/v1", kind="Deployment", name=f"{self._args.service}-{BLUE}"
                ),
                min_replicas=replicas.min,
                max_replicas=replicas.max,
                metrics=[
                    kubernetes.autoscaling.v2.MetricSpecArgs(
                        type="Resource",
                        resource=kubernetes.autoscaling.v2.ResourceMetricSourceArgs(
                            name="cpu",
                            target=kubernetes.autoscaling.v2.MetricTargetArgs(
                                type="Utilization", average_utilization=TARGET_CPU_PERCENT
                            ),
                        ),
                    )
                ],
            ),
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["spec.scaleTargetRef.name"]),
        )

    def _config_map(self) -> str | None:
        variables = self._args.spec.variables_in(self._args.environment)
        if not variables:
            return None
        name = immutable_name(self._args.service, variables)
        kubernetes.core.v1.ConfigMap(
            f"{self._args.environment}-{name}",
            metadata=self._metadata(name),
            data=variables,
            immutable=True,
            opts=self._kept(),
        )
        return name

    def _secret(self) -> str | None:
        if not self._args.secrets:
            return None
        name = immutable_name(self._args.service, self._args.secrets)
        kubernetes.core.v1.Secret(
            f"{self._args.environment}-{name}",
            metadata=self._metadata(name),
            string_data={key: pulumi.Output.secret(value) for key, value in self._args.secrets.items()},
            immutable=True,
            opts=self._kept(),
        )
        return name

    def _kept(self) -> pulumi.ResourceOptions:
        # A slot, or the history, may still name it: the release tool deletes it when none does. Settings that go back
        # name it again.
        return pulumi.ResourceOptions(parent=self, provider=self._args.kept_objects, retain_on_delete=True)
