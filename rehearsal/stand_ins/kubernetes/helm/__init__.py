"""The Helm charts that the stand-in has: what of them stands in the cluster. To add one, add its module below.

A chart's templates are not rendered: a stand-in has the chart's names and the program's replicas, requests, placement
and labels, so that scheduling, quota and order are real.
"""

from __future__ import annotations

from rehearsal.errors import RehearsalError
from rehearsal.stand_ins.kubernetes.helm import aws_load_balancer_controller, cluster_autoscaler, eck_operator, jenkins
from rehearsal.stand_ins.kubernetes.helm.chart import Chart

CHARTS: dict[str, Chart] = {
    module.CHART.name: module.CHART
    for module in (aws_load_balancer_controller, cluster_autoscaler, eck_operator, jenkins)
}


def chart(name: str, repository: str | None) -> Chart:
    """The chart of a name, from its repository.

    Raises:
        RehearsalError: The stand-in has no such chart, or the repository has not.
    """
    if name not in CHARTS:
        raise RehearsalError(
            f"the stand-in for the kubernetes provider has no chart {name}",
            remedy="Add a module for it to rehearsal/stand_ins/kubernetes/helm/, or install the real plugin: "
            "pulumi plugin install resource kubernetes",
        )
    found = CHARTS[name]
    if repository is None or repository.rstrip("/") != found.repository:
        raise RehearsalError(
            f"the chart {name} is not to be had from {repository or 'no repository'}",
            remedy=f"Give repositoryOpts.repo: {found.repository}",
        )
    return found
