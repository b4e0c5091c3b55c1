"""buildkitd as its pod, called by an agent as its pod, with the pipelines' commands and the program's certificates."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from components.delivery.jenkins.buildkit import CACHE_MEGABYTES
from contract import signatures
from pipelines import certificates
from tests.delivery.agents import InPod
from tests.delivery.buildkit import Daemon
from tests.delivery.conftest import dev
from tests.delivery.ecr import INDEX, LOGIN
from tests.delivery.runtime import run
from tests.delivery.workshop import DOCKERFILE, SERVICE, Site, Source, source
from tests.http_server import Answer, Request, answering

VERSION = '["/bin/busybox", "grep", "-q", "version", "/www/index.html"]'
HEALTH = '["/bin/busybox", "grep", "-q", "^ok", "/www/api/healthcheck"]'
assert f"RUN {VERSION}" in DOCKERFILE
assert f"RUN {HEALTH}" in DOCKERFILE

FAILED = (
    'error: failed to solve: process "/bin/busybox grep -q ^ok /www/api/healthcheck" did not complete successfully: '
    "exit code: 1"
)
LONG = "a step that is long"


@pytest.fixture
def agent(site: Site, tmp_path: Path) -> Iterator[InPod]:
    with site.agent(tmp_path / "agent") as running:
        yield running


def told(site: Site, agent: InPod, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """What a command writes in an agent, with the variables of a build."""
    command = agent.command(list(words), {**site.delivery.variables, "SERVICE": SERVICE, **variables})
    return subprocess.run(command, capture_output=True, text=True, check=False)


def stage(site: Site, agent: InPod, name: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """What a stage writes, which goes well."""
    found = told(site, agent, "sh", "-ec", f'"$PIPELINES/{name}.sh"', **variables)
    assert found.returncode == 0, found.stderr
    return found


def cached(built: subprocess.CompletedProcess[str], instruction: str) -> bool:
    """Whether a build had a step's layer, and did not run it."""
    lines = built.stderr.splitlines()
    (number,) = {line.split()[0] for line in lines if line.endswith(f"RUN {instruction}")}
    return f"{number} CACHED" in lines


def ran_long(built: subprocess.CompletedProcess[str]) -> bool:
    """Whether a build ran the step that says `LONG`: a layer from elsewhere is pulled, and not called cached."""
    return any(re.fullmatch(rf"#\d+ \d+\.\d+ {LONG}", line) for line in built.stderr.splitlines())


def test_the_daemon_has_the_rights_of_its_pod_and_no_more(site: Site) -> None:
    status = site.buildkitd.container.execute("cat", "/proc/1/status").stdout
    values = {name: value.split() for name, _, value in (line.partition(":") for line in status.splitlines())}
    assert values["Name"] == ["rootlesskit"]
    assert set(values["Uid"]) == {"1000"}
    assert int(values["CapBnd"][0], 16) == 1 << 6 | 1 << 7, "SETGID and SETUID"
    users = site.buildkitd.container.execute("sh", "-c", "cat /proc/$(pidof buildkitd)/uid_map").stdout.split()
    assert users == ["0", "1000", "1", "1", "100000", "65536"], "its root is nobody's root"


def test_the_daemon_collects_its_garbage_before_its_volume_is_full(site: Site, agent: InPod) -> None:
    found = told(site, agent, "sh", "-ec", 'buildctl --tlsdir "$BUILDKIT_TLS" debug workers --verbose')
    assert f"{CACHE_MEGABYTES // 1000}GB" in found.stdout.replace(" ", ""), found.stdout


def test_an_agent_is_answered_by_the_daemon_of_its_variables(site: Site, agent: InPod) -> None:
    found = told(site, agent, "sh", "-ec", 'buildctl --tlsdir "$BUILDKIT_TLS" debug workers')
    assert found.returncode == 0, found.stderr
    assert "linux/" in found.stdout


