"""The admission policy on updates of Elasticsearch and Kibana: volumes do not shrink, versions do not go back.

A volume cannot shrink, and neither program starts with data that a newer version has written. The operator refuses both
in its webhook, which is off. Without it, it only reports a smaller volume, and replaces pods by ones of an earlier
version, which do not start. The policy refuses both in `pulumi preview` already, which asks the API server to try them.

https://www.elastic.co/docs/deploy-manage/deploy/cloud-on-k8s/volume-claim-templates
https://www.elastic.co/docs/deploy-manage/upgrade/deployment-or-cluster
https://github.com/elastic/cloud-on-k8s/blob/v3.5.0/pkg/controller/elasticsearch/validation/validations.go
"""

from __future__ import annotations

import pulumi
from pulumi_kubernetes.admissionregistration.v1 import NamedRuleWithOperationsArgs

from components.kubernetes import admission_policy

NAME = "elastic-updates"

NOT_SMALLER = (
    "object.spec.?nodeSets.orValue([]).all(set, oldObject.spec.nodeSets.filter(before, before.name == set.name)"
    ".all(before, set.?volumeClaimTemplates.orValue([]).all(claim, "
    "before.?volumeClaimTemplates.orValue([]).filter(had, had.metadata.name == claim.metadata.name).all(had, "
    "quantity(string(claim.spec.resources.requests.storage))"
    ".compareTo(quantity(string(had.spec.resources.requests.storage))) >= 0))))"
)
"""CEL: each volume of a node set that was there before requests as much storage as before, or more."""

ANYWAY = "eck.k8s.elastic.co/disable-downgrade-validation"
"""The operator's annotation for an upgrade that no pod has begun, such as one to an image that does not exist.

https://github.com/elastic/cloud-on-k8s/blob/v3.5.0/pkg/apis/common/v1/common.go
"""

NOT_OLDER = (
    f'object.metadata.?annotations["{ANYWAY}"].orValue("") == "true" || '
    "semver(object.spec.version).compareTo(semver(oldObject.spec.version)) >= 0"
)
"""CEL: the version is that from before, or a newer one."""

RULES = {
    "Elasticsearch's volumes cannot shrink: set logs.storageGib to their size or more; "
    "docs/logs.md says how to move to smaller ones": NOT_SMALLER,
    "Elasticsearch and Kibana cannot go back to an earlier version: check out the one that runs; "
    "docs/logs.md says how to restore a snapshot from before the upgrade": NOT_OLDER,
}
"""CEL expressions by the message of a refusal."""


def bind(namespace: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None) -> pulumi.Resource:
    """Creates the policy and its binding to a namespace.

    Args:
        namespace: Namespace of Elasticsearch.
        opts: Resource options of both.

    Returns:
        The binding, for `depends_on` of Elasticsearch and Kibana: the policy is in force once it exists.
    """
    return admission_policy.bind(
        NAME,
        namespace=namespace,
        rules=RULES,
        requests=NamedRuleWithOperationsArgs(
            api_groups=["elasticsearch.k8s.elastic.co", "kibana.k8s.elastic.co"],
            api_versions=["*"],
            resources=["elasticsearches", "kibanas"],
            operations=["UPDATE"],
        ),
        opts=opts,
    )
