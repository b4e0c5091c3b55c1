"""Signatures of images: what is signed, and where a registry keeps it, in the form of cosign.

https://github.com/sigstore/cosign/blob/v3.1.3/specs/SIGNATURE_SPEC.md
"""

from __future__ import annotations

import json

TAG_PREFIX = "sha256-"
"""Prefix of a signature's tag."""

PAYLOAD_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
"""Media type of the layer that is what was signed."""

ANNOTATION = "dev.cosignproject.cosign/signature"
"""Annotation of that layer: the signature, in Base64."""

ALGORITHM = "ECDSA_SHA_256"
"""KMS' name of how keys sign that are of the kind that cosign makes."""

KEY = "hello-platform/signing-key"
"""Annotation on a service's verification records: ARN of the KMS key's alias whose signature an image needs there."""

SIGNED_WITH = "signedWith"
"""Key in a record's JSON: the ARN of the alias whose key had signed the image when it was verified."""


def tag(digest: str) -> str:
    """The tag of an image's signatures in its repository: https://github.com/sigstore/cosign/blob/v3.1.3/specs/SIGNATURE_SPEC.md#tag-based-discovery."""
    return f"{digest.replace(':', '-')}.sig"


def payload(repository: str, digest: str) -> bytes:
    """What is signed: that this repository has an image with this digest.

    In cosign's very bytes, so that each side verifies what the other one signed.
    https://github.com/containers/image/blob/main/docs/containers-signature.5.md#json-data-format
    """
    critical = {
        "identity": {"docker-reference": repository},
        "image": {"docker-manifest-digest": digest},
        "type": "cosign container image signature",
    }
    return json.dumps({"critical": critical, "optional": None}, separators=(",", ":")).encode()


def mark(key: str) -> str:
    """The part of a record's JSON that says with which key the image was signed; no other text of a record has it.

    In the record's other texts a quotation mark is escaped.
    """
    return json.dumps({SIGNED_WITH: key})[1:-1]
