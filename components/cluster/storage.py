"""The default StorageClass."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

CLAIM_TAG = "hello-platform/claim"
"""Tag of a volume: the platform's name, and namespace and name of its PersistentVolumeClaim, as `claim` gives them.

The driver's own tags name the claim in two tags, and no cluster. Lifecycle policies select by one tag, account-wide:
https://docs.aws.amazon.com/dlm/latest/APIReference/API_PolicyDetails.html
"""


def claim(platform: str, namespace: str, name: str) -> str:
    """Value of `CLAIM_TAG`."""
    return f"{platform}/{namespace}/{name}"


class Storage(pulumi.ComponentResource):
    """Default StorageClass `gp3`; EKS creates no default.

    Its volumes are encrypted; the root volumes of nodes are with the account's default key for EBS.

    Args:
        name: The platform's name.
        key_arn: KMS key of its volumes; None for the account's default key for EBS.
        opts: Options of the component.

    Attributes:
        storage_class: Name of the StorageClass.
    """

    storage_class: str

    def __init__(self, name: str, key_arn: str | None, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Storage", name, {}, opts)
        self.storage_class = "gp3"
        # https://docs.aws.amazon.com/eks/latest/userguide/ebs-csi.html
        # https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/parameters.md
        kubernetes.storage.v1.StorageClass(
            name,
            metadata=ObjectMetaArgs(
                name=self.storage_class, annotations={"storageclass.kubernetes.io/is-default-class": "true"}
            ),
            provisioner="ebs.csi.aws.com",
            parameters={
                "type": "gp3",
                "encrypted": "true",
                **({"kmsKeyId": key_arn} if key_arn else {}),
                # https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/tagging.md
                "tagSpecification_1": f"{CLAIM_TAG}={claim(name, '{{ .PVCNamespace }}', '{{ .PVCName }}')}",
            },
            # A volume cannot leave its zone, so it is created in the zone of its pod.
            volume_binding_mode="WaitForFirstConsumer",
            allow_volume_expansion=True,
            reclaim_policy="Delete",
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"storage_class": self.storage_class})
