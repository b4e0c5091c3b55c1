"""Route 53 records. Hosted zones are created outside the program, so any zone id is accepted.

https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html
"""

from __future__ import annotations

from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import Kind, Resource, text, unique

RECORD = "aws:route53/record:Record"


def _fqdn(record: Resource) -> str:
    return str(record.inputs["name"]).removesuffix(".")


def _check_values(record: Resource) -> None:
    if bool(record.inputs.get("records")) == bool(record.inputs.get("aliases")):
        raise AwsError("InvalidChangeBatch", "a record has either values and a TTL, or is an alias")


def _check_cname(record: Resource) -> None:
    for other in record.account.records(RECORD):
        same = str(other.inputs["name"]).removesuffix(".") == _fqdn(record) and other.id != record.id
        if same and "CNAME" in (other.inputs["type"], record.inputs["type"]):
            raise AwsError(
                "InvalidChangeBatch",
                f"RRSet of type CNAME with DNS name {record.inputs['name']} is not permitted as it conflicts with "
                "other records with the same DNS name",
            )


KINDS = (
    Kind(
        type=RECORD,
        make_id=text("{zoneId}_{name}_{type}"),
        checks=(
            unique(
                RECORD,
                "zoneId name type",
                "InvalidChangeBatch",
                "Tried to create resource record set [name='{name}', type='{type}'] but it already exists",
            ),
            _check_values,
            _check_cname,
        ),
        attributes={"fqdn": _fqdn},
        tagged=False,
    ),
)  # fmt: skip
