"""What AWS and Kubernetes allow in single values of resources, by resource type.

A limit that depends on several settings, such as a bucket's name, which contains the stack's name, account and region,
cannot be checked in any of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from components.limits.inputs import values_at


@dataclass(frozen=True, kw_only=True)
class Limit:
    """What is allowed in a text.

    Attributes:
        longest: Maximum length in characters.
        words: The allowed characters, for messages.
        pattern: Regular expression of the whole text.
        source: Where AWS or Kubernetes says so.
    """

    longest: int
    words: str
    pattern: str = r"[\s\S]*"
    source: str

    def allows(self, text: str) -> bool:
        """Whether a text is allowed."""
        return len(text) <= self.longest and re.fullmatch(self.pattern, text) is not None

    def __str__(self) -> str:
        return f"at most {self.longest} characters, {self.words} ({self.source})"


@dataclass(frozen=True, kw_only=True)
class Violation:
    """A value of a resource that AWS or Kubernetes would refuse.

    Attributes:
        resource: Type and name of the resource, or what the resources have in common.
        property: Path of the value in its inputs.
        value: The value.
        allowed: What is allowed, and its source.
        excess: Characters over the maximum length; 0 if it is not too long.
    """

    resource: str
    property: str
    value: str
    allowed: str
    excess: int = 0

    def __str__(self) -> str:
        return f'{self.resource}: {self.property} "{self.value}": {self.allowed}'


_ACM = "https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html"
_EKS = "https://docs.aws.amazon.com/eks/latest/APIReference"
_CLOUDWATCH = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference"
_IAM = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"
_ELB = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference"
_K8S = "https://kubernetes.io/docs/concepts/overview/working-with-objects"

_DOMAIN = r"(\*\.)?([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)+[A-Za-z0-9][A-Za-z0-9-]{0,61}[A-Za-z0-9]\.?"
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_NAME_WORDS = "lower-case letters, digits and hyphens, a letter or digit at both ends"

DNS_LABEL = Limit(longest=63, words=_NAME_WORDS, pattern=_LABEL, source=f"{_K8S}/names/#dns-label-names")
DNS_SUBDOMAIN = Limit(
    longest=253,
    words=f"{_NAME_WORDS}, in parts separated by dots",
    pattern=r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?",
    source=f"{_K8S}/names/#dns-subdomain-names",
)
LABEL_VALUE = Limit(
    longest=63,
    words="letters, digits, hyphens, underscores and dots, a letter or digit at both ends",
    pattern=r"([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?",
    source=f"{_K8S}/labels/#syntax-and-character-set",
)
BUCKET_NAME = Limit(
    longest=63,
    words="3 or more lower-case letters, digits, dots and hyphens, and none of the reserved beginnings and endings",
    pattern=r"(?!xn--|sthree-|amzn-s3-demo-|.*\.\.|[\d.]+$)(?!.*(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$)"
    r"[a-z0-9][a-z0-9.-]+[a-z0-9]",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html",
)
ROLE_NAME = Limit(longest=64, words="letters, digits and _+=,.@-", pattern=r"[\w+=,.@-]+", source=_IAM)
ROLE_POLICY_NAME = Limit(longest=128, words="letters, digits and _+=,.@-", pattern=r"[\w+=,.@-]+", source=_IAM)
TRUST_POLICY = Limit(longest=2048, words="as JSON", source=_IAM)
INLINE_POLICY = Limit(longest=10_240, words="as JSON", source=_IAM)
TAG_VALUE = Limit(
    longest=256,
    words="letters, digits, spaces and . : / = + - @ _",
    pattern=r"[\w .:/=+@-]*",
    source="https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html",
)
_GROUP_WORDS = "letters, digits, spaces and . _ - : / ( ) # , @ [ ] + = & ; { } ! $ *"
_GROUP_TEXT = r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]+"
_GROUP_SOURCE = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html"
LOG_GROUP_NAME = Limit(
    longest=512,
    words="letters, digits and . - _ / #",
    pattern=r"[.\-_/#A-Za-z0-9]+",
    source="https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html",
)
CONDITION = f"{_ELB}/API_RuleCondition.html"
"""Values of a load balancer's conditions on host and path: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html."""

