"""A control plane's certificates are made once, and are accepted by whom they are for."""

from __future__ import annotations

import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

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
    assert len(first) == 1 + 2 * len(NAMES) + 2


def test_an_interrupted_making_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(path: Path, _key: object) -> None:
        path.touch()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(certificates, "_write_key", interrupted)
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
    keys = [*(made.of(name).key for name in NAMES), made.service_account_key]
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}


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
        ("controller-manager", "system:kube-controller-manager", []),
        ("scheduler", "system:kube-scheduler", []),
    ],
)
def test_clients_are_who_kubernetes_knows_them_as(made: Certificates, name: str, user: str, groups: list[str]) -> None:
    subject = read(made.of(name).certificate).subject
    assert [str(a.value) for a in subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == [user]
    assert [str(a.value) for a in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)] == groups


@pytest.mark.parametrize("name", NAMES)
def test_servers_cannot_call_and_clients_cannot_serve(made: Certificates, name: str) -> None:
    uses = set(read(made.of(name).certificate).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    both = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    serves = {ExtendedKeyUsageOID.SERVER_AUTH}
    expected = {"server": serves, "aws": serves, "etcd": both}
    assert uses == expected.get(name, {ExtendedKeyUsageOID.CLIENT_AUTH})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_client_that_trusts_the_authority_accepts_the_server_on_loopback(made: Certificates, host: str) -> None:
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(made.of("server").certificate, made.of("server").key)
    client_side = ssl.create_default_context(cafile=str(made.authority))
    assert _handshake(server_side, client_side, host)
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(server_side, client_side, "192.0.2.1")


def test_the_service_account_keys_are_a_pair(made: Certificates) -> None:
    private = load_pem_private_key(made.service_account_key.read_bytes(), password=None)
    assert load_pem_public_key(made.service_account_public_key.read_bytes()) == private.public_key()


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
