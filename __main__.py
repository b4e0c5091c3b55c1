"""The Pulumi program: loads the configuration, creates the components, exports the stack outputs."""

from __future__ import annotations

import gc

import pulumi

import config
from components import source_position
from components.aws.account import Account
from components.aws.ecr import EcrRepositories, EcrRepositoriesArgs
from components.aws.kms import KmsKeys, KmsKeysArgs
from components.aws.log_group import LogGroupDefaults
from components.aws.network import Network, NetworkArgs
from components.cluster import live
from components.cluster.cluster import Cluster, ClusterArgs
from components.cluster.core_addons import CoreAddons, CoreAddonsArgs
from components.cluster.node_group import NodeGroup, NodeGroupArgs
from components.delivery.delivery import Delivery, DeliveryArgs
from components.ingress.certificate import current_request
from components.ingress.cordoned_nodes import CordonedNodes
from components.ingress.forward import ForwardActions
from components.ingress.hosts import Hosts, HostsArgs
from components.ingress.load_balancers import LoadBalancers, LoadBalancersArgs
from components.limits.check import Limits
from components.logging.logs import Logs, LogsArgs
from components.workload.environment import Environment, EnvironmentArgs
from components.workload.pod_template import grace_seconds

gc.disable()  # garbage collection took half of a preview's CPU time: docs/benchmarks.md
source_position.keep_only()
settings = config.load(config.pulumi_config())
limits = Limits()
platform = f"hello-{pulumi.get_stack()}"
account = Account(
    id=settings.account_id,
    region=settings.region,
    tags=settings.tags(pulumi.get_stack()),
    permissions_boundary_arn=settings.permissions_boundary_arn,
    protect=settings.protect,
)
# Look-ups come first: whatever uses `provider` waits for the end of the program, and its check.
look_ups = pulumi.InvokeOptions(provider=account.provider("aws-look-up", region=settings.region))
live_cluster = live.look_up(platform, look_ups)
live_cluster.check(network=settings.network, access=settings.cluster)
certificate_request = current_request(
    platform,
    domain=settings.domain,
    dns=settings.dns,
    configured_arn=settings.load_balancer.certificate_arn,
    opts=look_ups,
)
provider = account.provider("aws", region=limits.once_checked(settings.region))
aws_options = pulumi.ResourceOptions(provider=provider)

