"""A resource monitor that records what a program registers, and responds as the engine and its providers would."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.proto import resource_pb2

from components.cluster.live import NONE, LiveCluster
from config import PROJECT
from tools.program.graph import Graph, Reference, Registration, Secret

SIGNATURE = "4dabf18193072939515e22adb298388d"
"""Key that marks an object as something else than an object. These three are the engine's protocol:
https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/sig/sig.go
"""
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the signature of a secret, not one
RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"

ACCOUNT = "123456789012"
ISSUER = "https://oidc.eks.ap-northeast-2.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
AWS_DECIDES = ("endpoint", "identities", "resources")
"""What is known of a cluster and its node groups once they are there."""

STACK_TYPE = "pulumi:pulumi:Stack"


class DuplicateUrnError(Exception):
    """Two resources of one URN; the engine refuses them too."""


class RefusedError(grpc.RpcError):
    """A provider's refusal, as it reaches the SDK."""

    def code(self) -> grpc.StatusCode:
        """What all refusals of a provider have."""
        return grpc.StatusCode.UNKNOWN

    def details(self) -> str:
        """The provider's words."""
        return str(self)


class FewInvokes(Mocks):
    """The program looks up nearly nothing while it runs: whatever it needs is configuration or an output.

    Args:
        certificates: What ACM has, each with `status` and `tags`, in any order.
        live: The cluster that exists.
        cluster: Its name.
    """

    def __init__(self, certificates: Sequence[Mapping[str, Any]], live: LiveCluster, cluster: str) -> None:
        self._certificates = certificates
        self._live = live
        self._cluster = cluster

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        """Answers as ACM does, and what is the same everywhere; refuses any other look-up."""
        asked = cast("dict[str, Any]", args.args)
        match args.token:
            case "aws:lb/getHostedZoneId:getHostedZoneId":
                return {"id": "ZWKZPGTI48KDX"}, []
            case "aws:acm/getCertificate:getCertificate":
                for certificate in self._certificates:
                    if certificate["status"] in asked["statuses"]:
                        return {"arn": f"arn:aws:acm:ap-northeast-2:{ACCOUNT}:certificate/asked", **certificate}, []
                raise RefusedError(f"no ACM Certificate matching domain ({asked['domain']})")
            case "aws:eks/getClusters:getClusters":
                return {"names": ["other", self._cluster] if self._live.control_plane else ["other"]}, []
            case _:
                return _of_cluster(self._live, args.token, asked), []

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        """Is never asked: `RecordingMonitor` answers."""
        raise NotImplementedError(args.typ)