@pytest.mark.parametrize("shown", ["nothing", "only the authority", "another authority's", "the daemon's own"])
def test_who_shows_no_clients_certificate_of_the_authority_is_not_answered(
    site: Site, agent: InPod, shown: str
) -> None:
    ours, others = site.delivery.secrets, dev().secrets
    files = {
        "another authority's": {**others["buildkit-client"], "ca.pem": ours["buildkit-client"]["ca.pem"]},
        "the daemon's own": ours["buildkitd-server"],
    }.get(shown)
    for name, text in (files or {}).items():
        (agent.workspace / name).write_text(text, encoding="utf-8")
    flags = {
        "nothing": [],
        "only the authority": ["--tlscacert", "/etc/buildkit/ca.pem"],
    }.get(shown, ["--tlsdir", "."])
    found = told(site, agent, "buildctl", *flags, "--timeout", "3", "debug", "workers")
    assert found.returncode, found.stdout
    assert "linux/" not in found.stdout


def test_an_agent_does_not_trust_a_daemon_of_another_authority(site: Site, agent: InPod) -> None:
    other = certificates.new_certificates(datetime.now(UTC))
    ours = site.delivery.secrets["buildkit-client"]
    for name, text in {**ours, "ca.pem": other["ca"]}.items():
        (agent.workspace / name).write_text(text, encoding="utf-8")
    found = told(site, agent, "buildctl", "--tlsdir", ".", "--timeout", "3", "debug", "workers")
    assert found.returncode
    assert "unknown authority" in found.stderr


def test_renewed_certificates_bring_another_pod_which_agents_of_before_do_not_reach_and_new_ones_do(
    site: Site, repository: Source, tmp_path: Path
) -> None:
    renewed = dev()
    assert renewed.annotations != site.delivery.annotations, "the Deployment rolls its pod"
    host, authority = site.ecr.host, site.ecr.authority.read_text(encoding="utf-8")
    repository.commit("after the renewal")
    with Daemon(renewed, site.network, host, authority, tmp_path / "daemon") as daemon:
        before, after = replace(site, buildkitd=daemon), replace(site, delivery=renewed, buildkitd=daemon)
        with before.agent(tmp_path / "before") as agent:
            found = told(before, agent, "sh", "-ec", 'buildctl --tlsdir "$BUILDKIT_TLS" --timeout 3 debug workers')
            assert found.returncode
            assert "unknown authority" in found.stderr
        with after.agent(tmp_path / "after") as agent:
            repository.check_out(agent.workspace)
            stage(after, agent, "build")


def test_what_was_built_is_tested_and_pushed_from_its_layers(site: Site, agent: InPod, repository: Source) -> None:
    commit = repository.commit("1")
    repository.check_out(agent.workspace)
    assert not cached(stage(site, agent, "build"), VERSION)
    tested = stage(site, agent, "test")
    assert cached(tested, VERSION)
    assert not cached(tested, HEALTH)
    image = stage(site, agent, "push").stdout
    name = site.delivery.variables["REGISTRY"].partition("/")[2]
    digest, _, _ = site.ecr.manifest(f"{name}/{SERVICE}", f"commit-{commit}")
    assert image == f"{site.delivery.variables['REGISTRY']}/{SERVICE}@{digest}"
    assert site.ecr.configuration(f"{name}/{SERVICE}", digest)["Labels"] == {
        "org.opencontainers.image.revision": commit
    }
    assert site.ecr.complaints(site.delivery.repositories) == []


def test_an_image_is_pushed_with_its_provenance_and_the_gate_judges_the_image(
    site: Site, agent: InPod, repository: Source
) -> None:
    commit = repository.commit("with provenance")
    repository.check_out(agent.workspace)
    image = stage(site, agent, "push", PROVENANCE="true").stdout
    name = f"{site.delivery.variables['REGISTRY'].partition('/')[2]}/{SERVICE}"
    digest, text, kind = site.ecr.manifest(name, f"commit-{commit}")
    assert (image.rpartition("@")[2], kind) == (digest, INDEX)
    real, attestation = json.loads(text)["manifests"]
    assert attestation["annotations"]["vnd.docker.reference.digest"] == real["digest"]
    (layer,) = json.loads(site.ecr.manifest(name, attestation["digest"])[1])["layers"]
    assert layer["annotations"]["in-toto.io/predicate-type"].startswith("https://slsa.dev/provenance/")
    assert site.ecr.complaints(site.delivery.repositories) == []
    judged = stage(site, agent, "scan", IMAGE=image)
    assert "nothing that counts" in judged.stderr


