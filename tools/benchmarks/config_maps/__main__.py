"""ConfigMaps, as many as the configuration's `count`."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as kubernetes

for number in range(pulumi.Config().require_int("count")):
    name = f"bare-{number:05}"
    kubernetes.core.v1.ConfigMap(name, metadata={"name": name, "namespace": "default"}, data={"key": "value"})
