"""The certificate of DOMAIN and *.DOMAIN: validated in Route 53, or by hand without a zone there."""

from __future__ import annotations

import json

import pulumi
import pytest

from tests.unit.components.ingress.in_front import WITHOUT_A_ZONE, changed, with_certificates
from tests.unit.program import stack_of
from tools.program.graph import Graph
from tools.program.monitor import RefusedError, proof

CERTIFICATE = "aws:acm/certificate:Certificate"
VALIDATION = "aws:acm/certificateValidation:CertificateValidation"
FIRST = "hello-dev-1"
DOMAIN = "dev.hello.example.com"


def kinds(graph: Graph) -> set[str]:
    return {one.kind or one.type for one in graph.resources.values()}


def test_it_is_for_the_domain_and_its_subdomains(graph: Graph) -> None:
    (certificate,) = graph.of_type(CERTIFICATE)
    domain = {"dev": "dev.hello.example.com", "prod": "hello.example.com"}[stack_of(graph)]
    assert certificate.inputs["domainName"] == domain
    assert certificate.inputs["subjectAlternativeNames"] == [f"*.{domain}"]
    assert certificate.inputs["validationMethod"] == "DNS"


def test_with_a_zone_load_balancers_depend_on_the_validated_certificate(known: Graph) -> None:
    (certificate,) = known.of_type(CERTIFICATE)
    validation_record = proof(str(certificate.inputs["domainName"]))
    (record,) = (one for one in known.of_type("aws:route53/record:Record") if one.parent == certificate.parent)
    assert record.inputs["name"] == validation_record["resourceRecordName"]
    assert record.inputs["records"] == [validation_record["resourceRecordValue"]]
    assert record.inputs["zoneId"] == "Z0123456789ABCDEFGHIJ"
    (validation,) = known.of_type(VALIDATION)
    assert record.urn in known.after_all(validation)
    for one in known.of_kind("IngressClassParams"):
        assert validation.urn in known.after_all(one)
        assert one.spec["certificateArn"] == [validation.inputs["certificateArn"]]


@pytest.mark.parametrize("preview", [False, True])
def test_without_a_zone_the_first_up_requests_it_and_creates_no_host(preview: bool) -> None:
    graph = with_certificates(preview=preview)
    (certificate,) = graph.of_type(CERTIFICATE)
    assert certificate.name == FIRST
    assert not {"Ingress", VALIDATION, "aws:route53/record:Record"} & kinds(graph)


def test_without_a_zone_the_validation_record_is_an_output() -> None:
    (record,) = with_certificates().outputs["records"]
    assert record == {
        "name": f"_0.{DOMAIN}",
        "type": "CNAME",
        "value": "_1.acm-validations.aws",
        "why": f"proves to AWS that {DOMAIN} is yours, now and at each renewal of its certificate",
    }


def test_an_up_before_the_validation_changes_nothing() -> None:
    again = with_certificates(("PENDING_VALIDATION", FIRST))
    assert set(again.resources) == set(with_certificates().resources)


def test_an_up_after_the_validation_creates_the_hosts() -> None:
    graph = with_certificates(("ISSUED", FIRST))
    (certificate,) = graph.of_type(CERTIFICATE)
    assert certificate.name == FIRST
    hosts = {rule["host"] for one in graph.of_kind("Ingress") for rule in one.spec["rules"]}
    assert hosts == {DOMAIN, f"test.{DOMAIN}", f"log.{DOMAIN}"}
    for one in graph.of_kind("IngressClassParams"):
        assert certificate.urn in graph.after_all(one)
    assert not {VALIDATION, "aws:route53/record:Record"} & kinds(graph)


@pytest.mark.parametrize("status", ["VALIDATION_TIMED_OUT", "FAILED"])
def test_a_failed_certificate_is_followed_by_another_one(status: str) -> None:
    (second,) = with_certificates((status, FIRST)).of_type(CERTIFICATE)
    assert second.name == second.inputs["tags"]["Name"] == "hello-dev-2"
    (pending,) = with_certificates(("PENDING_VALIDATION", "hello-dev-2"), (status, FIRST)).of_type(CERTIFICATE)
    assert pending.name == "hello-dev-2"
    (third,) = with_certificates((status, "hello-dev-2")).of_type(CERTIFICATE)
    assert third.name == "hello-dev-3"


def test_a_certificate_of_another_stack_is_refused() -> None:
    with pytest.raises(
        pulumi.RunError, match=r"does not belong to this stack, arn:aws:acm:\S+: set loadBalancer\.certificateArn"
    ):
        with_certificates(("ISSUED", "by-hand"))


def test_other_errors_of_acm_are_raised() -> None:
    with pytest.raises(Exception, match="AccessDenied"):
        changed({"dns": WITHOUT_A_ZONE}, certificates=_Broken())


class _Broken(list[dict[str, str]]):
    def __iter__(self):  # noqa: ANN204 - raises
        raise RefusedError("AccessDeniedException: not authorized to perform: acm:ListCertificates")


def test_with_a_configured_certificate_none_is_requested() -> None:
    arn = "arn:aws:acm:ap-northeast-2:123456789012:certificate/0123abcd"
    load_balancer = json.dumps({"staffCidrs": ["203.0.113.0/24"], "certificateArn": arn})
    graph = changed({"dns": WITHOUT_A_ZONE, "loadBalancer": load_balancer}, certificates=_Broken())
    assert CERTIFICATE not in kinds(graph)
    assert "Ingress" in kinds(graph)
    assert {record["name"] for record in graph.outputs["records"]} == {DOMAIN, f"test.{DOMAIN}", f"log.{DOMAIN}"}
