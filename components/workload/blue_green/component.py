"""The objects of one service in one environment.

Some fields are written by this program, the others by the release tool, none by both: docs/who-writes-what.md has the
table. The release tool's fields are listed in `ignore_changes`, so that `pulumi up` does not revert them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs, OwnerReferenceArgs

import config
from components.ingress.target_group import target_group
from components.kubernetes import network_policy
from components.kubernetes.annotations import SKIP_AWAIT
from components.kubernetes.immutable import immutable_name
from components.kubernetes.metadata import uid_of
from components.kubernetes.network_policy import Addresses
from components.workload.blue_green import slot
from components.workload.blue_green.annotations import release_annotations
from components.workload.blue_green.autoscaler import autoscaler_spec
from components.workload.blue_green.service import service_spec
from components.workload.pod_template import pod_labels, pod_template
from contract import labels
from contract.blue_green import (
    BLUE,
    GREEN,
    SENTINEL_DIGEST,
    SLOTS,
    contract,
    port_policy_name,
    preview_service_name,
    slot_name,
)


@dataclass(frozen=True, kw_only=True)
class BlueGreenArgs:
    """Arguments of `BlueGreen`.

    Attributes:
        environment: `dev` or `prod`.
        namespace: Name of the environment's namespace.
        service: The service's name.
        repository: URL of the service's ECR repository.
        spec: Configuration of the service.
        secrets: Environment variables whose values are secret, in clear text.
        callers: Names of the services that may call this one.
        dashboard: URL of the environment's dashboard in Kibana.
        prometheus: URL of Prometheus; None without one.
        addresses: IP ranges of the VPC.
        priority_class: Name of the pods' PriorityClass.
        service_nodes: Whether the environment has nodes for its services alone.
        protect: Whether Services and Deployments are protected from deletion.
        kept_objects: Kubernetes provider of objects that are retained on delete and may be created again.
    """

    environment: config.EnvironmentName
    namespace: pulumi.Input[str]
    service: str
    repository: pulumi.Input[str]
    spec: config.Service
    secrets: Mapping[str, str]
    callers: Sequence[str]
    dashboard: str
    prometheus: str | None
    addresses: Addresses
    priority_class: pulumi.Input[str]
    service_nodes: bool
    protect: bool
    kept_objects: kubernetes.Provider


class BlueGreen(pulumi.ComponentResource):
    """A PodTemplate with its ConfigMap and Secret, two slots, active and preview Service, autoscaler, NetworkPolicy.

    With a canary, a Service for each slot, too.

    Attributes:
        contract: The result of `contract.blue_green.contract`, known once the active Service exists.
        routed: The Services that an action of the Ingress names: of a canary, and of a preview.
    """

    contract: pulumi.Output[dict[str, Any]]
    routed: list[pulumi.Resource]

    def __init__(self, name: str, args: BlueGreenArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:BlueGreen", name, {}, opts)
        self._args = args
        self._service_account()
        self._network_policy()
        configuration = self._configuration()

        def template(slot_label: Mapping[str, str] | None = None) -> kubernetes.core.v1.PodTemplateSpecArgs:
            is_seed = slot_label is not None
            return pod_template(
                environment=args.environment,
                service=args.service,
                image=pulumi.Output.concat(args.repository, "@", SENTINEL_DIGEST),
                spec=args.spec,
                priority_class=args.priority_class,
                service_nodes=args.service_nodes,
                config_map=configuration if args.spec.variables and not is_seed else None,
                secret=configuration if args.secrets and not is_seed else None,
                extra_labels=slot_label,
                seed=is_seed,
            )

        annotations = release_annotations(args.spec, args.environment, args.dashboard, args.prometheus)
        kubernetes.core.v1.PodTemplate(
            name,
            metadata=self._metadata(args.service, annotations=annotations),
            template=template(),
            opts=pulumi.ResourceOptions(parent=self),
        )
        for color in SLOTS:
            self._slot(color, template({labels.SLOT: color}))
        active = self._service(args.service, initial_slot=BLUE, node_port=bool(args.spec.paths))
        is_routed = args.spec.preview is not None
        preview = self._service(preview_service_name(args.service), initial_slot=GREEN, node_port=is_routed)
        by_weight = [active, *map(self._slot_service, SLOTS)] if args.spec.canary else []
        self.routed = [*by_weight, *([preview] if is_routed else [])]
        kubernetes.autoscaling.v2.HorizontalPodAutoscaler(
            name,
            metadata=self._metadata(args.service),
            spec=autoscaler_spec(slot_name(args.service, BLUE), args.spec.replicas.of(args.environment)),
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["spec.scaleTargetRef.name"]),
        )

        self.contract = pulumi.Output.all(args.namespace, active.id).apply(
            lambda outputs: contract(outputs[0], args.service)
        )
        self.register_outputs({"contract": self.contract})

    def _metadata(
        self,
        name: str,
        *,
        annotations: Mapping[str, str] | None = None,
        slot_label: Mapping[str, str] | None = None,
        owner: OwnerReferenceArgs | None = None,
    ) -> ObjectMetaArgs:
        return ObjectMetaArgs(
            name=name,
            namespace=self._args.namespace,
            labels={**pod_labels(self._args.environment, self._args.service), **(slot_label or {})},
            annotations=annotations,
            owner_references=[owner] if owner else None,
        )

    def _service_account(self) -> None:
        kubernetes.core.v1.ServiceAccount(
            self.pulumi_resource_name,
            metadata=self._metadata(self._args.service),
            automount_service_account_token=False,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _network_policy(self) -> None:
        kubernetes.networking.v1.NetworkPolicy(
            self.pulumi_resource_name,
            metadata=self._metadata(self._args.service),
            spec=network_policy.service_policy(
                self._args.service,
                self._args.spec,
                callers=self._args.callers,
                addresses=self._args.addresses,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        # Addresses are admitted to a port's number, and live pods listen on the one that they were released with: each
        # number has a policy of its own, which stays until the release tool finds it in no slot and no pod.
        name = port_policy_name(self._args.service, self._args.spec.port)
        kubernetes.networking.v1.NetworkPolicy(
            f"{self._args.environment}-{name}",
            metadata=self._metadata(name),
            spec=network_policy.port_policy(self._args.service, self._args.spec, addresses=self._args.addresses),
            opts=self._retained(),
        )

    def _slot(self, color: str, template: kubernetes.core.v1.PodTemplateSpecArgs) -> None:
        """A Deployment, whose spec `pulumi up` writes at its creation only, and its PodDisruptionBudget."""
        service = self._args.service
        label = {labels.SLOT: color}
        kubernetes.apps.v1.Deployment(
            f"{self.pulumi_resource_name}-{color}",
            metadata=self._metadata(slot_name(service, color), annotations=SKIP_AWAIT, slot_label=label),
            spec=slot.seed(service, color, template, self._args.spec),
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.protect, ignore_changes=["spec"]),
        )
        kubernetes.policy.v1.PodDisruptionBudget(
            f"{self.pulumi_resource_name}-{color}",
            metadata=self._metadata(slot_name(service, color), slot_label=label),
            spec=slot.disruption_budget(service, color),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _service(self, name: str, *, initial_slot: str, node_port: bool) -> kubernetes.core.v1.Service:
        """A Service whose selector `pulumi up` writes at its creation only."""
        return kubernetes.core.v1.Service(
            f"{self._args.environment}-{name}",
            metadata=self._metadata(name, annotations={**SKIP_AWAIT, **(self._target_group() if node_port else {})}),
            spec=service_spec(self._args.service, slot=initial_slot, node_port=node_port),
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.protect, ignore_changes=["spec.selector"]),
        )

    def _slot_service(self, color: str) -> kubernetes.core.v1.Service:
        """A Service that selects a slot for good: the load balancer's weights move between the two."""
        name = slot_name(self._args.service, color)
        return kubernetes.core.v1.Service(
            f"{self._args.environment}-{name}",
            metadata=self._metadata(name, annotations={**SKIP_AWAIT, **self._target_group()}),
            spec=service_spec(self._args.service, slot=color, node_port=True),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _target_group(self) -> dict[str, str]:
        spec = self._args.spec
        return target_group(
            health_path=spec.health_path,
            success_codes=str(spec.health_status),
            longest_request_seconds=spec.longest_request_seconds,
            version=spec.protocol,
        )

    def _configuration(self) -> str:
        """Registers the immutable ConfigMap and Secret of the service's environment variables.

        The ConfigMap owns the Secret, and exists wherever the Secret does. The release tool has no right to Secrets: it
        deletes the ConfigMap once nothing refers to it, and Kubernetes deletes the Secret with its owner.
        https://kubernetes.io/docs/concepts/architecture/garbage-collection/

        Returns:
            The name that both have. The service may have neither variables nor secrets; then none is registered.
        """
        args = self._args
        variables = args.spec.variables_in(args.environment)
        name = immutable_name(args.service, variables, args.secrets)
        if not variables and not args.secrets:
            return name
        config_map = kubernetes.core.v1.ConfigMap(
            f"{args.environment}-{name}",
            metadata=self._metadata(name),
            # No empty map: two field managers would own it, and conflict when a setting is changed back to a value
            # whose ConfigMap still exists.
            data=variables or None,
            immutable=True,
            opts=self._retained(),
        )
        if args.secrets:
            owner = OwnerReferenceArgs(api_version="v1", kind="ConfigMap", name=name, uid=uid_of(config_map.metadata))
            kubernetes.core.v1.Secret(
                f"{args.environment}-{name}",
                metadata=self._metadata(name, owner=owner),
                string_data={key: pulumi.Output.secret(value) for key, value in args.secrets.items()},
                immutable=True,
                opts=self._retained(),
            )
        return name

    def _retained(self) -> pulumi.ResourceOptions:
        # A slot or the release history may still refer to the object: the release tool deletes it once none does. A
        # setting that is changed back refers to it again. Not protected, since each change of a setting removes it from
        # the stack.
        return pulumi.ResourceOptions(parent=self, provider=self._args.kept_objects, retain_on_delete=True)