def test_an_image_is_signed_in_cosigns_form_and_not_twice(site: Site, agent: InPod, repository: Source) -> None:
    repository.commit("signed")
    repository.check_out(agent.workspace)
    image = stage(site, agent, "push", PROVENANCE="true").stdout
    url, _, digest = image.partition("@")
    stage(site, agent, "sign", IMAGE=image)
    name = url.partition("/")[2]
    signature, text, _ = site.ecr.manifest(name, signatures.tag(digest))
    (layer,) = json.loads(text)["layers"]
    payload = site.ecr.blob(name, layer["digest"])
    assert json.loads(payload)["critical"] == {
        "identity": {"docker-reference": url},
        "image": {"docker-manifest-digest": digest},
        "type": "cosign container image signature",
    }
    assert site.kms is not None
    site.kms.public_key.verify(
        base64.b64decode(layer["annotations"][signatures.ANNOTATION]), payload, ec.ECDSA(hashes.SHA256())
    )
    assert site.ecr.complaints(site.delivery.repositories) == []
    assert "is signed" in stage(site, agent, "sign", IMAGE=image).stderr
    assert site.ecr.manifest(name, signatures.tag(digest))[0] == signature


def test_a_step_of_a_build_reaches_package_sources_on_port_80_and_nothing_on_other_ports(
    site: Site, agent: InPod, repository: Source
) -> None:
    """As `apt-get` does, by plain HTTP, under the rule of the daemon's NetworkPolicy."""
    (policy,) = (one for one in site.delivery.graph.of_kind("NetworkPolicy") if one.metadata["name"] == "buildkitd")
    (rule,) = policy.inputs["spec"]["egress"]
    ports = [int(one["port"]) for one in rule["ports"]]
    assert ports == [80, 443]
    asked = list[str]()

    def answer(request: Request) -> Answer:
        asked.append(request.path)
        return Answer(200, b"packages")

    with answering(answer, (site.network.gateway, 80)), answering(answer, (site.network.gateway, 8081)):
        for port, path in ((80, "/debian/dists/"), (8081, "/elsewhere/")):
            request = f"printf 'GET {path} HTTP/1.0\\r\\n\\r\\n'"
            connection = f"/bin/busybox nc -w 3 {site.network.gateway} {port}"
            command = f"{request} | {connection} | /bin/busybox grep -q packages"
            step = f'RUN ["/bin/busybox", "sh", "-c", {json.dumps(command)}]'
            repository.commit(f"port {port}", dockerfile=DOCKERFILE.replace("COPY www", f"{step}\nCOPY www"))
            repository.check_out(agent.workspace)
            with site.network.limited(ports):
                built = told(site, agent, "sh", "-ec", '"$PIPELINES/build.sh"')
            assert (built.returncode == 0) is (port == 80), built.stderr
    assert asked == ["/debian/dists/"]


REPORTING = """\
FROM scratch AS tests
COPY busybox /bin/busybox
RUN ["/bin/busybox", "mkdir", "/reports"]
RUN ["/bin/busybox", "cp", "/bin/busybox", "/reports/junit.xml"]

FROM scratch AS reports
COPY --from=tests /reports /

FROM tests AS test
RUN ["/bin/busybox", "false"]

FROM tests
"""


def test_reports_are_taken_out_even_of_tests_that_fail(site: Site, agent: InPod, repository: Source) -> None:
    repository.commit("reporting", dockerfile=REPORTING)
    repository.check_out(agent.workspace)
    before = sorted(agent.workspace.rglob("*"))
    failed = told(site, agent, "sh", "-ec", '"$PIPELINES/test.sh"')
    assert failed.returncode
    beside = agent.workspace.with_name(f"{agent.workspace.name}@tmp")
    assert (beside / "reports" / "junit.xml").stat().st_size
    assert sorted(agent.workspace.rglob("*")) == before, "the image is built of what was tested"


def test_a_build_reads_its_secrets_and_no_layer_has_them(site: Site, agent: InPod, repository: Source) -> None:
    secret = (
        "RUN --mount=type=secret,id=NPM_TOKEN " + '["/bin/busybox", "grep", "-q", "made-up", "/run/secrets/NPM_TOKEN"]'
    )
    missing = 'RUN ["/bin/busybox", "test", "!", "-s", "/run/secrets/NPM_TOKEN"]'
    dockerfile = DOCKERFILE.replace("COPY www", f"{secret}\n{missing}\nCOPY www")
    repository.commit("with a secret", dockerfile=dockerfile)
    repository.check_out(agent.workspace)
    folder = agent.workspace / "secrets"
    folder.mkdir()
    (folder / "NPM_TOKEN").write_text("made-up", encoding="utf-8")
    stage(site, agent, "build", BUILD_SECRETS=f"{agent.inside}/secrets")


