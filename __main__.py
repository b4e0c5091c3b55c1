"""The whole platform on one screen: load the settings, compose the components, export the outputs."""

from __future__ import annotations

import gc

import pulumi

import config
from components.aws.account import Account
from components.aws.ecr import EcrRepositories, EcrRepositoriesArgs
from components.aws.kms import KmsKeys, KmsKeysArgs
from components.aws.log_group import LogGroupDefaults
from components.aws.network import Network, NetworkArgs
from components.cluster.cluster import Cluster, ClusterArgs
from components.cluster.core_addons import CoreAddons, CoreAddonsArgs
from components.cluster.node_group import NodeGroup, NodeGroupArgs
from components.delivery.delivery import Delivery, DeliveryArgs
from components.ingress.hosts import Hosts, HostsArgs
from components.ingress.load_balancers import LoadBalancers, LoadBalancersArgs
from components.logging.logs import Logs, LogsArgs
from components.workload.environment import Environment, EnvironmentArgs

gc.disable()  # it took half of a preview's CPU, and the program ends within seconds: docs/benchmarks.md
settings = config.load(config.pulumi_config())
platform = f"hello-{pulumi.get_stack()}"
account = Account.of(settings, pulumi.get_stack())
provider = account.provider()
in_aws = pulumi.ResourceOptions(provider=provider)

keys = KmsKeys(platform, KmsKeysArgs(account=account), opts=in_aws)
logs = LogGroupDefaults(key_arn=keys.logs, retention_days=settings.cluster.log_retention_days, protect=settings.protect)
network = Network(platform, NetworkArgs(account=account, network=settings.network, logs=logs), opts=in_aws)
control_plane = ClusterArgs(
    account=account,
    vpc_id=network.vpc_id,
    subnet_ids=list(network.control_plane_subnets.values()),
    access=settings.cluster,
    secrets_key_arn=keys.secrets,
    logs=logs,
)
cluster = Cluster(platform, control_plane, opts=in_aws)
images = EcrRepositoriesArgs(
    namespace=platform, services=list(settings.services), key_arn=keys.images, protect=settings.protect
)
registry = EcrRepositories(platform, images, opts=in_aws)
node_groups = {
    name: NodeGroup(
        f"{platform}-{name}",
        NodeGroupArgs(
            account=account,
            environment=name,
            cluster=cluster.eks,
            subnets=network.private_subnets,
            nodes=environment.nodes,
            tainted=settings.tainted(name),
            # A node, and a pod that acts in AWS, needs its way out from its first moment to its last.
            ready=[network, cluster.addons],
        ),
        opts=in_aws,
    )
    for name, environment in settings.environments.items()
}
both = pulumi.ResourceOptions(providers=[provider, cluster.provider], transformations=[cluster.takes_along])
nodes = [*node_groups.values()]
base = CoreAddons(platform, CoreAddonsArgs(cluster=cluster.reference, charts=settings.charts, nodes=nodes), opts=both)
ways_in = LoadBalancersArgs(settings=settings, cluster=cluster.reference, vpc_id=network.vpc_id, nodes=[base.addons])
door = LoadBalancers(platform, ways_in, opts=both)
environments = {
    # Pods end on their nodes before the nodes go: the environment stands after its node group and leaves before it.
    name: Environment(
        name,
        EnvironmentArgs(
            name=name,
            settings=settings,
            repositories=registry.repository_urls,
            addresses=network.addresses,
            priority_class=base.priorities.services,
            kept_objects=cluster.kept_objects,
        ),
        opts=pulumi.ResourceOptions.merge(both, pulumi.ResourceOptions(depends_on=[node_groups[name]])),
    )
    for name in config.ENVIRONMENTS
}
releases = DeliveryArgs(
    settings=settings,
    cluster=cluster.reference,
    environments=environments,
    registry=registry,
    network=network,
    base=base,
)
delivery = Delivery(platform, releases, opts=both)
reading = LogsArgs(settings=settings, cluster=cluster.reference, network=network, base=base)
efk = Logs("logs", reading, opts=both)
lead_to = {**{name: one.backend for name, one in environments.items()}, "logs": efk.backend, **delivery.backends}
hosts = Hosts(platform, HostsArgs(settings=settings, door=door, backends=lead_to), opts=both)

pulumi.export("cluster", {"name": cluster.name, "endpoint": cluster.endpoint, "region": settings.region})
pulumi.export("kubeconfig", cluster.kubeconfig)
pulumi.export("nodeGroups", {name: group.summary for name, group in node_groups.items()})
pulumi.export("repositories", registry.repository_urls)
pulumi.export("hosts", settings.hosts)
pulumi.export("records", hosts.records)
pulumi.export("services", {name: environment.contracts for name, environment in environments.items()})
pulumi.export("efk", efk.summary)
pulumi.export("jenkins", settings.hosts.get("jenkins"))
