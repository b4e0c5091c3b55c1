"""A look at the idle slot: rules of the load balancer that send the staff's requests to the preview Service.

Each rule is a path of the host's Ingress with an action and conditions by annotation. Of equal paths, the controller
keeps the order of the Ingress, so these paths come first; longer paths of other services stay before them.
https://github.com/kubernetes-sigs/aws-load-balancer-controller/blob/v3.3.0/pkg/ingress/model_build_listener_rules.go
https://kubernetes-sigs.github.io/aws-load-balancer-controller/v3.3/guide/ingress/annotations/#conditions
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from components.ingress.target_group import PREFIX
from contract.blue_green import FORWARD_ACTION, PORT_NAME, preview_service_name


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A service whose idle slot the staff can see.

    A rule has five condition values: the host, two patterns of a path prefix, the header's value, and so one range.
    There is a rule for each path and range.

    Attributes:
        service: Name of the service.
        paths: Its path prefixes.
        header: Name of the header.
        value: Its value, perhaps with the wildcards `*` and `?`.
        sources: IPv4 ranges of the staff.
    """

    service: str
    paths: Sequence[str]
    header: str
    value: str
    sources: Sequence[str]

    @property
    def actions(self) -> dict[str, str]:
        """The source range of each action, by the action's name: no Service has it, as `…-preview` is reserved."""
        return {f"{self.service}-{number}-preview": source for number, source in enumerate(self.sources, start=1)}

    @property
    def annotations(self) -> dict[str, str]:
        """The Ingress' annotations: actions and their conditions."""
        group = {"serviceName": preview_service_name(self.service), "servicePort": PORT_NAME, "weight": 100}
        action = json.dumps({"type": "forward", "forwardConfig": {"targetGroups": [group]}})
        header = {"httpHeaderName": self.header, "values": [self.value]}
        conditions = {
            name: [
                {"field": "http-header", "httpHeaderConfig": header},
                {"field": "source-ip", "sourceIpConfig": {"values": [source]}},
            ]
            for name, source in self.actions.items()
        }
        return {
            **{f"{FORWARD_ACTION}{name}": action for name in conditions},
            **{f"{PREFIX}/conditions.{name}": json.dumps(those) for name, those in conditions.items()},
        }