def test_of_several_services_in_a_repository_each_is_built_for_its_own_commits(
    site: Site, agent: InPod, tmp_path: Path
) -> None:
    several = source(tmp_path / "several")
    dockerfile = "FROM scratch AS test\nCOPY words /words\nFROM test\nCOPY shared /shared\n"
    for service in ("api", "ai"):
        several.write(f"services/{service}/words", service)
        several.write(f"services/{service}/shared/text", "shared")
        several.write(f"services/{service}/Dockerfile", dockerfile)
    first = several.commit("first")

    def built(service: str) -> tuple[str, str]:
        """What there was of the service's image, and its digest after the build."""
        context = f"services/{service}"
        variables = {"CONTEXT": context, "DOCKERFILE": f"{context}/Dockerfile", "PATHS": context, "SERVICE": service}
        several.check_out(agent.workspace)
        found = stage(site, agent, "find", **variables).stdout
        if not found:
            for name in ("build", "test", "push"):
                stage(site, agent, name, **variables)
        return found, stage(site, agent, "find", **variables).stdout

    nothing, api = built("api")
    assert not nothing
    assert built("ai")[0] == ""
    assert f"commit-{first}" in site.ecr.tags(f"{site.delivery.variables['REGISTRY'].partition('/')[2]}/ai")
    several.write("services/ai/words", "others")
    several.write("README.md", "for people")
    several.commit("second")
    assert built("api") == (api, api), "no commit of it"
    assert built("ai")[0] == ""


def test_another_daemon_goes_on_from_the_cache_in_ecr(site: Site, repository: Source, tmp_path: Path) -> None:
    """The daemon's volume goes with its pod: without the cache each restart is a build from nothing."""
    dockerfile = DOCKERFILE.replace("COPY www", f'RUN ["/bin/busybox", "echo", "{LONG}"]\nCOPY www')
    repository.commit("long", dockerfile=dockerfile)
    with site.agent(tmp_path / "first") as first:
        repository.check_out(first.workspace)
        assert ran_long(stage(site, first, "build"))
    site.buildkitd.restart()
    repository.commit("long, and changed", dockerfile=dockerfile)
    with site.agent(tmp_path / "second") as second:
        repository.check_out(second.workspace)
        built = stage(site, second, "build")
    assert not ran_long(built), built.stderr
    assert not cached(built, VERSION)


def test_the_stage_test_fails_with_its_dockerfiles(site: Site, agent: InPod, repository: Source) -> None:
    repository.commit("2", health="bad")
    repository.check_out(agent.workspace)
    stage(site, agent, "build")
    failed = told(site, agent, "sh", "-ec", '"$PIPELINES/test.sh"')
    assert failed.returncode
    assert failed.stderr.splitlines()[-1] == FAILED


def test_a_build_has_docker_hubs_images_through_the_cache_in_ecr(
    site: Site, agent: InPod, repository: Source, tmp_path: Path
) -> None:
    """Docker Hub itself is out of the daemon's reach here; of ECR it knows only what the agent's login opens."""
    empty = tmp_path / "image"
    run("umoci", "init", "--layout", empty)
    run("umoci", "new", "--image", f"{empty}:1")
    (image,) = (name for name in site.delivery.repositories if name.endswith("-hub/moby/buildkit"))
    registry = ("--dest-cert-dir", site.ecr.trusted, "--dest-creds", LOGIN)
    run("skopeo", "--insecure-policy", "copy", *registry, f"oci:{empty}:1", f"docker://{site.ecr.address}/{image}:1")
    dockerfile = DOCKERFILE.replace("FROM scratch AS base", "FROM moby/buildkit:1 AS base")
    repository.commit("from Docker Hub", dockerfile=dockerfile)
    repository.check_out(agent.workspace)
    built = stage(site, agent, "build")
    assert "docker.io/moby/buildkit:1" in built.stderr
    assert site.ecr.complaints(site.delivery.repositories) == []
