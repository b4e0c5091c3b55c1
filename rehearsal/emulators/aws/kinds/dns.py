"""Route 53 records. Hosted zones are created outside the program, so any zone id is accepted."""

from __future__ import annotations

from rehearsal.emulators.aws import rules
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import Kind, Making, taken, text

RECORD = "aws:route53/record:Record"


def _fqdn(making: Making) -> str:
    return str(making.inputs["name"]).removesuffix(".")


def _says_one_thing(making: Making) -> None:
    """https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html ."""
    if bool(making.inputs.get("records")) == bool(making.inputs.get("aliases")):
        raise AwsError("InvalidChangeBatch", "a record has either values and a TTL, or is an alias")


def _stands_beside_no_other(making: Making) -> None:
    for other in making.account.records(RECORD):
        same = _same_name(other.inputs["name"], making.inputs["name"]) and other.id != making.id
        if same and "CNAME" in (other.inputs["type"], making.inputs["type"]):
            raise AwsError(
                "InvalidChangeBatch",
                f"RRSet of type CNAME with DNS name {making.inputs['name']} is not permitted as it conflicts with "
                "other records with the same DNS name",
            )


def _same_name(one: str, other: str) -> bool:
    return one.removesuffix(".") == other.removesuffix(".")


KINDS = (
    Kind(
        type=RECORD,
        make_id=text("{zoneId}_{name}_{type}"),
        rules={
            "type": rules.one_of(
                "SOA", "A", "TXT", "NS", "CNAME", "MX", "NAPTR", "PTR", "SRV", "SPF", "AAAA", "CAA", "DS", "TLSA",
                "SSHFP", "SVCB", "HTTPS",
            ),
            "ttl": rules.between(0, 2147483647),
        },
        refusals=(
            taken(
                RECORD,
                "zoneId name type",
                "InvalidChangeBatch",
                "Tried to create resource record set [name='{name}', type='{type}'] but it already exists",
            ),
            _says_one_thing,
            _stands_beside_no_other,
        ),
        replaces=frozenset({"name", "setIdentifier", "type", "zoneId"}),
        attributes={"fqdn": _fqdn},
        tagged=False,
    ),
)  # fmt: skip
