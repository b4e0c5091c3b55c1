"""The VPC: subnet ranges, routes, NAT gateways, flow logs."""

from __future__ import annotations

import ipaddress
import json
from itertools import combinations
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st

from components.aws.network import FIRST_ZONES, ZoneCidrs, split
from config import ZONE_LETTERS
from config.checks.network import NODES_SHARE
from config.models.network import EndpointService
from tests.unit.config.configurations import changed
from tests.unit.program import configured
from tools.program.graph import Graph, Registration, every


def network(address: int, prefix: int) -> str:
    return str(ipaddress.IPv4Network((address, prefix), strict=False))


VPCS = st.builds(network, st.integers(0, 2**32 - 1), st.integers(16, 20))
ALL_ZONES = [f"us-east-1{letter}" for letter in ZONE_LETTERS]


PUBLIC, PRIVATE, CONTROL_PLANE = "kubernetes.io/role/elb", "kubernetes.io/role/internal-elb", "the control plane"


def role_of(subnet: Registration) -> str:
    """The role tag of a subnet, by which load balancers find it; `CONTROL_PLANE` without one."""
    tags = [tag for tag in subnet.inputs["tags"] if tag.startswith("kubernetes.io/role/")]
    return tags[0] if tags else CONTROL_PLANE


def networks(zones: list[ZoneCidrs]) -> list[ipaddress.IPv4Network]:
    return every(
        ipaddress.IPv4Network(cidr)
        for zone in zones
        for cidr in (zone.private, zone.public, zone.control_plane, zone.endpoints)
    )


@given(VPCS)
def test_the_ranges_are_disjoint_and_inside_the_vpc(vpc: str) -> None:
    ranges = networks(list(split(vpc, ALL_ZONES).values()))
    assert len(ranges) == 4 * len(ALL_ZONES)
    assert all(one.subnet_of(ipaddress.IPv4Network(vpc)) for one in ranges)
    assert not any(one.overlaps(other) for one, other in combinations(ranges, 2))


@given(VPCS, st.permutations(ALL_ZONES), st.integers(1, 3))
def test_a_zones_ranges_are_the_same_wherever_it_stands(vpc: str, order: list[str], zones: int) -> None:
    """A zone put between others would otherwise take their ranges: `InvalidSubnet.Conflict`."""
    every_zone = split(vpc, ALL_ZONES)
    assert split(vpc, order[:zones]) == {zone: every_zone[zone] for zone in order[:zones]}


@given(VPCS)
def test_every_range_has_a_size_that_aws_allows(vpc: str) -> None:
    """/16 to /28, of a load balancer /27: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html."""
    zones = split(vpc, ALL_ZONES)
    assert all(16 <= one.prefixlen <= 28 for one in networks(list(zones.values())))
    assert all(ipaddress.IPv4Network(zone.public).prefixlen <= 27 for zone in zones.values())


@given(VPCS)
def test_pods_of_a_zone_have_an_eighth_of_the_vpc(vpc: str) -> None:
    for zone in split(vpc, ALL_ZONES).values():
        assert (
            NODES_SHARE * ipaddress.IPv4Network(zone.private).num_addresses == ipaddress.IPv4Network(vpc).num_addresses
        )
        assert ipaddress.IPv4Network(zone.control_plane).num_addresses == 16
        # All interface endpoints, one address each, beside the five that AWS keeps.
        assert ipaddress.IPv4Network(zone.endpoints).num_addresses - 5 >= len(get_args(EndpointService))


def test_load_balancers_find_their_subnets_by_tag(graph: Graph) -> None:
    roles: dict[str, set[str]] = {}
    for subnet in graph.of_type("aws:ec2/subnet:Subnet"):
        role = role_of(subnet)
        assert subnet.inputs["tags"].get(role, "1") == "1"
        roles.setdefault(role, set()).add(subnet.inputs["availabilityZone"])
    assert set(roles) == {PUBLIC, PRIVATE, CONTROL_PLANE}
    assert roles[PUBLIC] == roles[PRIVATE]
    assert roles[CONTROL_PLANE] == set(sorted(roles[PUBLIC])[:FIRST_ZONES])


