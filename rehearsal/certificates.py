"""The certificates of a local control plane: its own authority, servers on loopback, a client each for who calls.

https://kubernetes.io/docs/setup/best-practices/certificates/ says which programs need which.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rehearsal.errors import RehearsalError

LIFETIME = timedelta(days=3650)
"""A rehearsal may lie for long before it is started again, and its certificates are written once."""

CLOCK_SKEW = timedelta(hours=1)
"""Certificates are valid a little before they are made, so that a clock set back does not refuse them."""

_HOSTS: tuple[x509.GeneralName, ...] = (
    x509.IPAddress(IPv4Address("127.0.0.1")),
    # As pods call the API server: by the first address of the Services' range, or by name; and what is behind it.
    x509.IPAddress(IPv4Address("172.20.0.1")),
    x509.IPAddress(IPv4Address("198.18.0.1")),
    x509.DNSName("localhost"),
    *(
        x509.DNSName(name)
        for name in (
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
        )
    ),
)


@dataclass(frozen=True)
class KeyPair:
    """A certificate and its private key, as PEM files."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Certificates:
    """The files of a control plane's certificates.

    Attributes:
        directory: The folder that holds them.
    """

    directory: Path

    @property
    def authority(self) -> Path:
        """The authority's certificate, which all others are checked against."""
        return self.directory / "ca.crt"

    @property
    def service_account_key(self) -> Path:
        """Private key that signs service account tokens."""
        return self.directory / "service-account.key"

    @property
    def service_account_public_key(self) -> Path:
        """Public key that service account tokens are checked with."""
        return self.directory / "service-account.pub"

    def of(self, name: str) -> KeyPair:
        """The pair of one program or person, by a name of `NAMES`."""
        return KeyPair(self.directory / f"{name}.crt", self.directory / f"{name}.key")


def _of_the_control_plane() -> Sequence[x509.GeneralName]:
    return _HOSTS


def _of_aws() -> Sequence[x509.GeneralName]:
    """The names of its services, of all regions."""
    # Slow to import, and wanted once.
    import botocore.session  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]

    regions: list[str] = cast("Any", botocore.session.Session()).get_available_regions("ec2")
    names = [f"*.{place}amazonaws.com" for place in ("", *(f"{one}." for one in regions))]
    return [x509.DNSName(name) for name in (*names, *(f"*.s3.{one}.amazonaws.com" for one in regions))]


@dataclass(frozen=True)
class _Subject:
    """Whom a certificate is for: user and group in Kubernetes' eyes, whether it serves, calls, or both, and where."""

    name: str
    user: str
    group: str | None
    serves: bool
    calls: bool
    hosts: Callable[[], Sequence[x509.GeneralName]] = _of_the_control_plane


_SUBJECTS = (
    _Subject("server", "kube-apiserver", None, serves=True, calls=False),
    # etcd's gateway calls etcd itself, and the API server calls etcd with the same pair.
    _Subject("etcd", "etcd", None, serves=True, calls=True),
    _Subject("admin", "kubernetes-admin", "system:masters", serves=False, calls=True),
    _Subject("controller-manager", "system:kube-controller-manager", None, serves=False, calls=True),
    _Subject("scheduler", "system:kube-scheduler", None, serves=False, calls=True),
    _Subject("aws", "amazonaws.com", None, serves=True, calls=False, hosts=_of_aws),
    # Each of the two is the kubelet of all nodes at once, which the node authorizer has no role for.
    _Subject("kwok", "kwok", "system:masters", serves=False, calls=True),
    _Subject("kubelet", "kubelet", "system:masters", serves=False, calls=True),
    _Subject("kube-proxy", "system:kube-proxy", None, serves=False, calls=True),
)

NAMES = tuple(subject.name for subject in _SUBJECTS)
"""Whom there are certificates for."""


def ensure(directory: Path) -> Certificates:
    """The certificates in a folder, made on the first call and the same ever after.

    Keys are readable by their owner only. An interrupted call leaves nothing that a later one would take for whole.

    Raises:
        RehearsalError: They were made by a version that had fewer, and their authority's key is not kept.
    """
    if not directory.exists():
        draft = directory.with_name(f"{directory.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True, mode=0o700)
        _make(Certificates(draft))
        draft.rename(directory)
    made = Certificates(directory)
    missing = [name for name in NAMES if not made.of(name).key.exists()]
    if missing:
        raise RehearsalError(
            f"The certificates in {directory} were made by an older version: there is none for {', '.join(missing)}.",
            remedy="take the rehearsal down with that version of the project, then bring it up with this one.",
        )
    return made


def _make(files: Certificates) -> None:
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _authority(authority_key)
    _write_certificate(files.authority, authority)
    for subject in _SUBJECTS:
        key = ec.generate_private_key(ec.SECP256R1())
        pair = files.of(subject.name)
        _write_certificate(pair.certificate, _issue(subject, key.public_key(), authority, authority_key))
        _write_key(pair.key, key)
    tokens = ec.generate_private_key(ec.SECP256R1())
    _write_key(files.service_account_key, tokens)
    files.service_account_public_key.write_bytes(
        tokens.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = _distinguished_name("rehearsal-ca", None)
    usage = _key_usage(signs_certificates=True)
    return (
        _builder(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _issue(
    subject: _Subject,
    key: ec.EllipticCurvePublicKey,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    uses = [
        *([ExtendedKeyUsageOID.SERVER_AUTH] if subject.serves else []),
        *([ExtendedKeyUsageOID.CLIENT_AUTH] if subject.calls else []),
    ]
    builder = (
        _builder(_distinguished_name(subject.user, subject.group), authority.subject, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
            critical=False,
        )
    )
    if subject.serves:
        builder = builder.add_extension(x509.SubjectAlternativeName(subject.hosts()), critical=False)
    return builder.sign(authority_key, hashes.SHA256())


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + LIFETIME)
    )


def _distinguished_name(user: str, group: str | None) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, user)]
    if group is not None:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
    return x509.Name(attributes)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write_certificate(path: Path, certificate: x509.Certificate) -> None:
    path.write_bytes(certificate.public_bytes(Encoding.PEM))


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
