"""The stack's configuration as validated, frozen models; all errors of a bad configuration at once, by key.

`settings` and `models` have the keys, `values` the types of single values, `checks` the checks across keys, `loading`
the parsing of Pulumi's configuration.
"""

from config.charts import Chart, is_registry, local_chart
from config.loading import load, pulumi_config
from config.models.analysis import Analysis, Metric, Prometheus
from config.models.base import ENVIRONMENTS, LOAD_BALANCERS, PROJECT, EnvironmentName, LoadBalancerName, SecretScope
from config.models.canary import Canary
from config.models.cluster import Cluster, Environment, Environments, Hours, Nodes, Quota, ServiceNodes, Weekday
from config.models.delivery import (
    Certificates,
    Delivery,
    GitHubActions,
    Hook,
    Login,
    Notify,
    Previews,
    ReleasesPage,
    Scan,
    Source,
    Waiver,
)
from config.models.hooks import Hooks, ReleaseHook
from config.models.logs import LogRetention, LogRole, Logs, Person
from config.models.network import Dns, LoadBalancer, Network
from config.models.preview import Preview
from config.models.service import (
    Amounts,
    Egress,
    EgressNetwork,
    PerEnvironment,
    ReplicaRange,
    Replicas,
    Resources,
    Service,
    SmokeTest,
)
from config.problems import Problem, SettingsError
from config.required import RequiredSecret, required_secrets
from config.settings import Settings
from config.values import SERVICE_NAME_LIMIT, ZONE_LETTERS

__all__ = [
    "ENVIRONMENTS",
    "LOAD_BALANCERS",
    "PROJECT",
    "SERVICE_NAME_LIMIT",
    "ZONE_LETTERS",
    "Amounts",
    "Analysis",
    "Canary",
    "Certificates",
    "Chart",
    "Cluster",
    "Delivery",
    "Dns",
    "Egress",
    "EgressNetwork",
    "Environment",
    "EnvironmentName",
    "Environments",
    "GitHubActions",
    "Hook",
    "Hooks",
    "Hours",
    "LoadBalancer",
    "LoadBalancerName",
    "LogRetention",
    "LogRole",
    "Login",
    "Logs",
    "Metric",
    "Network",
    "Nodes",
    "Notify",
    "PerEnvironment",
    "Person",
    "Preview",
    "Previews",
    "Problem",
    "Prometheus",
    "Quota",
    "ReleaseHook",
    "ReleasesPage",
    "ReplicaRange",
    "Replicas",
    "RequiredSecret",
    "Resources",
    "Scan",
    "SecretScope",
    "Service",
    "ServiceNodes",
    "Settings",
    "SettingsError",
    "SmokeTest",
    "Source",
    "Waiver",
    "Weekday",
    "is_registry",
    "load",
    "local_chart",
    "pulumi_config",
    "required_secrets",
]
