"""ACM certificates, issued once their validation record is in Route 53, and Route 53 records.

The rehearsal's `certificates.json` overrides the status by domain name, e.g. for a record at another DNS provider.
Hosted zones are created outside the program, so any zone id is accepted.
https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html
https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal, TypeAlias, get_args

from pydantic import TypeAdapter, ValidationError

from rehearsal.emulators.aws.account import Account, Record, changing
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import Resource
from rehearsal.emulators.aws.properties import Properties
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout

CERTIFICATE = "aws:acm/certificate:Certificate"
RECORD = "aws:route53/record:Record"

Status: TypeAlias = Literal["ISSUED", "PENDING_VALIDATION", "VALIDATION_TIMED_OUT", "FAILED"]


def status(layout: Layout, account: Account, certificate: Record) -> str:
    """A certificate's current status.

    Raises:
        RehearsalError: `certificates.json` is malformed.
    """
    domain = str(certificate.inputs["domainName"])
    if override := _overrides(layout).get(domain):
        return override
    names = {str(record.inputs["name"]).removesuffix(".") for record in account.records(RECORD)}
    return "ISSUED" if _record_name(domain) in names else str(certificate.outputs["status"])


def _overrides(layout: Layout) -> dict[str, Status]:
    """The statuses in `certificates.json`, by domain name."""
    if not layout.certificates.exists():
        return {}
    try:
        return TypeAdapter(dict[str, Status]).validate_json(layout.certificates.read_bytes())
    except ValidationError as error:
        raise RehearsalError(
            f"{layout.certificates} is not a JSON object of domain names, each with one of "
            f"{', '.join(get_args(Status))}: {error}",
            remedy='Write {"DOMAIN": "ISSUED"} into it, or delete it.',
        ) from error


def _record_name(domain: str) -> str:
    return f"_{_digits(domain)}.{domain}"


def _digits(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def validation_options(certificate: Resource) -> list[dict[str, Any]]:
    """The validation record of each name; DOMAIN and *.DOMAIN have the same."""
    names: list[str] = [certificate.inputs["domainName"], *certificate.inputs.get("subjectAlternativeNames", [])]
    return [
        {
            "domainName": name,
            "resourceRecordName": f"{_record_name(name.removeprefix('*.'))}.",
            "resourceRecordType": "CNAME",
            "resourceRecordValue": f"_{_digits(certificate.account_id + name.removeprefix('*.'))}.acm-validations.aws.",
        }
        for name in dict.fromkeys(names)
    ]


def check_issued(validation: Resource) -> None:
    """Fails at once where the real provider waits for 75 minutes: the validation record is not in DNS."""
    certificate = validation.find(CERTIFICATE, str(validation.inputs["certificateArn"]))
    if certificate and status(validation.layout, validation.account, certificate) != "ISSUED":
        raise AwsError("Timeout", f"ACM certificate {certificate.id} is not issued: its validation record is missing")


def keep_issued(layout: Layout, record: Record, _account: Account) -> Properties:
    """Stores the status: a certificate stays issued without its validation record until its renewal."""
    with changing(layout) as account:
        certificate = account.find(CERTIFICATE, str(record.inputs["certificateArn"]))
        if certificate is not None:
            account.put(certificate.with_outputs(status="ISSUED"))
    return {}


def fqdn(record: Resource) -> str:
    """The record's name without the final dot."""
    return str(record.inputs["name"]).removesuffix(".")


def check_values(record: Resource) -> None:
    """Refuses a record with both values and an alias, or with neither."""
    if bool(record.inputs.get("records")) == bool(record.inputs.get("aliases")):
        raise AwsError("InvalidChangeBatch", "a record has either values and a TTL, or is an alias")


def check_cname(record: Resource) -> None:
    """Refuses a CNAME beside another record of the same name."""
    for other in record.account.records(RECORD):
        same = str(other.inputs["name"]).removesuffix(".") == fqdn(record) and other.id != record.id
        if same and "CNAME" in (other.inputs["type"], record.inputs["type"]):
            raise AwsError(
                "InvalidChangeBatch",
                f"RRSet of type CNAME with DNS name {record.inputs['name']} is not permitted as it conflicts with "
                "other records with the same DNS name",
            )
