"""The whole platform on one screen: load the settings, compose the components, export the outputs."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

import settings
from components.addons import Addons, AddonsArgs
from components.cluster import Cluster, ClusterArgs
from components.efk.kibana import Kibana, KibanaArgs
from components.environment import Environment, EnvironmentArgs
from components.ingress import IngressClass
from components.network import Network, NetworkArgs, split
from components.network_policy import Addresses
from components.node_group import NodeGroup, NodeGroupArgs
from components.priority_classes import PriorityClasses
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
priorities = PriorityClasses(platform, opts=in_kubernetes)
zones = split(config.network.cidr, len(config.network.zones))
nodes = [zone.private for zone in zones]
addresses = Addresses(vpc=config.network.cidr, nodes=nodes, subnets=[*nodes, *(zone.public for zone in zones)])
environments = {
    # Pods end on their nodes before the nodes go: the environment stands after its node group and leaves before it.
    name: Environment(
        name,
        EnvironmentArgs(
            name=name,
            config=config,
            repositories=registry.repository_urls,
            addresses=addresses,
            priority_class=priorities.services,
            ingress_class=classes["public"].ingress_class,
            kept_objects=cluster.kept_objects,
        ),
        opts=pulumi.ResourceOptions(provider=cluster.provider, depends_on=[node_groups[name]]),
    )
    for name in settings.ENVIRONMENTS
}
staff = KibanaArgs(host=config.log_host, ingress_class=classes["staff"].ingress_class, protect=config.protect)
Kibana("log", staff, opts=in_kubernetes)

pulumi.export("cluster", {"name": cluster.name, "endpoint": cluster.endpoint, "region": config.region})
pulumi.export("kubeconfig", cluster.kubeconfig)
pulumi.export("nodeGroups", {name: group.summary for name, group in node_groups.items()})
pulumi.export("repositories", registry.repository_urls)
pulumi.export("hosts", config.hosts)
pulumi.export("services", {name: environment.contracts for name, environment in environments.items()})
pulumi.export("efk", None)
pulumi.export("jenkins", None)
