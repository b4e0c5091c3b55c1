"""ACM certificates, issued once their validation record is in Route 53.

The rehearsal's `certificates.json` overrides the status by domain name, e.g. for a record at another DNS provider.
https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from rehearsal.emulators.aws import dependencies, rules
from rehearsal.emulators.aws.account import Account, Record, changing
from rehearsal.emulators.aws.api import Api, Call
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import Kind, Making, Reference, Refusal, answered, text
from rehearsal.emulators.aws.kinds.dns import RECORD
from rehearsal.emulators.aws.properties import Properties
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout

CERTIFICATE = "aws:acm/certificate:Certificate"

STATUSES = ("ISSUED", "PENDING_VALIDATION", "VALIDATION_TIMED_OUT", "FAILED")


def told(layout: Layout) -> dict[str, str]:
    """The statuses in `certificates.json`, by domain name.

    Raises:
        RehearsalError: The file is malformed.
    """
    try:
        table: dict[str, str] = dict(json.loads(layout.certificates.read_text()))
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError) as error:
        raise _no_table(layout, str(error)) from error
    odd = [f"{domain}: {status}" for domain, status in table.items() if status not in STATUSES]
    if odd:
        raise _no_table(layout, f"{', '.join(odd)}: a status is one of {', '.join(STATUSES)}")
    return table


def status(layout: Layout, account: Account, certificate: Record) -> str:
    """A certificate's current status.

    Raises:
        RehearsalError: `certificates.json` is malformed.
    """
    domain = str(certificate.inputs["domainName"])
    said = told(layout).get(domain)
    if said is not None:
        return said
    if _proof(domain, account.records(RECORD)):
        return "ISSUED"
    return str(certificate.outputs["status"])


def _proof(domain: str, records: tuple[Record, ...]) -> bool:
    wanted = _record_name(domain)
    return any(str(record.inputs["name"]).removesuffix(".") == wanted.removesuffix(".") for record in records)


def _record_name(domain: str) -> str:
    return f"_{_digits(domain)}.{domain}."


def _digits(text_: str) -> str:
    return hashlib.sha256(text_.encode()).hexdigest()[:32]


def _options(making: Making) -> list[dict[str, Any]]:
    """The validation record of each name; DOMAIN and *.DOMAIN have the same."""
    names: list[str] = [making.inputs["domainName"], *making.inputs.get("subjectAlternativeNames", [])]
    return [
        {
            "domainName": name,
            "resourceRecordName": _record_name(name.removeprefix("*.")),
            "resourceRecordType": "CNAME",
            "resourceRecordValue": f"_{_digits(making.account_id + name.removeprefix('*.'))}.acm-validations.aws.",
        }
        for name in dict.fromkeys(names)
    ]


def _is_issued(making: Making) -> None:
    """Fails at once where the real provider waits for 75 minutes: the validation record is not in DNS."""
    certificate = making.find(CERTIFICATE, str(making.inputs["certificateArn"]))
    if certificate and status(making.layout, making.account, certificate) != "ISSUED":
        raise AwsError("Timeout", f"ACM certificate {certificate.id} is not issued: its proof is not in DNS")


def _stays_issued(layout: Layout, record: Record, _account: Account) -> Properties:
    """Stores the status: a certificate stays issued without its validation record until its renewal."""
    with changing(layout) as account:
        certificate = account.find(CERTIFICATE, str(record.inputs["certificateArn"]))
        if certificate is not None:
            account.put(certificate.with_outputs(status="ISSUED"))
    return {}


def _no_table(layout: Layout, why: str) -> RehearsalError:
    return RehearsalError(
        f"{layout.certificates} is no table of certificates: {why}",
        remedy='write {"DOMAIN": "ISSUED"} into it, or delete it.',
    )


KINDS = (
    Kind(
        type=CERTIFICATE,
        make_id=answered("CertificateArn"),
        api=Api("acm", Call("request_certificate"), deletes=(Call("delete_certificate"),), key="CertificateArn"),
        deletion_refusals=(dependencies.refuse_certificate,),
        arn="{id}",
        rules={
            "validationMethod": rules.one_of("DNS", "EMAIL", "NONE"),
            "domainName": rules.pattern(
                r"(\*\.)?(([A-Za-z0-9-]{0,62}[A-Za-z0-9])\.)+([A-Za-z0-9-]{1,62}[A-Za-z0-9])",
                "ValidationException",
                "The domain name {value} is not valid",
            ),
        },
        replaces=frozenset({"domainName", "keyAlgorithm", "subjectAlternativeNames", "validationMethod"}),
        attributes={"domainValidationOptions": _options, "status": lambda _: "PENDING_VALIDATION"},
    ),
    Kind(
        type="aws:acm/certificateValidation:CertificateValidation",
        make_id=text("{certificateArn}"),
        references=(
            Reference(
                "certificateArn",
                CERTIFICATE,
                by="arn",
                missing=Refusal("ResourceNotFoundException", "Could not find certificate {value}."),
                follows=True,
            ),
        ),
        refusals=(_is_issued,),
        converge=_stays_issued,
        replaces=frozenset({"certificateArn", "validationRecordFqdns"}),
        tagged=False,
    ),
)
