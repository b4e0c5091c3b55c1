"""The account refuses what AWS refuses, with AWS's codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.aws.account import Account
from components.aws.flow_logs import log_delivery_statements
from components.aws.policy import Statement, policy_document
from rehearsal import aws
from rehearsal.emulators.aws import lifecycle
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kinds import KINDS, kind_of
from rehearsal.emulators.aws.properties import UNKNOWN
from rehearsal.errors import RehearsalError
from tests.unit.rehearsal.emulators.aws.examples import EXAMPLES, REGION, SEED, World, quiet, trust, urn

MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"})

MALFORMED = [
    ("vpc", {"cidrBlock": "10.0.0.0/8"}, "InvalidVpc.Range"),
    ("vpc", {"cidrBlock": "10.0.0.1/16"}, 'did you mean "10.0.0.0/16"'),
    ("vpc", {"cidrBlock": "10.0.0/16"}, "not a valid IPv4 CIDR block"),
    ("vpc", {"cidrBlock": "10.0.0.0/16", "tags": {"aws:name": "x"}}, "reserved for internal use"),
    ("subnet", {"cidrBlock": "10.0.0.0/29"}, "InvalidSubnet.Range"),
    ("endpoint", {"serviceName": "s3"}, "InvalidServiceName"),
    ("template", {"name": "no"}, "InvalidLaunchTemplateName.MalformedException"),
    ("template", {"metadataOptions": {"httpTokens": "maybe"}}, "expected to be one of"),
    ("template", {"defaultVersion": 1}, "set updateDefaultVersion"),
    ("role", {"assumeRolePolicy": "{}"}, "MalformedPolicyDocument"),
    ("role", {"name": "r" * 65}, "ValidationError"),
    ("role", {"name": "a role"}, "ValidationError"),
    ("attachment", {"policyArn": "AmazonEKSWorkerNodePolicy"}, "is an invalid ARN"),
    ("attachment", {"policyArn": "arn:aws:iam::12:policy/x"}, "is an invalid ARN"),
    ("attachment", {"policyArn": "arn:aws:s3:::bucket"}, "not of iam"),
    ("inline", {"policy": json.dumps({"Version": "2012-10-17"})}, "MalformedPolicyDocument"),
    ("key", {"deletionWindowInDays": 3}, r"in the range \(7 - 30\)"),
    ("key", {"keyUsage": "SIGN"}, "expected to be one of"),
    ("alias", {"name": "mine"}, "InvalidAliasNameException"),
    ("alias", {"name": "alias/aws/mine"}, "InvalidAliasNameException"),
    ("logs", {"name": "a log"}, "InvalidParameterException"),
    ("logs", {"retentionInDays": 42}, "expected to be one of"),
    ("flows", {"trafficType": "SOME"}, "expected to be one of"),
    ("flows", {"maxAggregationInterval": 30}, "expected to be one of"),
    ("default-group", {"ingress": [{"cidrBlocks": ["10.0.0.0/16"]}]}, "no rules in the default security group"),
    ("guard", {"description": "the nodes' group"}, "Invalid security group description"),
    ("guard", {"name": "sg-endpoints"}, "Invalid security group name"),
    ("bounded", {"permissionsBoundary": "boundary"}, "is an invalid ARN"),
    ("cluster", {"name": "-hello"}, "InvalidParameterException"),
    ("cluster", {"version": "v1.36"}, "unsupported Kubernetes version"),
    ("cluster", {"vpcConfig": {"publicAccessCidrs": ["198.51.100.7"]}}, "did you mean"),
    ("entry", {"kubernetesGroups": ["system:masters"]}, "cannot start with system:"),
    ("access", {"policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSRootPolicy"}, "policyArn is invalid"),
    ("addon", {"addonVersion": "1.12"}, "Addon version specified is not supported"),
    ("addon", {"configurationValues": "{"}, "invalid JSON"),
    ("template", {"instanceType": "t3.gigantic"}, "instance types do not exist"),
    ("nodes", {"nodeGroupName": "n" * 64}, "InvalidParameterException"),
    ("hours", {"recurrence": "at eight"}, "Given recurrence string: at eight is invalid"),
    ("hours", {"timeZone": "KST"}, "Invalid timezone"),
    ("hours", {"maxSize": -1}, r"in the range \(0 - 10000\)"),
    ("nodes", {"taints": [{"key": "environment", "effect": "NoSchedule"}]}, "expected to be one of"),
    ("repository", {"name": "Hello/Api"}, "InvalidParameterException"),
    ("expiry", {"policy": '{"rules": [{"rulePriority": 1}]}'}, "InvalidParameterException"),
]


@pytest.mark.parametrize(("example", "inputs", "message"), MALFORMED)
def test_malformed_input_is_refused_before_anything_is_made(example: str, inputs: dict[str, Any], message: str) -> None:
    type_token = EXAMPLES[example].type
    _, wrong = lifecycle.check(KINDS[type_token], urn(type_token, example), {}, inputs, seed=SEED)
    assert len(wrong) == 1
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(next(iter(wrong.values())))


@pytest.mark.parametrize(("example", "inputs"), [(example, inputs) for example, inputs, _ in MALFORMED])
def test_what_is_not_known_yet_is_not_judged(example: str, inputs: dict[str, Any]) -> None:
    type_token = EXAMPLES[example].type
    unknown = dict.fromkeys(inputs, UNKNOWN)
    _, wrong = lifecycle.check(KINDS[type_token], urn(type_token, example), {}, unknown, seed=SEED)
    assert wrong == {}


_SECRET = f"arn:aws:secretsmanager:{REGION}:123456789012:secret"
ALL_MADE_REFUSALS: list[tuple[str, dict[str, Any], str]] = [
    # A second one of what there can be only one of.
    ("internet", {}, "InvalidParameterValue"),
    ("nat", {}, "Resource.AlreadyAssociated"),
    ("route", {}, "RouteAlreadyExists"),
    ("association", {}, "Resource.AlreadyAssociated"),
    ("template", {}, "InvalidLaunchTemplateName.AlreadyExistsException"),
    ("role", {}, "EntityAlreadyExists"),
    ("alias", {}, "AlreadyExistsException"),
    ("logs", {}, "ResourceAlreadyExistsException"),
    ("flows", {}, "FlowLogAlreadyExists"),
    ("cluster", {}, "ResourceInUseException"),
    ("entry", {}, "ResourceInUseException"),
    ("addon", {}, "ResourceInUseException"),
    ("nodes", {}, "ResourceInUseException"),
    ("identity", {}, "ResourceInUseException"),
    ("repository", {}, "RepositoryAlreadyExistsException"),
    ("bucket", {}, "BucketAlreadyOwnedByYou"),
    ("issuer", {}, "EntityAlreadyExists"),
    ("proof", {}, "InvalidChangeBatch"),
    # Subnets by moto's rules.
    ("subnet", {"cidrBlock": "10.0.8.0/21"}, "InvalidSubnet.Conflict"),
    ("subnet", {"cidrBlock": "10.1.0.0/20"}, "InvalidSubnet.Range"),
    ("subnet", {"cidrBlock": "10.0.64.0/20", "availabilityZone": "us-east-1a"}, "InvalidParameterValue"),
    # What is named has to be there.
    ("subnet", {"vpcId": "vpc-0"}, "InvalidVpcID.NotFound"),
    ("nat", {"subnetId": "subnet-0"}, "InvalidSubnetID.NotFound"),
    ("nat", {"allocationId": "eipalloc-0"}, "InvalidAllocationID.NotFound"),
    ("route", {"routeTableId": "rtb-0"}, "InvalidRouteTableID.NotFound"),
    ("route", {"gatewayId": "igw-0"}, "InvalidInternetGatewayID.NotFound"),
    ("attachment", {"role": "nobody"}, "NoSuchEntity"),
    ("attachment", {"policyArn": "arn:aws:iam::123456789012:policy/none"}, "NoSuchEntity"),
    ("attachment", {"policyArn": "arn:aws:iam::aws:policy/AmazonNoPolicy"}, "NoSuchEntity"),
    ("alias", {"name": "alias/other", "targetKeyId": "none"}, "NotFoundException"),
    ("cluster", {"name": "x", "roleArn": "arn:aws:iam::123456789012:role/none"}, "InvalidParameterException"),
    ("addon", {"clusterName": "none"}, "ResourceNotFoundException"),
    ("access", {"principalArn": "arn:aws:iam::444455556666:role/x"}, "ResourceNotFoundException"),
    ("nodes", {"nodeGroupName": "x", "clusterName": "none"}, "ResourceNotFoundException"),
    ("nodes", {"nodeGroupName": "x", "launchTemplate": {"id": "lt-0"}}, "InvalidRequestException"),
    ("expiry", {"repository": "none"}, "RepositoryNotFoundException"),
    ("flows", {"vpcId": "vpc-0123456789abcdef0"}, "InvalidVpcID.NotFound"),
    # What does not fit together.
    ("interface", {}, "InvalidParameter"),
    ("interface", {"privateDnsEnabled": False, "securityGroupIds": ["sg-0"]}, "InvalidGroup.NotFound"),
    ("guard", {}, "InvalidGroup.Duplicate"),
    ("hub", {"ecrRepositoryPrefix": "other", "credentialArn": None}, "InvalidParameterException"),
    ("hub", {"ecrRepositoryPrefix": "other", "credentialArn": f"{_SECRET}:hub"}, "InvalidParameterException"),
    ("hub", {}, "PullThroughCacheRuleAlreadyExistsException"),
    ("flows", {"trafficType": "REJECT", "iamRoleArn": None}, "InvalidParameter"),
    ("cluster", {"name": "x", "vpcConfig": {"subnetIds": []}}, "InvalidParameterException"),
    ("key", {"customerMasterKeySpec": "ECC_NIST_P256", "enableKeyRotation": True}, "UnsupportedOperationException"),
    (
        "nodes",
        {"nodeGroupName": "x", "scalingConfig": {"minSize": 3, "desiredSize": 2, "maxSize": 4}},
        "InvalidParameterException",
    ),
    (
        "nodes",
        {"nodeGroupName": "x", "scalingConfig": {"minSize": 1, "desiredSize": 5, "maxSize": 4}},
        "InvalidParameterException",
    ),
    ("nodes", {"nodeGroupName": "x", "amiType": "AL2023_ARM_64_STANDARD"}, "InvalidParameterException"),
    ("nodes", {"nodeGroupName": "x", "instanceTypes": ["t3.large"]}, "InvalidRequestException"),
    ("nodes", {"nodeGroupName": "x", "diskSize": 20}, "InvalidRequestException"),
]


@pytest.mark.parametrize(("example", "changed", "code"), ALL_MADE_REFUSALS)
def test_the_account_refuses_what_does_not_fit_what_it_has(example: str, changed: dict[str, Any], code: str) -> None:
    world = World.shared()
    before = world.account.records()
    given = EXAMPLES[example]
    with pytest.raises(AwsError) as refused:
        world.make(given.type, example, {**given.inputs(world), **changed})
    assert refused.value.code == code
    assert world.account.records() == before


def test_a_clusters_subnets_stay_in_the_vpc_and_the_zones_it_was_made_in(tmp_path: Path) -> None:
    """https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html#network-requirements-subnets ."""
    world = World(tmp_path)
    world.make_all()
    cluster, kind = world.made["cluster"], quiet(KINDS[EXAMPLES["cluster"].type])
    inputs = {"vpcId": world.id("vpc"), "cidrBlock": "10.0.32.0/20", "availabilityZone": "ap-northeast-2b"}
    third = world.make(EXAMPLES["subnet"].type, "third", inputs).id
    network = cluster.inputs["vpcConfig"]
    wider = {**network, "subnetIds": [*network["subnetIds"], third]}
    with pytest.raises(AwsError, match="exact set of AZs ap-northeast-2a,ap-northeast-2c"):
        lifecycle.change(kind, world.caller, cluster.id, {**cluster.inputs, "vpcConfig": wider}, cluster.inputs)
    elsewhere = world.make("aws:ec2/vpc:Vpc", "elsewhere", {"cidrBlock": "10.1.0.0/16"}).id
    moved = [
        world.make(EXAMPLES["subnet"].type, f"moved-{zone}", {**inputs, **there, "vpcId": elsewhere}).id
        for zone, there in {
            "a": {"cidrBlock": "10.1.0.0/20", "availabilityZone": "ap-northeast-2a"},
            "c": {"cidrBlock": "10.1.16.0/20", "availabilityZone": "ap-northeast-2c"},
        }.items()
    ]
    away = {**network, "subnetIds": moved}
    with pytest.raises(AwsError, match="same VPC"):
        lifecycle.change(kind, world.caller, cluster.id, {**cluster.inputs, "vpcConfig": away}, cluster.inputs)
    turned = {**network, "subnetIds": network["subnetIds"][::-1]}
    lifecycle.change(kind, world.caller, cluster.id, {**cluster.inputs, "vpcConfig": turned}, cluster.inputs)


