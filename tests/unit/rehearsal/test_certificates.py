"""A control plane's certificates are created once, and their users accept them."""

from __future__ import annotations

import ssl
import stat
from base64 import b64decode
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID

from rehearsal import certificates
from rehearsal.certificates import NAMES, Certificates
from rehearsal.errors import RehearsalError


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates.ensure(tmp_path_factory.mktemp("a folder") / "pki")


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_they_are_written_once(tmp_path: Path) -> None:
    def contents() -> dict[Path, bytes]:
        return {file: file.read_bytes() for file in (tmp_path / "pki").iterdir()}

    certificates.ensure(tmp_path / "pki")
    first = contents()
    certificates.ensure(tmp_path / "pki")
    assert contents() == first
    assert len(first) == 1 + 2 * len(NAMES)


def test_an_interrupted_making_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(path: Path, _content: bytes) -> None:
        path.touch()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(certificates, "_write_secret", interrupted)
        with pytest.raises(KeyboardInterrupt):
            certificates.ensure(tmp_path / "pki")
    made = certificates.ensure(tmp_path / "pki")
    assert all(made.of(name).key.stat().st_size > 0 for name in NAMES)


def test_those_of_an_older_version_are_refused_with_what_to_do(tmp_path: Path) -> None:
    made = certificates.ensure(tmp_path / "pki")
    made.of("kube-proxy").key.unlink()
    with pytest.raises(RehearsalError, match=r"(?s)there is none for kube-proxy.*take the rehearsal down"):
        certificates.ensure(tmp_path / "pki")


def test_private_keys_are_for_their_owner_only(made: Certificates) -> None:
    assert {stat.S_IMODE(made.of(name).key.stat().st_mode) for name in NAMES} == {0o600}


@pytest.mark.parametrize("name", NAMES)
def test_each_is_signed_by_the_authority_and_has_its_own_key(made: Certificates, name: str) -> None:
    pair = made.of(name)
    certificate = read(pair.certificate)
    certificate.verify_directly_issued_by(read(made.authority))
    key = load_pem_private_key(pair.key.read_bytes(), password=None)
    assert key.public_key() == certificate.public_key()


@pytest.mark.parametrize(
    ("name", "user", "groups"),
    [
        ("admin", "kubernetes-admin", ["system:masters"]),
        ("controller-manager", "system:kube-controller-manager", ["rehearsal"]),
        ("scheduler", "system:kube-scheduler", ["rehearsal"]),
    ],
)
def test_clients_are_who_kubernetes_knows_them_as(made: Certificates, name: str, user: str, groups: list[str]) -> None:
    subject = read(made.of(name).certificate).subject
    assert [str(a.value) for a in subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == [user]
    assert [str(a.value) for a in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)] == groups


@pytest.mark.parametrize("name", NAMES)
def test_only_servers_have_a_name_at_which_somebody_can_serve(made: Certificates, name: str) -> None:
    found = read(made.of(name).certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    names = [str(one.value) for one in found]
    assert names, "Go refuses a certificate without any"
    assert all(one.endswith(".invalid") for one in names) != (name in {"server", "etcd", "aws"})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_client_that_trusts_the_authority_accepts_the_server_on_loopback(made: Certificates, host: str) -> None:
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(made.of("server").certificate, made.of("server").key)
    client_side = ssl.create_default_context(cafile=str(made.authority))
    assert _handshake(server_side, client_side, host)
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(server_side, client_side, "192.0.2.1")


@pytest.mark.parametrize("client", ["admin", "service-account"])
def test_a_client_is_no_server(made: Certificates, client: str) -> None:
    impostor = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    impostor.load_cert_chain(made.of(client).certificate, made.of(client).key)
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(impostor, ssl.create_default_context(cafile=str(made.authority)), "localhost")


def test_a_kubeconfig_needs_no_other_file_and_is_its_owners(made: Certificates, tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    made.write_kubeconfig(file, client="admin", cluster="here", server="https://127.0.0.1:6443")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    content = yaml.safe_load(file.read_text())
    (user,), (cluster,) = content["users"], content["clusters"]
    assert b64decode(user["user"]["client-key-data"]) == made.of("admin").key.read_bytes()
    assert b64decode(user["user"]["client-certificate-data"]) == made.of("admin").certificate.read_bytes()
    assert b64decode(cluster["cluster"]["certificate-authority-data"]) == made.authority.read_bytes()


def _handshake(server_side: ssl.SSLContext, client_side: ssl.SSLContext, host: str) -> bool:
    """A TLS handshake in memory, each side's output being the other's input."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_side.wrap_bio(to_client, to_server, server_hostname=host)
    server = server_side.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server) * 3:
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return client.version() is not None
