"""The load balancer's target groups, by their TargetGroupBindings.

The AWS Load Balancer Controller makes one for each Service behind an Ingress.
https://kubernetes-sigs.github.io/aws-load-balancer-controller/v3.3/guide/targetgroupbinding/targetgroupbinding/
"""

from __future__ import annotations

from collections.abc import Collection

from release.objects import ObjectReader


def target_groups(api: ObjectReader, environment: str, services: Collection[str]) -> dict[str, list[str]]:
    """ARNs of the target groups that lead to some Services, by the Service's name; those without any are missing.

    Raises:
        KubernetesApiError: The API server refused, or did not answer.
    """
    found: dict[str, list[str]] = {}
    for binding in api.list("elbv2.k8s.aws/v1beta1", "TargetGroupBinding", namespace=environment):
        name = str(binding["spec"]["serviceRef"]["name"])
        if name in services and (arn := binding["spec"].get("targetGroupARN")):
            found.setdefault(name, []).append(str(arn))
    return found