def test_an_interface_endpoint_has_one_subnet_of_a_zone_and_private_names_only_where_the_vpc_has_names(
    tmp_path: Path,
) -> None:
    """https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html ."""
    world = World(tmp_path)
    vpc = world.make("aws:ec2/vpc:Vpc", "vpc", {"cidrBlock": "10.0.0.0/16"}).id
    first, second = (
        world.make(
            EXAMPLES["subnet"].type,
            f"subnet-{place}",
            {"vpcId": vpc, "cidrBlock": f"10.0.{place}.0/24", "availabilityZone": "ap-northeast-2a"},
        ).id
        for place in (0, 1)
    )
    kind = EXAMPLES["interface"].type
    inputs = {"vpcId": vpc, "serviceName": "com.amazonaws.ap-northeast-2.ec2", "vpcEndpointType": "Interface"}
    with pytest.raises(AwsError, match="in the availability zone"):
        world.make(kind, "two", {**inputs, "subnetIds": [first, second]})
    with pytest.raises(AwsError, match="requires both enableDnsSupport and enableDnsHostnames"):
        world.make(kind, "named", {**inputs, "subnetIds": [first], "privateDnsEnabled": True})
    made = world.make(kind, "one", {**inputs, "subnetIds": [first]})
    lifecycle.change(quiet(KINDS[kind]), world.caller, made.id, {**made.inputs, "subnetIds": [second]}, made.inputs)
    (found,) = aws.client(world.layout, "ec2", region=REGION).describe_vpc_endpoints()["VpcEndpoints"]
    assert found["SubnetIds"] == [second]