def test_the_control_plane_has_dedicated_subnets(known: Graph) -> None:
    """NetworkPolicies allow these addresses into every service, for smoke tests."""
    (cluster,) = known.of_type("eks:index:Cluster")
    roles = {one.id: role_of(one) for one in known.of_type("aws:ec2/subnet:Subnet")}
    assert set(cluster.inputs["subnetIds"]) == {one for one, role in roles.items() if role == CONTROL_PLANE}
    for gateway in known.of_type("aws:ec2/natGateway:NatGateway"):
        assert roles[gateway.inputs["subnetId"]] == PUBLIC
    for group in known.of_type("eks:index:ManagedNodeGroup"):
        assert {roles[subnet] for subnet in group.inputs["subnetIds"]} == {PRIVATE}


def test_interface_endpoints_have_subnets_of_their_own_that_pods_reach_wherever_they_reach_public_https() -> None:
    """With private DNS, AWS's APIs have these addresses and no others."""
    services = list(get_args(EndpointService))
    before, after = configured(changed({})), configured(changed({"network.interfaceEndpoints": services}))
    made = [one for one in after.of_type("aws:ec2/vpcEndpoint:VpcEndpoint") if "subnetIds" in one.inputs]
    assert [one.inputs["serviceName"] for one in made] == [f"com.amazonaws.ap-northeast-2.{one}" for one in services]
    ranges = [one.inputs["cidrBlock"] for one in after.of_type("aws:ec2/subnet:Subnet") if "-endpoints-" in one.name]
    assert len(ranges) == 2
    assert all(len(one.inputs["subnetIds"]) == len(ranges) and one.inputs["privateDnsEnabled"] for one in made)
    groups = {one.urn for one in before.of_type("aws:ec2/securityGroup:SecurityGroup")}
    (guard,) = (one for one in after.of_type("aws:ec2/securityGroup:SecurityGroup") if one.urn not in groups)
    (rule,) = guard.inputs["ingress"]
    assert (rule["fromPort"], rule["toPort"], rule["cidrBlocks"]) == (443, 443, ["10.10.0.0/16"])
    assert "egress" not in guard.inputs
    open_before, open_after = (egress_rules(graph) for graph in (before, after))
    blocks = [{"ipBlock": {"cidr": one}} for one in ranges]
    assert len(open_before) > 5
    assert open_after == {name: [*peers, *blocks] for name, peers in open_before.items()}


def egress_rules(graph: Graph) -> dict[str, list[Any]]:
    """The peers of each NetworkPolicy's rule for the internet."""
    rules = (
        (one.name, rule) for one in graph.of_kind("NetworkPolicy") for rule in one.inputs["spec"].get("egress", [])
    )
    return {
        name: rule["to"]
        for name, rule in rules
        if any(peer.get("ipBlock", {}).get("cidr") == "0.0.0.0/0" for peer in rule.get("to", []))
    }


def test_no_instance_gets_a_public_address_by_default(graph: Graph) -> None:
    for subnet in graph.of_type("aws:ec2/subnet:Subnet"):
        assert subnet.inputs["mapPublicIpOnLaunch"] is False


def test_each_kind_of_subnet_has_its_default_route(known: Graph) -> None:
    routes = {one.inputs["routeTableId"]: one.inputs for one in known.of_type("aws:ec2/route:Route")}
    subnets = {one.urn: role_of(one) for one in known.of_type("aws:ec2/subnet:Subnet")}
    associated: set[str] = set()
    for association in known.of_type("aws:ec2/routeTableAssociation:RouteTableAssociation"):
        (subnet,) = association.dependencies & subnets.keys()
        associated.add(subnet)
        route = routes.get(association.inputs["routeTableId"], {})
        assert route.get("destinationCidrBlock") == (None if subnets[subnet] == CONTROL_PLANE else "0.0.0.0/0")
        assert ("gatewayId" in route) == (subnets[subnet] == PUBLIC)
        assert ("natGatewayId" in route) == (subnets[subnet] == PRIVATE)
    assert associated == set(subnets), "a subnet without an association has the VPC's main route table"


def test_the_number_of_nat_gateways_follows_the_configuration(graph: Graph) -> None:
    gateways = graph.of_type("aws:ec2/natGateway:NatGateway")
    stack = gateways[0].urn.split(":")[2]
    assert len(gateways) == {"dev": 1, "prod": 3}[stack]


