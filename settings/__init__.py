"""The stack's configuration as validated, frozen models; all errors of a bad configuration at once, by key.

`model` says what there is, `values` what a single value may be, `checks` what no single value shows, `loading` how
Pulumi's own form is read.
"""

from settings.loading import load, pulumi_config
from settings.model import (
    ENVIRONMENTS,
    LOAD_BALANCERS,
    PROJECT,
    Amounts,
    Certificates,
    Cluster,
    Delivery,
    Egress,
    EgressNetwork,
    Environment,
    EnvironmentName,
    Environments,
    LoadBalancer,
    LoadBalancerName,
    LogRetention,
    Logs,
    Network,
    Nodes,
    PerEnvironment,
    Quota,
    ReplicaRange,
    Replicas,
    Resources,
    SecretScope,
    Service,
    Settings,
    SmokeTest,
    Source,
)
from settings.problems import Problem, SettingsError
from settings.required import RequiredSecret, required_secrets
from settings.values import SERVICE_NAME_LIMIT

__all__ = [
    "ENVIRONMENTS",
    "LOAD_BALANCERS",
    "PROJECT",
    "SERVICE_NAME_LIMIT",
    "Amounts",
    "Certificates",
    "Cluster",
    "Delivery",
    "Egress",
    "EgressNetwork",
    "Environment",
    "EnvironmentName",
    "Environments",
    "LoadBalancer",
    "LoadBalancerName",
    "LogRetention",
    "Logs",
    "Network",
    "Nodes",
    "PerEnvironment",
    "Problem",
    "Quota",
    "ReplicaRange",
    "Replicas",
    "RequiredSecret",
    "Resources",
    "SecretScope",
    "Service",
    "Settings",
    "SettingsError",
    "SmokeTest",
    "Source",
    "load",
    "pulumi_config",
    "required_secrets",
]