DELETIONS = [
    ("vpc", "DependencyViolation"),
    ("subnet", "DependencyViolation"),
    ("subnet-c", "DependencyViolation"),
    ("internet", "DependencyViolation"),
    ("address", "InvalidIPAddress.InUse"),
    ("table", "DependencyViolation"),
    ("guard", "DependencyViolation"),
    ("role", "DeleteConflict"),
    ("cluster", "ResourceInUseException"),
]


@pytest.mark.parametrize(("example", "code"), DELETIONS)
def test_what_others_use_is_not_deleted(example: str, code: str) -> None:
    world = World.shared()
    with pytest.raises(AwsError) as refused:
        world.delete(world.made[example])
    assert refused.value.code == code
    assert world.made[example] in world.account.records()


def test_a_clusters_group_that_another_groups_rule_names_stays_when_the_cluster_goes(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.make_all()
    ec2 = aws.client(world.layout, "ec2", region=REGION)
    theirs = world.made["cluster"].outputs["vpcConfig"]["clusterSecurityGroupId"]
    pair = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": theirs}]}
    ec2.authorize_security_group_ingress(GroupId=world.id("default-group"), IpPermissions=[pair])
    for name in ("nodes", "cluster"):
        world.delete(world.made[name])
    assert ec2.describe_security_groups(GroupIds=[theirs])["SecurityGroups"]


@pytest.mark.parametrize("denied", [True, False])
def test_eks_makes_the_log_group_of_a_deleted_cluster_again_unless_its_role_may_not(
    tmp_path: Path, *, denied: bool
) -> None:
    world = World(tmp_path)
    world.make_all()
    group, kind = EXAMPLES["logs"].type, EXAMPLES["cluster"]
    inputs = {**kind.inputs(world), "name": "other", "enabledClusterLogTypes": ["audit"]}
    made = [
        world.make(group, "control-plane", {"name": "/aws/eks/other/cluster"}),
        world.make(kind.type, "other", inputs),
    ]
    if denied:
        statement = Statement(effect="Deny", actions="logs:CreateLogGroup", resources="*")
        policy = {"role": world.id("role"), "policy": policy_document([statement])}
        world.make(EXAMPLES["inline"].type, "denied", policy)
    for one in reversed(made):
        world.delete(one)
    logs = aws.client(world.layout, "logs", region=REGION)
    left = [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]
    assert ("/aws/eks/other/cluster" in left) is not denied


@pytest.mark.parametrize("allowed", [True, False])
def test_a_deleted_repository_of_a_cache_comes_back_if_nodes_may_make_it(tmp_path: Path, *, allowed: bool) -> None:
    """https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-iam.html ."""
    world = World(tmp_path)
    world.make_all()
    name = f"{world.id('hub')}/moby/buildkit"
    cached = world.make(EXAMPLES["repository"].type, "cached", {"name": name, "forceDelete": True})
    if allowed:
        statement = Statement(actions="ecr:CreateRepository", resources="*")
        policy = {"role": world.id("role"), "policy": policy_document([statement])}
        world.make(EXAMPLES["inline"].type, "allowed", policy)
    world.delete(cached)
    ecr = aws.client(world.layout, "ecr", region=REGION)
    assert (name in [one["repositoryName"] for one in ecr.describe_repositories()["repositories"]]) is allowed


def test_flow_logs_reach_a_bucket_whose_policy_lets_them(tmp_path: Path) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html ."""
    world = World(tmp_path)
    world.make_all()
    account = Account(id=world.caller.account_id, region=REGION, tags={}, permissions_boundary_arn=None, protect=False)
    flows, bucket = EXAMPLES["flows"].type, world.id("bucket")
    inputs = {
        "vpcId": world.id("vpc"),
        "trafficType": "REJECT",
        "logDestinationType": "s3",
        "logDestination": world.arn("bucket"),
    }
    with pytest.raises(AwsError, match="Access Denied for LogDestination"):
        world.make(flows, "to-s3", inputs)
    policy = policy_document(log_delivery_statements(account, bucket))
    aws.client(world.layout, "s3", region=REGION).put_bucket_policy(Bucket=bucket, Policy=policy)
    with pytest.raises(AwsError, match="not applicable for s3"):
        world.make(flows, "to-s3", {**inputs, "iamRoleArn": world.arn("bounded")})
    assert world.make(flows, "to-s3", inputs).id.startswith("fl-")


def test_a_repository_with_images_goes_only_with_force(tmp_path: Path) -> None:
    world = World(tmp_path)
    kept = world.make("aws:ecr/repository:Repository", "kept", {"name": "kept"})
    forced = world.make("aws:ecr/repository:Repository", "forced", {"name": "forced", "forceDelete": True})
    for repository in (kept, forced):
        aws.client(world.layout, "ecr", region=REGION).put_image(
            repositoryName=repository.id, imageManifest=MANIFEST, imageTag="release-1"
        )

    with pytest.raises(AwsError, match="still contains images"):
        world.delete(kept)
    world.delete(forced)
    assert {record.outputs.get("repository", record.id) for record in world.account.records()} == {"kept"}


def test_a_boundary_that_was_made_beside_the_stack_is_no_reason_to_refuse(tmp_path: Path) -> None:
    boundary = "arn:aws:iam::123456789012:policy/boundary"
    inputs = {"assumeRolePolicy": trust("ec2.amazonaws.com"), "permissionsBoundary": boundary}
    assert World(tmp_path).make("aws:iam/role:Role", "role", inputs).outputs["permissionsBoundary"] == boundary


def test_a_vpcs_default_group_is_taken_over_and_left_with_its_vpc(tmp_path: Path) -> None:
    world = World(tmp_path)
    vpc = world.make("aws:ec2/vpc:Vpc", "vpc", {"cidrBlock": "10.0.0.0/16"})
    group = world.make("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "default", {"vpcId": vpc.id})
    ec2 = aws.client(world.layout, "ec2", region=REGION)
    (described,) = ec2.describe_security_groups(GroupIds=[group.id])["SecurityGroups"]
    assert (described["GroupName"], described["VpcId"]) == ("default", vpc.id)
    world.delete(vpc)
    assert world.account.records() == ()


def test_a_clusters_entries_and_add_ons_go_with_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.make_all()
    world.delete(world.made["nodes"])
    world.delete(world.made["cluster"])
    left = {record.type for record in world.account.records()}
    assert not {token for token in left if token.startswith("aws:eks/")}


def test_a_nat_gateway_needs_an_internet_gateway(tmp_path: Path) -> None:
    world = World(tmp_path)
    for name in ("vpc", "subnet", "address"):
        world.made[name] = world.make(EXAMPLES[name].type, name, EXAMPLES[name].inputs(world))
    with pytest.raises(AwsError, match="has no Internet gateway attached"):
        world.make(EXAMPLES["nat"].type, "nat", EXAMPLES["nat"].inputs(world))


def test_a_cluster_needs_the_local_control_plane(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.make_all()
    for name in ("nodes", "cluster"):
        world.delete(world.made[name])
    world.layout.kubeconfig.unlink()
    with pytest.raises(RehearsalError, match="make up"):
        world.make(EXAMPLES["cluster"].type, "cluster", EXAMPLES["cluster"].inputs(world))


def test_a_change_is_judged_like_a_creation(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.make_all()
    nodes = world.made["nodes"]
    sizes = {"minSize": 1, "desiredSize": 9, "maxSize": 3}
    with pytest.raises(AwsError, match="desired capacity 9"):
        lifecycle.change(quiet(KINDS[nodes.type]), world.caller, nodes.id, {**nodes.inputs, "scalingConfig": sizes})
    assert world.account.find(nodes.type, nodes.id) == nodes


def test_a_type_that_the_stand_in_does_not_have_is_refused_by_name() -> None:
    with pytest.raises(RehearsalError, match=r"aws:sqs/queue:Queue[\s\S]*rehearsal/emulators/aws/kinds\.yaml"):
        kind_of("aws:sqs/queue:Queue")
