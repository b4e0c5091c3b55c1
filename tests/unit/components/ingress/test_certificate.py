"""The certificate: of DOMAIN and *.DOMAIN, proved by DNS; who has no zone does it by hand, and nothing waits."""

from __future__ import annotations

import json

import pulumi
import pytest

from tests.unit.components.ingress.in_front import WITHOUT_A_ZONE, changed, with_certificates
from tests.unit.graph import Graph
from tests.unit.monitor import RefusedError, proof
from tests.unit.program import stack_of

CERTIFICATE = "aws:acm/certificate:Certificate"
VALIDATION = "aws:acm/certificateValidation:CertificateValidation"
OURS = "hello-dev-1"
DOMAIN = "dev.hello.example.com"


def kinds(graph: Graph) -> set[str]:
    return {one.kind or one.type for one in graph.resources.values()}


def test_it_is_of_the_domain_and_of_all_names_below_it(graph: Graph) -> None:
    (certificate,) = graph.of_type(CERTIFICATE)
    domain = {"dev": "dev.hello.example.com", "prod": "hello.example.com"}[stack_of(graph)]
    assert certificate.inputs["domainName"] == domain
    assert certificate.inputs["subjectAlternativeNames"] == [f"*.{domain}"]
    assert certificate.inputs["validationMethod"] == "DNS"


def test_with_a_zone_its_proof_is_entered_and_load_balancers_get_it_once_it_is_issued(known: Graph) -> None:
    (certificate,) = known.of_type(CERTIFICATE)
    wanted = proof(str(certificate.inputs["domainName"]))
    (record,) = (one for one in known.of_type("aws:route53/record:Record") if one.parent == certificate.parent)
    assert record.inputs["name"] == wanted["resourceRecordName"]
    assert record.inputs["records"] == [wanted["resourceRecordValue"]]
    assert record.inputs["zoneId"] == "Z0123456789ABCDEFGHIJ"
    (validation,) = known.of_type(VALIDATION)
    assert record.urn in known.after_all(validation)
    for one in known.of_kind("IngressClassParams"):
        assert validation.urn in known.after_all(one)
        assert one.spec["certificateArn"] == [validation.inputs["certificateArn"]]


@pytest.mark.parametrize("preview", [False, True])
def test_without_a_zone_the_first_up_makes_it_and_no_host_and_waits_for_nothing(preview: bool) -> None:
    graph = with_certificates(preview=preview)
    (certificate,) = graph.of_type(CERTIFICATE)
    assert certificate.name == OURS
    assert not {"Ingress", VALIDATION, "aws:route53/record:Record"} & kinds(graph)


def test_and_says_what_to_enter() -> None:
    (record,) = with_certificates().outputs["records"]
    assert record == {
        "name": f"_0.{DOMAIN}",
        "type": "CNAME",
        "value": "_1.acm-validations.aws",
        "why": f"proves to AWS that {DOMAIN} is yours, now and at each renewal of its certificate",
    }


def test_an_up_before_the_proof_is_seen_changes_nothing() -> None:
    again = with_certificates(("PENDING_VALIDATION", OURS))
    assert set(again.resources) == set(with_certificates().resources)


def test_an_up_after_it_is_issued_makes_the_hosts_with_the_same_certificate() -> None:
    graph = with_certificates(("ISSUED", OURS))
    (certificate,) = graph.of_type(CERTIFICATE)
    assert certificate.name == OURS
    hosts = {rule["host"] for one in graph.of_kind("Ingress") for rule in one.spec["rules"]}
    assert hosts == {DOMAIN, f"test.{DOMAIN}", f"log.{DOMAIN}"}
    for one in graph.of_kind("IngressClassParams"):
        assert certificate.urn in graph.after_all(one)
    assert not {VALIDATION, "aws:route53/record:Record"} & kinds(graph)


@pytest.mark.parametrize("status", ["VALIDATION_TIMED_OUT", "FAILED"])
def test_one_that_is_dead_is_followed_by_another_and_that_one_stays(status: str) -> None:
    (second,) = with_certificates((status, OURS)).of_type(CERTIFICATE)
    assert second.name == second.inputs["tags"]["Name"] == "hello-dev-2"
    (still,) = with_certificates(("PENDING_VALIDATION", "hello-dev-2"), (status, OURS)).of_type(CERTIFICATE)
    assert still.name == "hello-dev-2"
    (third,) = with_certificates((status, "hello-dev-2")).of_type(CERTIFICATE)
    assert third.name == "hello-dev-3"


def test_one_of_somebody_else_is_not_taken_for_ours() -> None:
    with pytest.raises(
        pulumi.RunError, match=r"did not make, arn:aws:acm:\S+: name it by loadBalancer\.certificateArn"
    ):
        with_certificates(("ISSUED", "by-hand"))


def test_another_error_of_acms_is_an_error() -> None:
    with pytest.raises(Exception, match="AccessDenied"):
        changed({"dns": WITHOUT_A_ZONE}, certificates=_Broken())


class _Broken(list[dict[str, str]]):
    def __iter__(self):  # noqa: ANN204 - raises
        raise RefusedError("AccessDeniedException: not authorized to perform: acm:ListCertificates")


def test_with_one_that_is_named_none_is_made_and_acm_is_not_asked() -> None:
    arn = "arn:aws:acm:ap-northeast-2:123456789012:certificate/0123abcd"
    load_balancer = json.dumps({"staffCidrs": ["203.0.113.0/24"], "certificateArn": arn})
    graph = changed({"dns": WITHOUT_A_ZONE, "loadBalancer": load_balancer}, certificates=_Broken())
    assert CERTIFICATE not in kinds(graph)
    assert "Ingress" in kinds(graph)
    assert {record["name"] for record in graph.outputs["records"]} == {DOMAIN, f"test.{DOMAIN}", f"log.{DOMAIN}"}
