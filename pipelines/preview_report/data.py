"""The types of resources that hold data, which a new resource would not have."""

from __future__ import annotations

HOLDS_DATA = frozenset(
    {
        "aws:cloudwatch/logGroup:LogGroup",
        "aws:ebs/volume:Volume",
        "aws:ecr/repository:Repository",
        "aws:eks/cluster:Cluster",
        "aws:kms/key:Key",
        "aws:s3/bucket:Bucket",
        "aws:s3/bucketV2:BucketV2",
        "kubernetes:core/v1:Namespace",
        "kubernetes:core/v1:PersistentVolume",
        "kubernetes:core/v1:PersistentVolumeClaim",
        "kubernetes:apps/v1:StatefulSet",
        "kubernetes:helm.sh/v3:Release",
        "kubernetes:elasticsearch.k8s.elastic.co/v1:Elasticsearch",
    }
)
"""Pulumi types that hold data, or whose deletion deletes resources that do (a cluster, a namespace, a Helm release)."""
