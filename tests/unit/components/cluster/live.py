"""The cluster of the tests' stack dev once it exists."""

from __future__ import annotations

from components.cluster.live import LiveCluster

LIVE = LiveCluster(
    control_plane={"ap-northeast-2a": "10.10.240.0/28", "ap-northeast-2c": "10.10.240.32/28"}, node_groups={}
)
