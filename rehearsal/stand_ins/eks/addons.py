"""The add-ons that the cluster component makes.

https://github.com/pulumi/pulumi-eks/tree/master/nodejs/eks/addons
"""

from __future__ import annotations

import json
from typing import Any, cast

import pulumi
import pulumi_aws as aws

from rehearsal.stand_ins.eks.arguments import Taken

# What the component writes into the VPC CNI's configuration: option, variable, value where the option is not given.
VARIABLES = (
    ("nodePortSupport", "AWS_VPC_CNI_NODE_PORT_SUPPORT", None),
    ("customNetworkConfig", "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", None),
    ("warmEniTarget", "WARM_ENI_TARGET", "1"),
    ("warmIpTarget", "WARM_IP_TARGET", None),
    ("warmPrefixTarget", "WARM_PREFIX_TARGET", None),
    ("enablePrefixDelegation", "ENABLE_PREFIX_DELEGATION", None),
    ("logLevel", "AWS_VPC_K8S_CNI_LOGLEVEL", "DEBUG"),
    ("logFile", "AWS_VPC_K8S_CNI_LOG_FILE", "/host/var/log/aws-routed-eni/ipamd.log"),
    ("vethPrefix", "AWS_VPC_K8S_CNI_VETHPREFIX", "eni"),
    ("eniMtu", "AWS_VPC_ENI_MTU", "9001"),
    ("eniConfigLabelDef", "ENI_CONFIG_LABEL_DEF", None),
    ("pluginLogLevel", "AWS_VPC_K8S_PLUGIN_LOG_LEVEL", "DEBUG"),
    ("pluginLogFile", "AWS_VPC_K8S_PLUGIN_LOG_FILE", "/var/log/aws-routed-eni/plugin.log"),
    ("enablePodEni", "ENABLE_POD_ENI", "false"),
    ("cniConfigureRpfilter", "AWS_VPC_K8S_CNI_CONFIGURE_RPFILTER", None),
    ("cniCustomNetworkCfg", "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "false"),
    ("cniExternalSnat", "AWS_VPC_K8S_CNI_EXTERNALSNAT", "false"),
)
INIT_VARIABLES = (("disableTcpEarlyDemux", "DISABLE_TCP_EARLY_DEMUX", "false"),)


def as_text(value: Any) -> str:
    """A value as the environment of a container has it."""
    return str(value).lower() if isinstance(value, bool) else f"{value}"


def configuration(
    variables: dict[str, Any], init_variables: dict[str, Any], network_policy: bool | None, given: dict[str, Any] | None
) -> str:
    """The VPC CNI's configuration values, keys sorted; what the program gives as values goes before the options."""
    values: dict[str, Any] = dict(given or {})
    if network_policy is not None:
        values.setdefault("enableNetworkPolicy", as_text(network_policy))
    values["env"] = {**_texts(variables), **values.get("env", {})}
    init = cast("dict[str, Any]", values.get("init", {}))
    values["init"] = {**init, "env": {**_texts(init_variables), **init.get("env", {})}}
    return json.dumps(values, sort_keys=True, separators=(",", ":"))


def _texts(variables: dict[str, Any]) -> dict[str, str]:
    return {name: as_text(value) for name, value in variables.items() if value is not None}


class VpcCniAddon(pulumi.ComponentResource):
    """The VPC CNI as an EKS add-on."""

    def __init__(
        self, name: str, cluster: aws.eks.Cluster, options: Taken, tags: Any, opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__("eks:index:VpcCniAddon", name, {}, opts)
        variables = {variable: options.take(option, value) for option, variable, value in VARIABLES}
        init_variables = {variable: options.take(option, value) for option, variable, value in INIT_VARIABLES}
        self.addon = aws.eks.Addon(
            name,
            cluster_name=cluster.name,
            addon_name="vpc-cni",
            addon_version=version(options, "vpc-cni", cluster, self, argument="addonVersion"),
            resolve_conflicts_on_create=options.take("resolveConflictsOnCreate", "OVERWRITE"),
            resolve_conflicts_on_update=options.take("resolveConflictsOnUpdate", "OVERWRITE"),
            preserve=True,
            configuration_values=pulumi.Output.all(
                variables, init_variables, options.take("enableNetworkPolicy"), options.take("configurationValues")
            ).apply(lambda values: configuration(*values)),
            service_account_role_arn=options.take("serviceAccountRoleArn"),
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        options.refuse_the_rest()
        self.register_outputs({"addon": self.addon})


def kube_proxy(
    name: str, cluster: aws.eks.Cluster, options: Taken, tags: Any, parent: pulumi.ComponentResource
) -> aws.eks.Addon | None:
    """kube-proxy as an EKS add-on, unless it is not wanted."""
    enabled = options.take_plain("enabled", True)
    values = options.take("configurationValues")
    arguments: dict[str, Any] = {
        "resolve_conflicts_on_create": options.take("resolveConflictsOnCreate", "OVERWRITE"),
        "resolve_conflicts_on_update": options.take("resolveConflictsOnUpdate", "OVERWRITE"),
    }
    if not enabled:
        return None
    arguments["addon_version"] = version(options, "kube-proxy", cluster, parent)
    options.refuse_the_rest()
    return aws.eks.Addon(
        f"{name}-kube-proxy",
        cluster_name=cluster.name,
        addon_name="kube-proxy",
        preserve=True,
        tags=tags,
        configuration_values=None if values is None else pulumi.Output.from_input(values).apply(_sorted_json),
        opts=pulumi.ResourceOptions(parent=parent),
        **arguments,
    )


def version(
    options: Taken, addon: str, cluster: aws.eks.Cluster, parent: pulumi.Resource, argument: str = "version"
) -> pulumi.Input[str]:
    """The version that is given, or the newest that AWS has for the cluster."""
    given = options.take(argument)
    if given is not None:
        return given
    newest = aws.eks.get_addon_version_output(
        addon_name=addon,
        kubernetes_version=cluster.version,
        most_recent=True,
        opts=pulumi.InvokeOutputOptions(parent=parent),
    )
    return newest.version


def _sorted_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
