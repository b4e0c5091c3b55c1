"""The whole platform on one screen: load the settings, compose the components, export the outputs."""

from __future__ import annotations

import gc

import pulumi

import settings
from components.account import Account
from components.cluster import Cluster, ClusterArgs
from components.delivery import Delivery, DeliveryArgs
from components.efk.logs import Logs, LogsArgs
from components.environment import Environment, EnvironmentArgs
from components.essentials import Essentials, EssentialsArgs
from components.front_door import FrontDoor, FrontDoorArgs
from components.hosts import Hosts, HostsArgs
from components.keys import Keys, KeysArgs
from components.log_group import Keeping
from components.network import Network, NetworkArgs
from components.node_group import NodeGroup, NodeGroupArgs
from components.registry import Registry, RegistryArgs

gc.disable()  # it took half of a preview's CPU, and the program ends within seconds: docs/benchmarks.md
config = settings.load(settings.pulumi_config())
platform = f"hello-{pulumi.get_stack()}"
account = Account.of(config, pulumi.get_stack())
provider = account.provider()
in_aws = pulumi.ResourceOptions(provider=provider)

keys = Keys(platform, KeysArgs(account=account), opts=in_aws)
logs = Keeping(key_arn=keys.logs, retention_days=config.cluster.log_retention_days, protect=config.protect)
network = Network(platform, NetworkArgs(account=account, network=config.network, logs=logs), opts=in_aws)
control_plane = ClusterArgs(
    account=account,
    vpc_id=network.vpc_id,
    subnet_ids=list(network.control_plane_subnets.values()),
    access=config.cluster,
    secrets_key_arn=keys.secrets,
    logs=logs,
)
cluster = Cluster(platform, control_plane, opts=in_aws)
images = RegistryArgs(namespace=platform, services=list(config.services), key_arn=keys.images, protect=config.protect)
registry = Registry(platform, images, opts=in_aws)
node_groups = {
    name: NodeGroup(
        f"{platform}-{name}",
        NodeGroupArgs(
            account=account,
            environment=name,
            cluster=cluster.eks,
            subnets=network.private_subnets,
            nodes=environment.nodes,
            tainted=config.tainted(name),
            # A node, and a pod that acts in AWS, needs its way out from its first moment to its last.
            ready=[network, cluster.addons],
        ),
        opts=in_aws,
    )
    for name, environment in config.environments.items()
}
both = pulumi.ResourceOptions(providers=[provider, cluster.provider], transformations=[cluster.takes_along])
nodes = [*node_groups.values()]
base = Essentials(platform, EssentialsArgs(cluster=cluster.reference, charts=config.charts, nodes=nodes), opts=both)
ways_in = FrontDoorArgs(config=config, cluster=cluster.reference, vpc_id=network.vpc_id, nodes=[base.addons])
door = FrontDoor(platform, ways_in, opts=both)
environments = {
    # Pods end on their nodes before the nodes go: the environment stands after its node group and leaves before it.
    name: Environment(
        name,
        EnvironmentArgs(
            name=name,
            config=config,
            repositories=registry.repository_urls,
            addresses=network.addresses,
            priority_class=base.priorities.services,
            kept_objects=cluster.kept_objects,
        ),
        opts=pulumi.ResourceOptions.merge(both, pulumi.ResourceOptions(depends_on=[node_groups[name]])),
    )
    for name in settings.ENVIRONMENTS
}
releases = DeliveryArgs(
    config=config, cluster=cluster.reference, environments=environments, registry=registry, network=network, base=base
)
delivery = Delivery(platform, releases, opts=both)
reading = LogsArgs(config=config, cluster=cluster.reference, network=network, base=base)
efk = Logs("logs", reading, opts=both)
lead_to = {**{name: one.backend for name, one in environments.items()}, "logs": efk.backend, **delivery.backends}
hosts = Hosts(platform, HostsArgs(config=config, door=door, backends=lead_to), opts=both)

pulumi.export("cluster", {"name": cluster.name, "endpoint": cluster.endpoint, "region": config.region})
pulumi.export("kubeconfig", cluster.kubeconfig)
pulumi.export("nodeGroups", {name: group.summary for name, group in node_groups.items()})
pulumi.export("repositories", registry.repository_urls)
pulumi.export("hosts", config.hosts)
pulumi.export("records", hosts.records)
pulumi.export("services", {name: environment.contracts for name, environment in environments.items()})
pulumi.export("efk", efk.summary)
pulumi.export("jenkins", config.hosts.get("jenkins"))
