"""One service in one environment: two Deployments, the slots `blue` and `green`, and Services that select one of them.

`component` registers the resources; the other modules compute their specs.
"""

from components.workload.blue_green.component import BlueGreen, BlueGreenArgs

__all__ = ["BlueGreen", "BlueGreenArgs"]