LIMITS: Mapping[str, Mapping[str, Limit]] = {
    "aws:acm/certificate:Certificate": {
        # The first name is the certificate's common name.
        "domainName": Limit(longest=64, words="a domain name", pattern=_DOMAIN, source=_ACM),
        "subjectAlternativeNames": Limit(longest=253, words="a domain name", pattern=_DOMAIN, source=_ACM),
    },
    "aws:autoscaling/schedule:Schedule": {
        "scheduledActionName": Limit(
            longest=255,
            words="any characters",
            source="https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutScheduledUpdateGroupAction.html",
        )
    },
    "aws:cloudwatch/logGroup:LogGroup": {"name": LOG_GROUP_NAME},
    "aws:cloudwatch/metricAlarm:MetricAlarm": {
        "name": Limit(longest=255, words="any characters", source=f"{_CLOUDWATCH}/API_PutMetricAlarm.html"),
        "alarmDescription": Limit(
            longest=1024, words="any characters", source=f"{_CLOUDWATCH}/API_PutMetricAlarm.html"
        ),
    },
    "aws:dlm/lifecyclePolicy:LifecyclePolicy": {
        "description": Limit(
            longest=500,
            words="letters, digits, spaces, underscores and hyphens",
            pattern=r"[0-9A-Za-z _-]+",
            source="https://docs.aws.amazon.com/dlm/latest/APIReference/API_CreateLifecyclePolicy.html",
        )
    },
    "aws:ec2/launchTemplate:LaunchTemplate": {
        "name": Limit(
            longest=128,
            words="3 or more letters, digits and - ( ) . / _",
            pattern=r"[a-zA-Z0-9().\-/_]{3,}",
            source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html",
        ),
    },
    "aws:ec2/securityGroup:SecurityGroup": {
        "name": Limit(
            longest=255, words=f"{_GROUP_WORDS}, no sg- first", pattern=f"(?!sg-){_GROUP_TEXT}", source=_GROUP_SOURCE
        ),
        "description": Limit(longest=255, words=_GROUP_WORDS, pattern=_GROUP_TEXT, source=_GROUP_SOURCE),
    },
    "aws:ecr/pullThroughCacheRule:PullThroughCacheRule": {
        "ecrRepositoryPrefix": Limit(
            longest=30,
            words="2 or more lower-case letters and digits, with single dots, hyphens and underscores between",
            pattern=r"(?=..)([a-z0-9]+([._-][a-z0-9]+)*/)*[a-z0-9]+([._-][a-z0-9]+)*",
            source="https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreatePullThroughCacheRule.html",
        )
    },
    "aws:ecr/repository:Repository": {
        "name": Limit(
            longest=256,
            words="2 or more lower-case letters and digits, with single dots, hyphens and underscores between",
            pattern=r"(?=..)([a-z0-9]+([._-][a-z0-9]+)*/)*[a-z0-9]+([._-][a-z0-9]+)*",
            source="https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html",
        )
    },
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": {"namespace": DNS_LABEL, "serviceAccount": DNS_SUBDOMAIN},
    "aws:iam/role:Role": {"name": ROLE_NAME, "assumeRolePolicy": TRUST_POLICY},
    "aws:iam/rolePolicy:RolePolicy": {"name": ROLE_POLICY_NAME, "policy": INLINE_POLICY},
    "aws:kms/alias:Alias": {
        "name": Limit(
            longest=256,
            words="alias/ and letters, digits and / _ -",
            pattern=r"alias/(?!aws/)[a-zA-Z0-9/_-]+",
            source="https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html",
        )
    },
    "aws:route53/record:Record": {
        "name": Limit(
            longest=255,
            words="a domain name",
            pattern=_DOMAIN,
            source="https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html",
        )
    },
    "aws:s3/bucket:Bucket": {"bucket": BUCKET_NAME},
    "aws:s3/bucketPolicy:BucketPolicy": {
        "policy": Limit(
            longest=20_480,
            words="as JSON",
            source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html",
        )
    },
    "aws:sns/topic:Topic": {
        "name": Limit(
            longest=256,
            words="letters, digits, hyphens and underscores",
            pattern=r"[A-Za-z0-9_-]+",
            source="https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html",
        )
    },
    "eks:index:Cluster": {
        "name": Limit(
            longest=100,
            words="letters, digits, hyphens and underscores, a letter or digit first",
            pattern=r"[0-9A-Za-z][A-Za-z0-9_-]*",
            source=f"{_EKS}/API_CreateCluster.html",
        )
    },
    "eks:index:ManagedNodeGroup": {
        "nodeGroupName": Limit(
            longest=63,
            words="letters, digits, hyphens and underscores, a letter or digit first",
            pattern=r"[0-9A-Za-z][A-Za-z0-9_-]*",
            source=f"{_EKS}/API_CreateNodegroup.html",
        )
    },
    "kubernetes:batch/v1:CronJob": {
        "metadata.name": Limit(
            longest=52,
            words=_NAME_WORDS,
            pattern=_LABEL,
            source="https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/",
        )
    },
    "kubernetes:core/v1:Namespace": {"metadata.name": DNS_LABEL},
    "kubernetes:core/v1:Service": {
        "metadata.name": Limit(
            longest=63,
            words="lower-case letters, digits and hyphens, a letter first",
            pattern=r"[a-z]([a-z0-9-]*[a-z0-9])?",
            source=f"{_K8S}/names/#rfc-1035-label-names",
        )
    },
    "kubernetes:helm.sh/v3:Release": {
        "name": Limit(
            longest=53,
            words=_NAME_WORDS,
            pattern=_SUBDOMAIN,
            source="https://github.com/helm/helm/blob/v3.18.0/pkg/chart/v2/util/validate_name.go",
        )
    },
    "kubernetes:networking.k8s.io/v1:Ingress": {
        "spec.rules.host": Limit(
            longest=128, words="a domain name, as in a load balancer's rule", pattern=_DOMAIN, source=CONDITION
        ),
    },
}
"""By type and path of the property. Every AWS type of the program is here, or in `WITHOUT_TEXTS`."""

