"""One valid resource of each kind, in an order in which they can be created."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from rehearsal.emulators.aws import lifecycle
from rehearsal.emulators.aws.account import Account, Record
from rehearsal.emulators.aws.kind import Kind
from rehearsal.emulators.aws.kinds import KINDS
from rehearsal.emulators.aws.lifecycle import Caller
from rehearsal.emulators.aws.properties import Properties
from rehearsal.layout import Layout
from tests.unit.rehearsal.aws.serving import serve, serve_again

REGION = "ap-northeast-2"
SEED = b"seed"


def trust(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)
LIFECYCLE_POLICY = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "selection": {
                    "tagStatus": "untagged",
                    "countType": "sinceImagePushed",
                    "countUnit": "days",
                    "countNumber": 7,
                },
                "action": {"type": "expire"},
            }
        ]
    }
)


def urn(type_token: str, name: str) -> str:
    return f"urn:pulumi:test::stand-ins::hello:platform:Some${type_token}::{name}"


def quiet(kind: Kind) -> Kind:
    """The kind without what it does outside the account."""
    return replace(kind, converge=None, dissolve=None)


@dataclass
class World:
    """An account of a test's own."""

    directory: Path
    made: dict[str, Record] = field(default_factory=dict[str, Record])

    def __post_init__(self) -> None:
        self.layout = Layout(self.directory)
        serve(self.layout)
        cluster = {"server": "https://127.0.0.1:6443", "certificate-authority-data": "Q0E="}
        self.layout.kubeconfig.write_text(json.dumps({"clusters": [{"name": "local", "cluster": cluster}]}))
        self.caller = Caller(layout=self.layout, region=REGION, default_tags={"stack": "test"})

    @property
    def account(self) -> Account:
        """The account as it stands."""
        return Account.load(self.layout)

    def make(self, type_token: str, name: str, inputs: Properties) -> Record:
        """Checks and creates, as the engine does."""
        kind = quiet(KINDS[type_token])
        checked, wrong = lifecycle.check(
            kind, urn(type_token, name), {}, inputs, seed=SEED, default_tags=self.caller.default_tags
        )
        assert wrong == {}
        return lifecycle.create(kind, self.caller, urn(type_token, name), checked)

    def delete(self, record: Record) -> None:
        """Deletes, as the engine does."""
        lifecycle.delete(quiet(KINDS[record.type]), self.layout, record.id)

    @classmethod
    @cache
    def full(cls) -> World:
        """One for the tests of a process that leave it as it is, with one of each kind."""
        world = cls(Path(tempfile.mkdtemp()))
        world.make_all()
        return world

    @classmethod
    def shared(cls) -> World:
        """The full one, served."""
        serve_again(cls.full().layout)
        return cls.full()

    def make_all(self) -> None:
        """Makes one of each."""
        for name, example in EXAMPLES.items():
            self.made[name] = self.make(example.type, name, example.inputs(self))

    def id(self, name: str) -> str:
        """Id of an example's resource."""
        return self.made[name].id

    def arn(self, name: str) -> str:
        """ARN of an example's resource."""
        return str(self.made[name].outputs["arn"])


def proof(world: World) -> dict[str, Any]:
    """The record that ACM wants to see."""
    wanted = world.made["certificate"].outputs["domainValidationOptions"][0]
    return {
        "name": wanted["resourceRecordName"],
        "type": wanted["resourceRecordType"],
        "records": [wanted["resourceRecordValue"]],
    }


Inputs: TypeAlias = Callable[[World], dict[str, Any]]


@dataclass(frozen=True)
class Example:
    """Inputs of one kind, from what was made before it."""

    type: str
    inputs: Inputs