def test_addresses_depend_on_the_internet_gateway(graph: Graph) -> None:
    (internet,) = graph.of_type("aws:ec2/internetGateway:InternetGateway")
    for one in [*graph.of_type("aws:ec2/eip:Eip"), *graph.of_type("aws:ec2/natGateway:NatGateway")]:
        assert internet.urn in one.dependencies


def test_the_default_security_group_allows_nothing(graph: Graph) -> None:
    """The provider takes it over and empties it: https://www.pulumi.com/registry/packages/aws/api-docs/ec2/defaultsecuritygroup/."""
    (group,) = graph.of_type("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
    (vpc,) = graph.of_type("aws:ec2/vpc:Vpc")
    assert vpc.urn in group.dependencies
    assert not group.inputs.keys() & {"ingress", "egress"}


def test_flow_logs_record_rejected_traffic_and_depend_on_their_role(graph: Graph) -> None:
    (flow,) = graph.of_type("aws:ec2/flowLog:FlowLog")
    (vpc,) = graph.of_type("aws:ec2/vpc:Vpc")
    assert flow.inputs["trafficType"] == "REJECT"
    assert flow.inputs["logDestinationType"] == "cloud-watch-logs"
    assert vpc.urn in flow.dependencies
    assert graph.named("aws:iam/rolePolicy:RolePolicy", flow.name).urn in flow.dependencies
    assert graph.named("aws:cloudwatch/logGroup:LogGroup", flow.name).urn in flow.dependencies


def test_flow_logs_go_to_a_bucket_that_only_this_accounts_flow_logs_write_to() -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html ."""
    graph = configured(changed({"network.flowLogsTo": "s3"}))
    (flow,) = graph.of_type("aws:ec2/flowLog:FlowLog")
    policy = graph.named("aws:s3/bucketPolicy:BucketPolicy", flow.name)
    name = "hello-dev-flow-logs-123456789012-ap-northeast-2"
    assert graph.named("aws:s3/bucket:Bucket", flow.name).inputs["bucket"] == name
    assert (flow.inputs["logDestinationType"], flow.inputs["logDestination"]) == ("s3", f"arn:aws:s3:::{name}")
    assert "iamRoleArn" not in flow.inputs
    assert policy.urn in flow.dependencies
    statements = json.loads(policy.inputs["policy"])["Statement"]
    allowed = [one for one in statements if one["Effect"] == "Allow"]
    assert {one["Action"]: one["Resource"] for one in allowed} == {
        "s3:PutObject": f"arn:aws:s3:::{name}/AWSLogs/123456789012/*",
        "s3:GetBucketAcl": f"arn:aws:s3:::{name}",
    }
    for one in allowed:
        assert one["Principal"] == {"Service": "delivery.logs.amazonaws.com"}
        assert one["Condition"]["StringEquals"]["aws:SourceAccount"] == "123456789012"
        assert one["Condition"]["ArnLike"] == {"aws:SourceArn": "arn:aws:logs:ap-northeast-2:123456789012:*"}
    (rule,) = graph.named("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", flow.name).inputs["rules"]
    assert rule["expiration"] == {"days": 30}
    assert not [one for one in graph.of_type("aws:cloudwatch/logGroup:LogGroup") if one.name == flow.name]


def test_flow_logs_go_into_their_own_group_only(graph: Graph) -> None:
    (flow,) = graph.of_type("aws:ec2/flowLog:FlowLog")
    group = graph.named("aws:cloudwatch/logGroup:LogGroup", flow.name).inputs["name"]
    policy = json.loads(graph.named("aws:iam/rolePolicy:RolePolicy", flow.name).inputs["policy"])
    arn = f"arn:aws:logs:ap-northeast-2:123456789012:log-group:{group}"
    for statement in policy["Statement"]:
        if statement["Action"] != ["logs:DescribeLogGroups"]:
            assert statement["Resource"] == [arn, f"{arn}:*"]


def test_the_addresses_for_network_policies_match_the_subnets(known: Graph) -> None:
    (network,) = known.of_type("hello:platform:Network")
    outputs = network.outputs or {}
    cidrs: dict[str, list[str]] = {}
    for one in known.of_type("aws:ec2/subnet:Subnet"):
        cidrs.setdefault(role_of(one), []).append(one.inputs["cidrBlock"])
    assert sorted(outputs["node_cidrs"]) == sorted(cidrs[PRIVATE])
    assert sorted(outputs["control_plane_cidrs"]) == sorted(cidrs[CONTROL_PLANE])
