"""Creates the certificates for mutual TLS between buildkitd and the build agents, and sets them as stack secrets.

`python -m pipelines.certificates --stack STACK` sets the five values of `delivery.certificates`. The key of their
certificate authority is not kept: to renew them, within `LIFETIME`, run it again, then `pulumi up`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

LIFETIME = timedelta(days=730)
KEY = "hello-platform:delivery.certificates"
HOST = "buildkitd.buildkit"
"""DNS name of buildkitd's Service."""


def new_certificates(now: datetime) -> dict[str, str]:
    """The five values in PEM, by the names of their settings."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hello-platform buildkit")])
    authority = (
        _builder(name, name, authority_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority_key, hashes.SHA256())
    )

    def issue(common_name: str, usage: ObjectIdentifier) -> tuple[str, str]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        certificate = (
            _builder(subject, name, key.public_key(), now)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(common_name)]), critical=False)
            .sign(authority_key, hashes.SHA256())
        )
        return _pem(certificate), key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    server, server_key = issue(HOST, ExtendedKeyUsageOID.SERVER_AUTH)
    client, client_key = issue("hello-build", ExtendedKeyUsageOID.CLIENT_AUTH)
    return {
        "ca": _pem(authority),
        "server": server,
        "serverKey": server_key,
        "client": client,
        "clientKey": client_key,
    }


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def main(arguments: list[str] | None = None) -> int:
    """Sets the stack secrets, each by standard input: no value appears on a command line."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.certificates", description=__doc__)
    parser.add_argument("--stack", required=True)
    stack = parser.parse_args(arguments).stack
    for name, value in new_certificates(datetime.now(UTC)).items():
        command = ["pulumi", "config", "set", "--stack", stack, "--secret", "--path", f"{KEY}.{name}"]
        code = subprocess.run(command, input=value, text=True, check=False).returncode
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
