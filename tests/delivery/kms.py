"""Stands in for KMS: moto's, with one key, which signs images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self, cast

import boto3  # pyright: ignore[reportMissingTypeStubs]
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from moto.server import ThreadedMotoServer  # pyright: ignore[reportMissingTypeStubs]


@dataclass
class Kms:
    """KMS, of this machine's own account in moto.

    Attributes:
        key: ARN of the alias of its key.
        endpoint: For `AWS_ENDPOINT_URL_KMS`.
    """

    key: str
    endpoint: str = ""

    def __enter__(self) -> Self:
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.endpoint = f"http://{host}:{port}"
        made = self._client.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
        alias = self.key.rpartition(":")[2]
        self._client.create_alias(AliasName=alias, TargetKeyId=made["KeyId"])
        return self

    def __exit__(self, *_: object) -> None:
        # moto has one account in a process, which outlives its server.
        self._client.delete_alias(AliasName=self.key.rpartition(":")[2])
        self._server.stop()

    @property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """Its key's public half."""
        found = load_der_public_key(self._client.get_public_key(KeyId=self.key)["PublicKey"])
        assert isinstance(found, ec.EllipticCurvePublicKey)
        return found

    @property
    def _client(self) -> Any:
        return cast("Any", boto3).client(
            "kms",
            endpoint_url=self.endpoint,
            region_name=self.key.split(":")[3],
            aws_access_key_id="none",
            aws_secret_access_key="none",  # noqa: S106 - moto asks for none
        )