kms_keys = KmsKeys(platform, KmsKeysArgs(account=account, signs_images=settings.sign_images), opts=aws_options)
log_groups = LogGroupDefaults(
    key_arn=kms_keys.logs, retention_days=settings.cluster.log_retention_days, protect=settings.protect
)
network = Network(platform, NetworkArgs(account=account, network=settings.network, logs=log_groups), opts=aws_options)
cluster = Cluster(
    platform,
    ClusterArgs(
        account=account,
        vpc_id=network.vpc_id,
        subnet_ids=list(network.control_plane_subnets.values()),
        access=settings.cluster,
        secrets_key_arn=kms_keys.secrets,
        logs=log_groups,
    ),
    opts=aws_options,
)
cluster_options = pulumi.ResourceOptions(
    providers=[provider, cluster.provider], transformations=[cluster.deleted_with_cluster]
)
cordoned_nodes = CordonedNodes(platform, opts=cluster_options)
forward_actions = ForwardActions(platform, config.ENVIRONMENTS, opts=cluster_options)
repositories = EcrRepositories(
    platform,
    EcrRepositoriesArgs(
        account=account,
        namespace=platform,
        services=list(settings.services),
        key_arn=kms_keys.images,
        protect=settings.protect,
        docker_hub_secret_arn=settings.cluster.docker_hub_secret_arn,
        signatures=settings.sign_images,
    ),
    opts=aws_options,
)
node_groups = {
    pool: NodeGroup(
        f"{platform}-{pool}",
        NodeGroupArgs(
            account=account,
            environment=name,
            cluster=cluster.eks,
            subnets=network.private_subnets,
            nodes=nodes,
            live=live_cluster.node_groups,
            tainted=settings.tainted(name),
            # Nodes and pods need a route to AWS as long as they exist. The first node to go leaves the load balancers.
            ready=[network, cluster.addons, cordoned_nodes, forward_actions],
        ),
        opts=aws_options,
    )
    for pool, name, nodes in settings.environments.node_pools()
}
core_addons = CoreAddons(
    platform,
    CoreAddonsArgs(
        cluster=cluster.reference,
        charts=settings.charts,
        longest_request_seconds=max(service.longest_request_seconds for service in settings.services.values()),
        grace_seconds=max(map(grace_seconds, settings.services.values())),
        volume_key_arn=settings.cluster.volume_key_arn,
        nodes=list(node_groups.values()),
    ),
    opts=cluster_options,
)
load_balancers = LoadBalancers(
    platform,
    LoadBalancersArgs(
        load_balancer=settings.load_balancer,
        namespaces=settings.namespaces_by_load_balancer,
        domain=settings.domain,
        dns=settings.dns,
        certificate_request=certificate_request,
        charts=settings.charts,
        protect=settings.protect,
        cluster=cluster.reference,
        vpc_id=network.vpc_id,
        subnet_ids=list(network.public_subnets.values()),
        nodes=core_addons.addons,
    ),
    opts=cluster_options,
)
environments = {
    name: Environment(
        name,
        EnvironmentArgs(
            name=name,
            services=settings.services,
            secrets={service: settings.secret_values(name, service) for service in settings.services},
            staff=settings.load_balancer.staff_cidrs,
            quota=environment.quota,
            dashboard=settings.dashboard(name),
            prometheus=settings.prometheus_url,
            protect=settings.protect,
            repositories=repositories.repository_urls,
            addresses=network.addresses,
            priority_class=core_addons.priorities.services,
            service_nodes=environment.service_nodes is not None,
            kept_objects=cluster.kept_objects,
        ),
        # On destroy, pods must be deleted before their nodes.
        opts=pulumi.ResourceOptions.merge(
            cluster_options,
            pulumi.ResourceOptions(
                depends_on=[node_groups[pool] for pool, of, _ in settings.environments.node_pools() if of == name]
            ),
        ),
    )
    for name, environment in settings.environments.items()
}
delivery = Delivery(
    platform,
    DeliveryArgs(
        services=list(settings.services),
        weighted=settings.weighted,
        prometheus=settings.prometheus,
        reads_metrics=settings.reads_metrics,
        delivery=settings.delivery,
        page=settings.releases_page if settings.has_releases_page else None,
        previews=settings.previews,
        github_actions=settings.github_actions,
        previews_in_jenkins=settings.previews_in_jenkins,
        jenkins_host=settings.jenkins_host,
        environment=settings.tooling_environment,
        charts=settings.charts,
        protect=settings.protect,
        signing_key=kms_keys.signing,
        cluster=cluster.reference,
        environments=environments,
        repositories=repositories,
        network=network,
        core_addons=core_addons,
    ),
    opts=cluster_options,
)
logs = Logs(
    "logs",
    LogsArgs(
        logs=settings.logs,
        host=settings.log_host,
        environment=settings.tooling_environment,
        secrets=settings.secret_values("platform", "logs"),
        passwords=settings.secret_values("platform", "people"),
        charts=settings.charts,
        protect=settings.protect,
        cluster=cluster.reference,
        docker_hub=repositories.docker_hub,
        network=network,
        core_addons=core_addons,
    ),
    opts=cluster_options,
)
hosts = Hosts(
    platform,
    HostsArgs(
        hosts=settings.hosts,
        load_balancer_of={name: settings.load_balancer_of(name) for name in settings.hosts},
        load_balancers=load_balancers,
        backends={
            **{name: environment.backend for name, environment in environments.items()},
            "logs": logs.backend,
            **delivery.backends,
        },
        dns=settings.dns,
        region=settings.region,
    ),
    opts=cluster_options,
)

limits.check(stack=pulumi.get_stack(), security_group_rules=settings.network.security_group_rules)

pulumi.export("cluster", {"name": cluster.name, "endpoint": cluster.endpoint, "region": settings.region})
pulumi.export("kubeconfig", cluster.kubeconfig)
pulumi.export("nodeGroups", {name: group.summary for name, group in node_groups.items()})
pulumi.export("repositories", repositories.repository_urls)
pulumi.export("natAddresses", network.nat_addresses)
pulumi.export("hosts", settings.hosts)
pulumi.export("records", hosts.records)
pulumi.export("services", {name: environment.contracts for name, environment in environments.items()})
pulumi.export("efk", logs.summary)
pulumi.export("jenkins", settings.hosts.get("jenkins"))
