"""The ACM certificate of all hosts, validated by DNS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

import config
from components.ingress.dns_record import TTL_SECONDS, DnsRecord

USABLE = ("ISSUED", "PENDING_VALIDATION")
ENDED = ("VALIDATION_TIMED_OUT", "FAILED")
"""Statuses of ACM. A certificate with an ended status will never be issued.

https://docs.aws.amazon.com/acm/latest/APIReference/API_CertificateDetail.html
"""

NOT_FOUND = "no ACM Certificate"
"""Part of the provider's error message when no certificate matches."""

NAME_TAG = "Name"


@dataclass(frozen=True, kw_only=True)
class Request:
    """The stack's current certificate request in ACM.

    Attributes:
        attempt: Its number (1 or more): a request that ended without a certificate is followed by another one.
        issued: Whether the certificate is issued.
    """

    attempt: int
    issued: bool


def current_request(
    name: str, *, domain: str, dns: config.Dns, configured_arn: str | None, opts: pulumi.InvokeOptions
) -> Request:
    """The certificate request of this run: looked up in ACM, since the state would be as old as the last `pulumi up`.

    With a Route 53 zone or a configured certificate there is nothing to look up.

    Args:
        name: Prefix of the tag `Name` on this stack's certificates; the number of the attempt follows it.
        domain: Domain name of the certificate.
        dns: DNS zone of the domain.
        configured_arn: ARN of an existing certificate; None if the stack requests one.
        opts: Invoke options with a provider that does not wait for the end of the program.

    Raises:
        pulumi.RunError: ACM has a certificate for the domain that does not belong to this stack.
    """
    if dns.zone_id or configured_arn:
        return Request(attempt=1, issued=True)
    for status in (*USABLE, *ENDED):
        try:
            certificate = aws.acm.get_certificate(
                domain=domain, statuses=[status], types=["AMAZON_ISSUED"], most_recent=True, opts=opts
            )
        except Exception as error:  # the SDK raises no other
            if NOT_FOUND in str(error):
                continue
            raise
        prefix, _, attempt = (certificate.tags or {}).get(NAME_TAG, "").rpartition("-")
        if prefix != name:
            raise pulumi.RunError(
                f"ACM has a certificate for {domain} that does not belong to this stack, {certificate.arn}: set "
                "loadBalancer.certificateArn to it, or delete it"
            )
        return Request(attempt=int(attempt) + (status in ENDED), issued=status == "ISSUED")
    return Request(attempt=1, issued=False)


@dataclass(frozen=True, kw_only=True)
class CertificateArgs:
    """Arguments of `Certificate`.

    Attributes:
        domain: DOMAIN.
        dns: DNS zone of DOMAIN.
        request: The request of this run, by `current_request`.
    """

    domain: str
    dns: config.Dns
    request: Request


class Certificate(pulumi.ComponentResource):
    """ACM certificate for DOMAIN and *.DOMAIN. Needs an `aws` provider in its options.

    With a Route 53 zone, the program creates the validation record and waits until the certificate is issued. Without
    one, a person creates the record, and a later `pulumi up` finds the certificate issued.

    Attributes:
        arn: ARN of the certificate; with a Route 53 zone, resolved once it is issued.
        issued: Whether it is issued, or will be before `arn` resolves.
        records: DNS records to create by hand and keep: ACM checks them again at each renewal.
    """

    arn: pulumi.Output[str]
    issued: bool
    records: Sequence[DnsRecord]

    def __init__(self, name: str, args: CertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Certificate", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        zone_id = args.dns.zone_id
        certificate_name = f"{name}-{args.request.attempt}"
        certificate = aws.acm.Certificate(
            certificate_name,
            domain_name=args.domain,
            subject_alternative_names=[f"*.{args.domain}"],
            validation_method="DNS",
            tags={NAME_TAG: certificate_name},
            opts=child,
        )
        # Both names have the same validation record. https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html
        validation_record = certificate.domain_validation_options[0]
        self.issued, self.arn, self.records = args.request.issued, certificate.arn, []
        if zone_id:
            record = aws.route53.Record(
                name,
                zone_id=zone_id,
                name=validation_record.resource_record_name,
                type=validation_record.resource_record_type,
                records=[validation_record.resource_record_value],
                ttl=TTL_SECONDS,
                # Each certificate for the same domain in the account has the same record.
                allow_overwrite=True,
                opts=child,
            )
            validation = aws.acm.CertificateValidation(
                certificate_name, certificate_arn=certificate.arn, validation_record_fqdns=[record.fqdn], opts=child
            )
            self.arn = validation.certificate_arn
        else:
            self.records = [
                DnsRecord(
                    name=validation_record.resource_record_name.apply(_without_dot),
                    type="CNAME",
                    value=validation_record.resource_record_value.apply(_without_dot),
                    why=f"proves to AWS that {args.domain} is yours, now and at each renewal of its certificate",
                )
            ]
        self.register_outputs({"arn": self.arn, "issued": self.issued})


def _without_dot(name: str) -> str:
    return name.removesuffix(".")
