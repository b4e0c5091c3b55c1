"""One service in one environment: two slots, and the Services that choose between them.

`component` makes the objects; the other files say what is in them.
"""

from components.workload.blue_green.component import BlueGreen, BlueGreenArgs

__all__ = ["BlueGreen", "BlueGreenArgs"]
