"""The emulated data sources (Pulumi invokes)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rehearsal.emulators.aws.account import Account
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kinds import certificates
from rehearsal.emulators.aws.lifecycle import Caller
from rehearsal.emulators.aws.properties import Properties
from rehearsal.errors import RehearsalError


def _certificate(caller: Caller, arguments: Properties) -> Properties:
    """The newest certificate of a domain name with one of the given statuses.

    https://github.com/hashicorp/terraform-provider-aws/blob/v6.0.0/internal/service/acm/certificate_data_source.go
    """
    account = Account.load(caller.layout)
    domain = arguments.get("domain")
    wanted = arguments.get("statuses") or ["ISSUED"]
    found = [
        record
        for record in account.records(certificates.CERTIFICATE)
        if record.inputs["domainName"] == domain and certificates.status(caller.layout, account, record) in wanted
    ]
    if not found:
        raise AwsError("NotFound", f"no ACM Certificate matching domain ({domain})")
    return {
        **arguments,
        "arn": found[-1].id,
        "certificate": "",
        "certificateChain": "",
        "id": found[-1].id,
        "region": caller.region,
        "status": certificates.status(caller.layout, account, found[-1]),
        "tags": found[-1].outputs["tagsAll"],
    }


LOAD_BALANCER_ZONES = {
    "ap-northeast-1": "Z14GRHDCWA56QT",
    "ap-northeast-2": "ZWKZPGTI48KDX",
    "eu-central-1": "Z215JYRZR1TBD5",
    "eu-west-1": "Z32O12XQLNTSW2",
    "us-east-1": "Z35SXDOTRQ7X7K",
    "us-west-2": "Z1H1FL5HABSF5",
}
"""Hosted zone ids of Application Load Balancers by region. https://docs.aws.amazon.com/general/latest/gr/elb.html ."""


def _load_balancer_zone(caller: Caller, arguments: Properties) -> Properties:
    region = str(arguments.get("region") or caller.region)
    if region not in LOAD_BALANCER_ZONES:
        raise RehearsalError(
            f"the aws stand-in does not know the zone of load balancers in {region}",
            remedy="Add it to LOAD_BALANCER_ZONES in rehearsal/emulators/aws/invokes.py.",
        )
    return {**arguments, "id": LOAD_BALANCER_ZONES[region], "region": region}


INVOKES: Mapping[str, Callable[[Caller, Properties], Any]] = {
    "aws:acm/getCertificate:getCertificate": _certificate,
    "aws:lb/getHostedZoneId:getHostedZoneId": _load_balancer_zone,
}


def answer(token: str, caller: Caller, arguments: Properties) -> Properties:
    """A data source's result.

    Raises:
        AwsError: AWS refuses the request.
        RehearsalError: The emulator lacks the data source or its value.
    """
    if token not in INVOKES:
        raise RehearsalError(
            f"the aws stand-in has no data source {token}",
            remedy="Add it to INVOKES in rehearsal/emulators/aws/invokes.py.",
        )
    return INVOKES[token](caller, arguments)
