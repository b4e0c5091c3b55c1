"""The hosts' certificate in ACM, validated by DNS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

import config
from components.ingress.dns_record import TTL_SECONDS, DnsRecord

LIVING = ("ISSUED", "PENDING_VALIDATION")
DEAD = ("VALIDATION_TIMED_OUT", "FAILED")
"""What ACM says of a certificate that it made; one that is dead never gets issued any more.

https://docs.aws.amazon.com/acm/latest/APIReference/API_CertificateDetail.html
"""

NONE_FOUND = "no ACM Certificate"
"""In the provider's words where ACM has none; any other error is one."""

NAME_TAG = "Name"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What ACM said of the certificate that this stack makes.

    Attributes:
        attempt: How often one was requested, this time included (1 or more): a dead one is followed by another.
        issued: Whether hosts can use it.
    """

    attempt: int
    issued: bool


def ask(name: str, domain: str, opts: pulumi.InvokeOptions) -> Asked:
    """Asks ACM itself, since the state knows only what was true at the last `up`.

    Args:
        name: What this stack's certificates are called, before the attempt.
        domain: The host name that they are of.
        opts: With the provider.

    Raises:
        pulumi.RunError: ACM has a certificate of the domain that this stack did not make.
    """
    for status in (*LIVING, *DEAD):
        try:
            found = aws.acm.get_certificate(
                domain=domain, statuses=[status], types=["AMAZON_ISSUED"], most_recent=True, opts=opts
            )
        except Exception as error:  # the SDK raises no other
            if NONE_FOUND in str(error):
                continue
            raise
        stem, _, attempt = (found.tags or {}).get(NAME_TAG, "").rpartition("-")
        if stem != name:
            raise pulumi.RunError(
                f"ACM has a certificate of {domain} that this stack did not make, {found.arn}: name it by "
                "loadBalancer.certificateArn, or delete it"
            )
        return Asked(attempt=int(attempt) + (status in DEAD), issued=status == "ISSUED")
    return Asked(attempt=1, issued=False)


@dataclass(frozen=True, kw_only=True)
class CertificateArgs:
    """What a `Certificate` is made from.

    Attributes:
        domain: It is of this host name and all names one level below.
        dns: Where they are looked up.
    """

    domain: str
    dns: config.Dns


class Certificate(pulumi.ComponentResource):
    """A certificate of DOMAIN and *.DOMAIN. It takes a provider of `aws`.

    With a zone the program proves that the domain is ours, and waits until ACM has seen it. Without one a person does,
    and `issued` says whether that is done.

    Attributes:
        arn: Its ARN; with a zone known once it is issued.
        issued: Whether hosts can use it.
        records: What a person has to enter for it; it stays there, since ACM looks again at each renewal.
    """

    arn: pulumi.Output[str]
    issued: bool
    records: Sequence[DnsRecord]

    def __init__(self, name: str, args: CertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Certificate", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        zone_id = args.dns.zone_id
        asked = Asked(attempt=1, issued=True) if zone_id else ask(name, args.domain, pulumi.InvokeOptions(parent=self))
        called = f"{name}-{asked.attempt}"
        made = aws.acm.Certificate(
            called,
            domain_name=args.domain,
            subject_alternative_names=[f"*.{args.domain}"],
            validation_method="DNS",
            tags={NAME_TAG: called},
            opts=child,
        )
        # One proof is for both names. https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html
        proof = made.domain_validation_options[0]
        self.issued, self.arn, self.records = asked.issued, made.arn, []
        if zone_id:
            record = aws.route53.Record(
                name,
                zone_id=zone_id,
                name=proof.resource_record_name,
                type=proof.resource_record_type,
                records=[proof.resource_record_value],
                ttl=TTL_SECONDS,
                # It is the same for each certificate of this name in this account.
                allow_overwrite=True,
                opts=child,
            )
            validated = aws.acm.CertificateValidation(
                called, certificate_arn=made.arn, validation_record_fqdns=[record.fqdn], opts=child
            )
            self.arn = validated.certificate_arn
        else:
            self.records = [
                DnsRecord(
                    name=proof.resource_record_name.apply(_without_dot),
                    type="CNAME",
                    value=proof.resource_record_value.apply(_without_dot),
                    why=f"proves to AWS that {args.domain} is yours, now and at each renewal of its certificate",
                )
            ]
        self.register_outputs({"arn": self.arn, "issued": self.issued})


def _without_dot(name: str) -> str:
    return name.removesuffix(".")
