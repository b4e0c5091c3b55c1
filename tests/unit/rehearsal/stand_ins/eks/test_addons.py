"""The VPC CNI's configuration is the one that the real component writes."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest

from rehearsal.stand_ins.eks.addons import INIT_VARIABLES, VARIABLES, configuration
from rehearsal.stand_ins.eks.arguments import Taken


def defaults() -> tuple[dict[str, Any], dict[str, Any]]:
    variables = {variable: value for _, variable, value in VARIABLES}
    return variables, {variable: value for _, variable, value in INIT_VARIABLES}


def test_without_options_the_components_own_values_stand() -> None:
    variables, init = defaults()
    assert json.loads(configuration(variables, init, network_policy=True, given=None)) == {
        "enableNetworkPolicy": "true",
        "env": {
            "AWS_VPC_ENI_MTU": "9001",
            "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG": "false",
            "AWS_VPC_K8S_CNI_EXTERNALSNAT": "false",
            "AWS_VPC_K8S_CNI_LOGLEVEL": "DEBUG",
            "AWS_VPC_K8S_CNI_LOG_FILE": "/host/var/log/aws-routed-eni/ipamd.log",
            "AWS_VPC_K8S_CNI_VETHPREFIX": "eni",
            "AWS_VPC_K8S_PLUGIN_LOG_FILE": "/var/log/aws-routed-eni/plugin.log",
            "AWS_VPC_K8S_PLUGIN_LOG_LEVEL": "DEBUG",
            "ENABLE_POD_ENI": "false",
            "WARM_ENI_TARGET": "1",
        },
        "init": {"env": {"DISABLE_TCP_EARLY_DEMUX": "false"}},
    }


def test_values_that_the_program_gives_go_before_options() -> None:
    given = {"enableNetworkPolicy": "false", "env": {"WARM_ENI_TARGET": "3"}, "init": {"env": {"A": "b"}}, "x": 1}
    written = json.loads(configuration({"WARM_ENI_TARGET": 2}, {"A": True}, network_policy=True, given=given))
    assert written == given


def test_what_is_not_taken_is_refused_by_name() -> None:
    given = Taken({"known": 1, "other": 2, "another": 3, "absent": None}, "eks.Cluster x")
    assert given.take("known") == 1
    with pytest.raises(pulumi.InputPropertiesError) as refused:
        given.refuse_the_rest()
    assert [error["property_path"] for error in refused.value.errors or []] == ["another", "other"]