WITHOUT_TEXTS = frozenset(
    {
        "aws:acm/certificateValidation:CertificateValidation",
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        "aws:ec2/eip:Eip",
        "aws:ec2/flowLog:FlowLog",
        "aws:ec2/internetGateway:InternetGateway",
        "aws:ec2/natGateway:NatGateway",
        "aws:ec2/route:Route",
        "aws:ec2/routeTable:RouteTable",
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "aws:ec2/subnet:Subnet",
        "aws:ec2/vpc:Vpc",
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        "aws:eks/addon:Addon",
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "aws:kms/key:Key",
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "aws:s3/bucketVersioning:BucketVersioning",
    }
)
"""AWS types without a text of ours but tags: what they have is an id of AWS's, a range or a constant."""

KUBERNETES: Mapping[str, Limit] = {
    "metadata.name": DNS_SUBDOMAIN,
    "metadata.namespace": DNS_LABEL,
    "metadata.labels": LABEL_VALUE,
    "spec.template.metadata.labels": LABEL_VALUE,
    "template.metadata.labels": LABEL_VALUE,
}
"""Of every Kubernetes object; names of RBAC objects are path segments and may contain a colon."""

PATH_SEGMENT = ("kubernetes:rbac.authorization.k8s.io/", "kubernetes:helm.sh/")
"""Types whose names follow other rules: RBAC's may contain a colon, a Helm release is no object."""


def violations(type_: str, name: str, inputs: Any) -> Iterator[Violation]:
    """The values of a resource that AWS or Kubernetes would refuse; values that are unknown yet are not checked.

    Args:
        type_: Its type token.
        name: Its name in the program, for messages.
        inputs: Its inputs.
    """
    limits: dict[str, Limit] = {}
    if type_.startswith("kubernetes:") and not type_.startswith(PATH_SEGMENT):
        limits |= KUBERNETES
    if type_.startswith("aws:"):
        limits |= {"tags": TAG_VALUE}
    for path, limit in {**limits, **LIMITS.get(type_, {})}.items():
        for value in values_at(inputs, path):
            texts = cast("Mapping[str, Any]", value).items() if isinstance(value, Mapping) else [("", value)]
            for key, text in texts:
                if isinstance(text, str) and not limit.allows(text):
                    yield Violation(
                        resource=f"{type_} {name}",
                        property=f"{path}.{key}" if key else path,
                        value=text if len(text) <= 300 else f"{text[:300]}…",  # noqa: PLR2004
                        allowed=str(limit),
                        excess=max(0, len(text) - limit.longest),
                    )