EXAMPLES: dict[str, Example] = {
    "vpc": Example(
        "aws:ec2/vpc:Vpc",
        lambda _: {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True, "tags": {"Name": "vpc"}},
    ),
    "subnet": Example(
        "aws:ec2/subnet:Subnet",
        lambda w: {"vpcId": w.id("vpc"), "cidrBlock": "10.0.0.0/20", "availabilityZone": "ap-northeast-2a"},
    ),
    "subnet-c": Example(
        "aws:ec2/subnet:Subnet",
        lambda w: {"vpcId": w.id("vpc"), "cidrBlock": "10.0.16.0/20", "availabilityZone": "ap-northeast-2c"},
    ),
    "internet": Example("aws:ec2/internetGateway:InternetGateway", lambda w: {"vpcId": w.id("vpc")}),
    "address": Example("aws:ec2/eip:Eip", lambda _: {"domain": "vpc"}),
    "nat": Example(
        "aws:ec2/natGateway:NatGateway",
        lambda w: {"subnetId": w.id("subnet"), "allocationId": w.id("address")},
    ),
    "table": Example("aws:ec2/routeTable:RouteTable", lambda w: {"vpcId": w.id("vpc")}),
    "route": Example(
        "aws:ec2/route:Route",
        lambda w: {
            "routeTableId": w.id("table"),
            "destinationCidrBlock": "0.0.0.0/0",
            "gatewayId": w.id("internet"),
        },
    ),
    "association": Example(
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        lambda w: {"routeTableId": w.id("table"), "subnetId": w.id("subnet")},
    ),
    "default-group": Example("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", lambda w: {"vpcId": w.id("vpc")}),
    "endpoint": Example(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        lambda w: {
            "vpcId": w.id("vpc"),
            "serviceName": "com.amazonaws.ap-northeast-2.s3",
            "vpcEndpointType": "Gateway",
            "routeTableIds": [w.id("table")],
        },
    ),
    "guard": Example(
        "aws:ec2/securityGroup:SecurityGroup",
        lambda w: {
            "vpcId": w.id("vpc"),
            "description": "HTTPS",
            "ingress": [{"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": ["10.0.0.0/16"]}],
        },
    ),
    "interface": Example(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        lambda w: {
            "vpcId": w.id("vpc"),
            "serviceName": "com.amazonaws.ap-northeast-2.ec2",
            "vpcEndpointType": "Interface",
            "subnetIds": [w.id("subnet"), w.id("subnet-c")],
            "securityGroupIds": [w.id("guard")],
            "privateDnsEnabled": True,
        },
    ),
    "template": Example(
        "aws:ec2/launchTemplate:LaunchTemplate",
        lambda _: {"instanceType": "t3.large", "metadataOptions": {"httpTokens": "required"}},
    ),
    "role": Example("aws:iam/role:Role", lambda _: {"assumeRolePolicy": trust("ec2.amazonaws.com")}),
    "attachment": Example(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        lambda w: {"role": w.id("role"), "policyArn": "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"},
    ),
    "inline": Example("aws:iam/rolePolicy:RolePolicy", lambda w: {"role": w.id("role"), "policy": POLICY}),
    "key": Example("aws:kms/key:Key", lambda _: {"deletionWindowInDays": 7}),
    "alias": Example("aws:kms/alias:Alias", lambda w: {"targetKeyId": w.id("key")}),
    "bounded": Example(
        "aws:iam/role:Role",
        lambda w: {
            "assumeRolePolicy": trust("vpc-flow-logs.amazonaws.com"),
            "permissionsBoundary": f"arn:aws:iam::{w.caller.account_id}:policy/boundary",
        },
    ),
    "logs": Example("aws:cloudwatch/logGroup:LogGroup", lambda _: {"name": "/aws/eks/hello", "retentionInDays": 30}),
    "topic": Example("aws:sns/topic:Topic", lambda _: {"name": "hello-logs"}),
    "told": Example(
        "aws:sns/topicSubscription:TopicSubscription",
        lambda w: {"topic": w.arn("topic"), "protocol": "email", "endpoint": "a@example.com"},
    ),
    "alarm": Example(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        lambda w: {
            "name": "hello-logs-LostBytes",
            "namespace": "Hello/Logs",
            "metricName": "LostBytes",
            "dimensions": {"Stack": "hello"},
            "statistic": "Maximum",
            "period": 600,
            "evaluationPeriods": 1,
            "threshold": 0,
            "comparisonOperator": "GreaterThanThreshold",
            "treatMissingData": "ignore",
            "alarmActions": [w.arn("topic")],
        },
    ),
    "flows": Example(
        "aws:ec2/flowLog:FlowLog",
        lambda w: {
            "vpcId": w.id("vpc"),
            "trafficType": "ALL",
            "logDestination": w.arn("logs"),
            "iamRoleArn": w.arn("bounded"),
        },
    ),
    "cluster": Example(
        "aws:eks/cluster:Cluster",
        lambda w: {
            "name": "hello",
            "roleArn": w.arn("role"),
            "version": "1.36",
            "vpcConfig": {"subnetIds": [w.id("subnet"), w.id("subnet-c")], "endpointPrivateAccess": True},
            "encryptionConfig": {"provider": {"keyArn": w.arn("key")}, "resources": ["secrets"]},
        },
    ),
    "entry": Example(
        "aws:eks/accessEntry:AccessEntry", lambda w: {"clusterName": "hello", "principalArn": w.arn("role")}
    ),
    "access": Example(
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        lambda w: {
            "clusterName": "hello",
            "principalArn": w.arn("role"),
            "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
            "accessScope": {"type": "cluster"},
        },
    ),
    "addon": Example(
        "aws:eks/addon:Addon",
        lambda _: {"clusterName": "hello", "addonName": "coredns", "addonVersion": "v1.12.4-eksbuild.1"},
    ),
    "nodes": Example(
        "aws:eks/nodeGroup:NodeGroup",
        lambda w: {
            "clusterName": "hello",
            "nodeRoleArn": w.arn("role"),
            "subnetIds": [w.id("subnet")],
            "scalingConfig": {"minSize": 1, "desiredSize": 2, "maxSize": 3},
            "launchTemplate": {"id": w.id("template"), "version": "1"},
        },
    ),
    "hours": Example(
        "aws:autoscaling/schedule:Schedule",
        lambda _: {
            "autoscalingGroupName": "eks-nodes-0",
            "scheduledActionName": "stop",
            "minSize": 0,
            "maxSize": 0,
            "desiredCapacity": 0,
            "recurrence": "0 20 * * 1,2,3,4,5",
            "timeZone": "Asia/Seoul",
        },
    ),
    "identity": Example(
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
        lambda w: {
            "clusterName": "hello",
            "namespace": "kube-system",
            "serviceAccount": "controller",
            "roleArn": w.arn("role"),
        },
    ),
    "snapshots": Example(
        "aws:dlm/lifecyclePolicy:LifecyclePolicy",
        lambda w: {
            "description": "nightly",
            "executionRoleArn": w.arn("role"),
            "policyDetails": {
                "resourceTypes": ["VOLUME"],
                "targetTags": {"backup": "nightly"},
                "schedules": [
                    {
                        "name": "nightly",
                        "createRule": {"interval": 24, "intervalUnit": "HOURS", "times": "18:00"},
                        "retainRule": {"count": 14},
                    }
                ],
            },
        },
    ),
    "repository": Example("aws:ecr/repository:Repository", lambda _: {"name": "hello/api"}),
    "hub": Example(
        "aws:ecr/pullThroughCacheRule:PullThroughCacheRule",
        lambda w: {
            "ecrRepositoryPrefix": "hello-hub",
            "upstreamRegistryUrl": "registry-1.docker.io",
            "credentialArn": f"arn:aws:secretsmanager:{REGION}:{w.caller.account_id}:secret:ecr-pullthroughcache/x",
        },
    ),
    "expiry": Example(
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        lambda _: {"repository": "hello/api", "policy": LIFECYCLE_POLICY},
    ),
    "certificate": Example(
        "aws:acm/certificate:Certificate",
        lambda _: {
            "domainName": "hello.example.com",
            "subjectAlternativeNames": ["*.hello.example.com"],
            "validationMethod": "DNS",
        },
    ),
    "proof": Example("aws:route53/record:Record", lambda w: {"zoneId": "Z1", "ttl": 300, **proof(w)}),
    "validation": Example(
        "aws:acm/certificateValidation:CertificateValidation",
        lambda w: {"certificateArn": w.arn("certificate")},
    ),
    "bucket": Example("aws:s3/bucket:Bucket", lambda w: {"bucket": f"logs-{w.caller.account_id}"}),
    "bucket-policy": Example(
        "aws:s3/bucketPolicy:BucketPolicy", lambda w: {"bucket": w.id("bucket"), "policy": POLICY}
    ),
    "bucket-closed": Example(
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        lambda w: {"bucket": w.id("bucket"), "blockPublicAcls": True},
    ),
    "bucket-encryption": Example(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        lambda w: {
            "bucket": w.id("bucket"),
            "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}],
        },
    ),
    "bucket-retention": Example(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        lambda w: {
            "bucket": w.id("bucket"),
            "rules": [{"id": "retention", "status": "Enabled", "filter": {"prefix": ""}, "expiration": {"days": 90}}],
        },
    ),
    "bucket-versions": Example(
        "aws:s3/bucketVersioning:BucketVersioning",
        lambda w: {"bucket": w.id("bucket"), "versioningConfiguration": {"status": "Enabled"}},
    ),
    "issuer": Example(
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        lambda _: {
            "url": "https://oidc.eks.ap-northeast-2.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF",
            "clientIdLists": ["sts.amazonaws.com"],
        },
    ),
}