def _of_cluster(live: LiveCluster, token: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What EKS and EC2 say of the cluster that exists; the ids of its subnets are their zones."""
    match token:
        case "aws:eks/getCluster:getCluster":
            return {"vpcConfig": {"subnetIds": list(live.control_plane)}}
        case "aws:ec2/getSubnet:getSubnet":
            return {"availabilityZone": asked["id"], "cidrBlock": live.control_plane[asked["id"]]}
        case "aws:eks/getNodeGroups:getNodeGroups":
            return {"names": list(live.node_groups)}
        case "aws:eks/getNodeGroup:getNodeGroup":
            group = live.node_groups[asked["nodeGroupName"]]
            sizes = {"minSize": group.sizes.min, "desiredSize": group.sizes.desired, "maxSize": group.sizes.max}
            return {"scalingConfigs": [sizes], "releaseVersion": group.release}
        case _:
            raise AssertionError(f"the program calls {token}: give this monitor an answer to it")


class RecordingMonitor(MockMonitor):
    """Records every registration.

    With `preview`, it answers as a first preview does: what AWS computes is unknown, and of a Kubernetes object
    everything is, since the cluster to ask does not exist yet.
    """

    def __init__(
        self,
        *,
        stack: str,
        preview: bool,
        certificates: Sequence[Mapping[str, Any]] = (),
        live: LiveCluster = NONE,
    ) -> None:
        super().__init__(FewInvokes(certificates, live, f"hello-{stack}"))
        self._stack = stack
        self._preview = preview
        self._registrations: dict[str, Registration] = {}
        self._outputs: dict[str, Mapping[str, Any]] = {}

    @property
    def graph(self) -> Graph:
        """What was registered, once the program has ended."""
        outputs = dict(self._outputs)
        (stack_outputs,) = [outputs.pop(urn) for urn in list(outputs) if f"::{STACK_TYPE}::" in urn]
        return Graph(
            resources={urn: replace(one, outputs=outputs.get(urn)) for urn, one in self._registrations.items()},
            outputs=stack_outputs,
        )

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """As the engine does: the types of all ancestors, but for the stack."""
        if parent and f"::{STACK_TYPE}::" not in parent:
            type_ = f"{parent.split('::')[2]}${type_}"
        return f"urn:pulumi:{self._stack}::{PROJECT}::{type_}::{name}"

    def RegisterResource(  # noqa: N802 - gRPC's name
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        """Records a resource and answers with what it would be."""
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == STACK_TYPE:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        inputs = cast("dict[str, Any]", plain(MessageToDict(request.object)))
        made = Registration(
            type=request.type,
            name=request.name,
            urn=urn,
            id="",
            parent=request.parent,
            earlier_parents=tuple(
                str(alias.spec.parentUrn) for alias in cast("Any", request).aliases if alias.spec.parentUrn
            ),
            custom=request.custom,
            remote=request.remote,
            inputs=inputs,
            provider=request.provider.rpartition("::")[0] or None,
            dependencies=frozenset(request.dependencies),
            ignore_changes=tuple(request.ignoreChanges),
            replace_on_changes=tuple(request.replaceOnChanges),
            delete_before_replace=request.deleteBeforeReplace,
            retain_on_delete=request.retainOnDelete,
            deleted_with=request.deletedWith or None,
            protect=request.protect,
            outputs=None,
        )
        if self._registrations.setdefault(urn, made) is not made:
            raise DuplicateUrnError(urn)
        identity, computed = ("", {}) if self._preview else self._known(made)
        self._registrations[urn] = replace(made, id=identity)
        state = Struct()
        if not (self._preview and made.kind):
            state.CopyFrom(request.object)
        state.update({**computed, **self._children(made)})
        self.resources[urn] = MockMonitor.ResourceRegistration(urn, identity, MessageToDict(state))
        return resource_pb2.RegisterResourceResponse(urn=urn, id=identity if made.custom else "", object=state)

    def RegisterResourceOutputs(self, request: resource_pb2.RegisterResourceOutputsRequest) -> Empty:  # noqa: N802
        """Records the outputs of a component or of the stack."""
        self._outputs[request.urn] = cast("dict[str, Any]", plain(MessageToDict(request.outputs)))
        return Empty()

    def _known(self, made: Registration) -> tuple[str, dict[str, Any]]:
        """The id, and what a provider computes on top of the inputs."""
        number = hashlib.sha256(made.urn.encode()).hexdigest()[:17]
        name = str(made.inputs.get("name", made.name))
        service = made.type.split(":")[1].split("/")[0]
        regional = f"ap-northeast-2:{ACCOUNT}"
        arn = f"arn:aws:{service}:{regional}:{name}"
        known: tuple[str, dict[str, Any]]
        match made.type:
            case "aws:ecr/repository:Repository":
                url = f"{ACCOUNT}.dkr.ecr.ap-northeast-2.amazonaws.com/{name}"
                known = name, {"arn": arn, "registryId": ACCOUNT, "repositoryUrl": url}
            case "aws:iam/role:Role":
                known = name, {"arn": f"arn:aws:iam::{ACCOUNT}:role/{name}"}
            case "aws:iam/openIdConnectProvider:OpenIdConnectProvider":
                url = str(made.inputs["url"]).removeprefix("https://")
                known = number, {"arn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{url}"}
            case "aws:kms/key:Key":
                known = number, {"arn": f"arn:aws:kms:{regional}:key/{number}", "keyId": number}
            case "aws:cloudwatch/logGroup:LogGroup":
                known = name, {"arn": f"arn:aws:logs:{regional}:log-group:{name}"}
            case "aws:s3/bucket:Bucket":
                known = str(made.inputs["bucket"]), {"arn": f"arn:aws:s3:::{made.inputs['bucket']}"}
            case "aws:ec2/launchTemplate:LaunchTemplate":
                known = f"lt-{number}", {"arn": arn, "latestVersion": 1, "defaultVersion": 1}
            case "eks:index:Cluster":
                config = json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": name})
                known = "", {"kubeconfigJson": config}
            case _ if made.kind:
                metadata = made.metadata
                identity = "/".join(str(metadata[key]) for key in ("namespace", "name") if key in metadata)
                known = identity, {**status(made), "metadata": {**metadata, "uid": number}}
            case _:
                known = f"{made.type.rpartition(':')[2].lower()}-{number}", {"arn": arn, **in_front(made)}
        return known

    def _children(self, made: Registration) -> dict[str, Any]:
        """What the components of pulumi-eks make and hand out. They are not the program's: not recorded."""
        children: dict[str, tuple[str, str, dict[str, Any]]] = {
            "eks:index:Cluster": (
                "eksCluster",
                "aws:eks/cluster:Cluster",
                {
                    "name": made.inputs.get("name"),
                    "endpoint": f"https://{made.name}.gr7.ap-northeast-2.eks.amazonaws.com",
                    "identities": [{"oidcs": [{"issuer": ISSUER}]}],
                },
            ),
            "eks:index:ManagedNodeGroup": (
                "nodeGroup",
                "aws:eks/nodeGroup:NodeGroup",
                {
                    "nodeGroupName": made.inputs.get("nodeGroupName"),
                    "resources": [{"autoscalingGroups": [{"name": f"eks-{made.inputs.get('nodeGroupName')}"}]}],
                },
            ),
        }
        if made.type not in children:
            return {}
        key, token, state = children[made.type]
        urn = self.make_urn(made.urn, token, made.name)
        identity = "" if self._preview else str(made.inputs.get("name", made.name))
        known = {name: value for name, value in state.items() if name not in AWS_DECIDES} if self._preview else state
        self.resources[urn] = MockMonitor.ResourceRegistration(urn, identity, known)
        return {key: {SIGNATURE: RESOURCE, "urn": urn, "id": identity}}


def in_front(made: Registration) -> dict[str, Any]:
    """What AWS decides of that which stands in front of the cluster."""
    match made.type:
        case "aws:acm/certificate:Certificate":
            return {"domainValidationOptions": [proof(str(made.inputs["domainName"]))]}
        case "aws:ec2/eip:Eip":
            return {"publicIp": "192.0.2.1"}
        case "aws:route53/record:Record":
            return {"fqdn": str(made.inputs["name"]).removesuffix(".")}
        case _:
            return {}


def proof(domain: str) -> dict[str, str]:
    """The record by which ACM wants a domain proved."""
    return {
        "domainName": domain,
        "resourceRecordName": f"_0.{domain}.",
        "resourceRecordType": "CNAME",
        "resourceRecordValue": "_1.acm-validations.aws.",
    }


def status(made: Registration) -> dict[str, Any]:
    """What a controller says of an object: where an Ingress' load balancer is."""
    if made.kind != "Ingress":
        return {}
    hostname = f"k8s-{made.spec['ingressClassName']}.elb.amazonaws.com"
    return {"status": {"loadBalancer": {"ingress": [{"hostname": hostname}]}}}


def plain(value: Any) -> Any:
    """A property value as plain Python, with `Secret` and `Reference` where they stand."""
    if isinstance(value, list):
        return [plain(item) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    properties = cast("dict[str, Any]", value)
    signature = properties.get(SIGNATURE)
    if signature is None:
        return {key: plain(item) for key, item in properties.items()}
    if signature == SECRET:
        return Secret(plain(properties["value"]))
    if signature == RESOURCE:
        return Reference(properties["urn"])
    raise AssertionError(f"a value of a kind that no test knows: {signature}")
