"""How volumes are made: the cluster's default StorageClass."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs


class Storage(pulumi.ComponentResource):
    """The default StorageClass `gp3`: EKS has none of its own.

    Encrypted with the account's key for EBS, as the nodes' root volumes are: Auto Scaling, which makes those, needs no
    grant for it, and a volume's data never leaves the account's own snapshots.

    Attributes:
        storage_class: Its name.
    """

    storage_class: str

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
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
            parameters={"type": "gp3", "encrypted": "true"},
            # The volume is made where its pod runs: it cannot leave its zone.
            volume_binding_mode="WaitForFirstConsumer",
            allow_volume_expansion=True,
            reclaim_policy="Delete",
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"storage_class": self.storage_class})
