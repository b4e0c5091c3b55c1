"""The whole platform on one screen: load the settings, compose the components, export the outputs."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws

import settings
from components.addons import Addons, AddonsArgs
from components.blue_green import BlueGreen, BlueGreenArgs
from components.cluster import Cluster, ClusterArgs
from components.efk.kibana import Kibana, KibanaArgs
from components.environment import Environment, EnvironmentArgs
from components.ingress import Ingress, IngressArgs, IngressClass, Route
from components.network import Network, NetworkArgs
from components.node_group import NodeGroup, NodeGroupArgs
from components.registry import Registry, RegistryArgs

config = settings.load(settings.pulumi_config())
platform = f"hello-{pulumi.get_stack()}"
in_aws = pulumi.ResourceOptions(provider=aws.Provider("aws", region=config.region))

network = Network(platform, NetworkArgs(region=config.region, network=config.network), opts=in_aws)
cluster = Cluster(
    platform,
    ClusterArgs(
        vpc_id=network.vpc_id,
        private_subnet_ids=network.private_subnet_ids,
        public_subnet_ids=network.public_subnet_ids,
        access=config.cluster,
    ),
    opts=in_aws,
)
registry = Registry(platform, RegistryArgs(namespace=platform, services=list(config.services)), opts=in_aws)
node_groups = {
    name: NodeGroup(
        f"{platform}-{name}",
        NodeGroupArgs(
            environment=name,
            cluster=cluster.eks,
            subnet_ids=network.private_subnet_ids,
            zones=config.network.zones,
            nodes=environment.nodes,
            tainted=config.tainted(name),
        ),
        opts=in_aws,
    )
    for name, environment in config.environments.items()
}
with_nodes = pulumi.ResourceOptions(depends_on=list(node_groups.values()))
Addons(platform, AddonsArgs(cluster_name=cluster.name), opts=pulumi.ResourceOptions.merge(in_aws, with_nodes))

in_kubernetes = pulumi.ResourceOptions(provider=cluster.provider)
classes = {name: IngressClass(name, opts=in_kubernetes) for name in ("public", "staff")}
contracts: dict[str, dict[str, pulumi.Output[dict[str, Any]]]] = {}
for name, environment in config.environments.items():
    # Pods end on their nodes before the nodes go: the environment stands after its node group and leaves before it.
    after_nodes = pulumi.ResourceOptions(provider=cluster.provider, depends_on=[node_groups[name]])
    namespace = Environment(name, EnvironmentArgs(name=name, quota=environment.quota), opts=after_nodes).namespace
    contracts[name] = {
        service: BlueGreen(
            f"{name}-{service}",
            BlueGreenArgs(
                environment=name,
                namespace=namespace,
                service=service,
                repository=registry.repository_urls[service],
                spec=spec,
                secrets=config.secret_values(name, service),
                kept_objects=cluster.kept_objects,
            ),
            opts=in_kubernetes,
        ).contract
        for service, spec in config.services.items()
    }
    Ingress(
        name,
        IngressArgs(
            namespace=namespace,
            host=config.host(name),
            ingress_class=classes["public"].ingress_class,
            routes=[Route(path=path, service=service, port="http") for path, service in config.public_paths.items()],
        ),
        opts=in_kubernetes,
    )
Kibana("log", KibanaArgs(host=config.log_host, ingress_class=classes["staff"].ingress_class), opts=in_kubernetes)

pulumi.export("cluster", {"name": cluster.name, "endpoint": cluster.endpoint, "region": config.region})
pulumi.export("kubeconfig", cluster.kubeconfig)
pulumi.export("nodeGroups", {name: group.summary for name, group in node_groups.items()})
pulumi.export("repositories", registry.repository_urls)
pulumi.export("hosts", config.hosts)
pulumi.export("services", contracts)
pulumi.export("efk", None)
pulumi.export("jenkins", None)
