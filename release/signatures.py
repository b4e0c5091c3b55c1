"""The check of an image's signature: cosign's, in the image's own repository, by a KMS key."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from contract import signatures
from release import aws
from release.errors import ReleaseError
from release.images import Images


def failure(repository: str, digest: str, key: str, *, images: Images | None = None, kms: Any = None) -> str | None:
    """None if the repository has a signature of the image by the key, else what is wrong.

    Args:
        repository: URL of the ECR repository.
        digest: Digest of the image.
        key: ARN of the alias of the KMS key.
        images: The repository; by default with the ambient credentials.
        kms: A boto3 client of KMS; by default one with the ambient credentials.

    Raises:
        ReleaseError: ECR or KMS does not answer.
    """
    payload = signatures.payload(repository, digest)
    signed = f"sha256:{hashlib.sha256(payload).hexdigest()}"
    layers = (images or Images(repository)).layers(signatures.tag(digest))
    found = [one["annotations"][signatures.ANNOTATION] for one in layers if _is_of(one, signed)]
    if not found:
        return "it is not signed"
    client = kms or aws.client("kms", key.split(":")[3])
    return None if any(_is_valid(client, key, payload, text) for text in found) else f"no signature is by {key}"


def _is_of(layer: dict[str, Any], signed: str) -> bool:
    kind, digest = layer.get("mediaType"), layer.get("digest")
    return (kind, digest) == (signatures.PAYLOAD_TYPE, signed) and signatures.ANNOTATION in layer.get("annotations", {})


def _is_valid(client: Any, key: str, payload: bytes, text: str) -> bool:
    try:
        signature = base64.b64decode(text, validate=True)
        answer = client.verify(
            KeyId=key, Message=payload, MessageType="RAW", Signature=signature, SigningAlgorithm=signatures.ALGORITHM
        )
    except ValueError:
        return False
    except aws.errors() as error:
        if aws.code(error) == "KMSInvalidSignatureException":
            return False
        raise ReleaseError(
            f"KMS: {error}", remedy=f"allow this identity kms:Verify with {key}, and run the command again"
        ) from None
    return bool(answer["SignatureValid"])
