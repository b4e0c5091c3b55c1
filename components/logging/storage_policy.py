"""The admission policy on Elasticsearch's volumes: they may grow, but not shrink.

A volume cannot shrink. The operator refuses a smaller one in its status and its events only, since its webhook is off:
`pulumi up` would succeed, and nothing would change. The policy refuses it in `pulumi preview` already, which asks the
API server by a dry run.

https://www.elastic.co/docs/deploy-manage/deploy/cloud-on-k8s/volume-claim-templates
"""

from __future__ import annotations

import pulumi
from pulumi_kubernetes.admissionregistration.v1 import NamedRuleWithOperationsArgs

from components.kubernetes import admission_policy

NAME = "elasticsearch-storage"

NOT_SMALLER = (
    "object.spec.nodeSets.all(set, oldObject.spec.nodeSets.filter(before, before.name == set.name).all(before, "
    "set.?volumeClaimTemplates.orValue([]).all(claim, "
    "before.?volumeClaimTemplates.orValue([]).filter(had, had.metadata.name == claim.metadata.name).all(had, "
    "quantity(string(claim.spec.resources.requests.storage))"
    ".compareTo(quantity(string(had.spec.resources.requests.storage))) >= 0))))"
)
"""CEL: each volume of a node set that was there before requests as much storage as before, or more."""

MESSAGE = (
    "Elasticsearch's volumes cannot shrink: set logs.storageGib to their size or more; "
    "docs/logs.md says how to move to smaller ones"
)


def bind(namespace: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None) -> pulumi.Resource:
    """Creates the policy and its binding to a namespace.

    Args:
        namespace: Namespace of Elasticsearch.
        opts: Resource options of both.

    Returns:
        The binding, for `depends_on` of Elasticsearch: the policy is in force once it exists.
    """
    return admission_policy.bind(
        NAME,
        namespace=namespace,
        rules={MESSAGE: NOT_SMALLER},
        requests=NamedRuleWithOperationsArgs(
            api_groups=["elasticsearch.k8s.elastic.co"],
            api_versions=["*"],
            resources=["elasticsearches"],
            operations=["UPDATE"],
        ),
        opts=opts,
    )
