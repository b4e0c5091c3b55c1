"""An AWS account for a cluster that no program has made, and the load balancer controller beside the cluster.

The controller is the real one, and what it makes in the account is. It acts as the cluster's administrator here; as its
pod, with its own rights, it runs in `make up` (tests/rehearsal).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kube.client import KubernetesApi
from rehearsal import aws
from rehearsal.certificates import Certificates
from rehearsal.layout import Layout
from rehearsal.network import namespace
from rehearsal.processes import ProcessTable, Program
from rehearsal.toolchain import Toolchain

CONTROLLER = "aws-load-balancer-controller"
CLUSTER = "hello"
PARAMETERS = ("elbv2.k8s.aws/v1beta1", "IngressClassParams")
SERVICES = ("Elastic Load Balancing v2", "EC2", "ACM", "WAFV2", "STS")


@dataclass(frozen=True)
class Cloud:
    """What the controller finds in the account.

    Attributes:
        region: AWS region.
        vpc: The VPC's id.
        subnets: Ids of its public subnets.
        certificate: ARN of a certificate.
        instances: Provider ids of the nodes, by the nodes' names.
    """

    region: str
    vpc: str
    subnets: Sequence[str]
    certificate: str
    instances: Mapping[str, str]


def make(layout: Layout, region: str, nodes: Mapping[str, str]) -> Cloud:
    """Makes a network with the cluster's security group, and an instance for each node.

    Args:
        layout: The rehearsal; its account runs.
        region: AWS region.
        nodes: Names of nodes with their addresses, within 10.1.0.0/16.
    """
    ec2, acm = (aws.client(layout, name, region=region) for name in ("ec2", "acm"))
    owned = [{"Key": f"kubernetes.io/cluster/{CLUSTER}", "Value": "owned"}]
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    guard = ec2.create_security_group(
        GroupName="nodes", Description="nodes", VpcId=vpc, TagSpecifications=_tags("security-group", owned)
    )["GroupId"]
    subnets = [
        ec2.create_subnet(
            VpcId=vpc,
            CidrBlock=f"10.1.{third}.0/24",
            AvailabilityZone=f"{region}{zone}",
            TagSpecifications=_tags("subnet", [{"Key": "kubernetes.io/role/elb", "Value": "1"}]),
        )["Subnet"]["SubnetId"]
        for third, zone in ((0, "a"), (1, "b"))
    ]
    for subnet in subnets:
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    instances: dict[str, str] = {}
    for name, address in nodes.items():
        zone = int(address.split(".")[2])
        interface = {"DeviceIndex": 0, "SubnetId": subnets[zone], "PrivateIpAddress": address, "Groups": [guard]}
        made = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1, NetworkInterfaces=[interface])
        instances[name] = f"aws:///{region}{'ab'[zone]}/{made['Instances'][0]['InstanceId']}"
    certificate = acm.request_certificate(DomainName="hello.example.com")["CertificateArn"]
    return Cloud(region, vpc, subnets, certificate, instances)


def name_account(api: KubernetesApi, cloud: Cloud) -> None:
    """Has load balancers use the account's certificate and subnets, and not those of a graph that nobody deployed."""
    change = [
        {"op": "add", "path": "/spec/certificateArn", "value": [cloud.certificate]},
        {"op": "add", "path": "/spec/subnets", "value": {"ids": cloud.subnets}},
    ]
    for one in api.list(*PARAMETERS):
        api.json_patch(*PARAMETERS, one["metadata"]["name"], change)


def start_controller(layout: Layout, tools: Toolchain, cloud: Cloud) -> None:
    """Starts the controller, which then makes load balancers of Ingresses."""
    table = ProcessTable(layout.processes)
    holder = namespace.find_holder(table)
    assert holder is not None
    pair = Certificates(layout.control_plane / "pki").of("server")
    webhook = layout.directory / "webhook"
    webhook.mkdir()
    shutil.copy(pair.certificate, webhook / "tls.crt")
    shutil.copy(pair.key, webhook / "tls.key")
    command = (
        str(tools.load_balancer_controller),
        f"--kubeconfig={layout.kubeconfig}",
        f"--cluster-name={CLUSTER}",
        f"--aws-region={cloud.region}",
        f"--aws-vpc-id={cloud.vpc}",
        f"--aws-api-endpoints={','.join(f'{one}={aws.url(layout)}' for one in SERVICES)}",
        f"--webhook-cert-dir={webhook}",
        "--disable-ingress-group-name-annotation=true",
        "--enable-leader-election=false",
        "--enable-shield=false",
        "--enable-waf=false",
        "--feature-gates=ALBGatewayAPI=false,EnableServiceController=false,NLBGatewayAPI=false",
        "--metrics-bind-addr=127.0.0.1:0",
        "--health-probe-bind-addr=127.0.0.1:0",
    )
    variables = {**aws.ADMINISTRATOR, "AWS_REGION": cloud.region}
    table.start(Program(CONTROLLER, command, layout.logs / f"{CONTROLLER}.log", variables, holder.pid))


def _tags(kind: str, tags: list[dict[str, str]]) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": tags}]
