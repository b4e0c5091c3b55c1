"""Signs an image in ECR with a KMS key, as `cosign sign --key awskms:///…` does. `python -m pipelines.sign IMAGE`.

Tags are immutable: an image is signed once, and the next build of its commit finds it signed. Its signature is checked
by `release verify`, and by whom else has the key:

    cosign verify --key awskms:///$SIGNING_KEY --insecure-ignore-tlog=true IMAGE
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from contract import signatures
from pipelines.ecr import MANIFESTS, PipelineError, Repository
from release import aws

CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"


def manifest(payload: bytes, signature: bytes) -> tuple[bytes, dict[str, Any]]:
    """The configuration and the manifest of the image that is a signature. Pure.

    https://github.com/sigstore/cosign/blob/v3.1.3/specs/SIGNATURE_SPEC.md
    """
    digest = _digest(payload)
    rootfs = {"type": "layers", "diff_ids": [digest]}
    config = json.dumps({"architecture": "", "os": "", "rootfs": rootfs, "config": {}}).encode()
    layer = {
        "mediaType": signatures.PAYLOAD_TYPE,
        "size": len(payload),
        "digest": digest,
        "annotations": {signatures.ANNOTATION: base64.b64encode(signature).decode()},
    }
    described = {"mediaType": CONFIG_TYPE, "size": len(config), "digest": _digest(config)}
    return config, {"schemaVersion": 2, "mediaType": MANIFESTS[0], "config": described, "layers": [layer]}


def sign(repository: Repository, digest: str, key: str, kms: Any) -> bool:
    """Signs an image unless it is signed; whether it did.

    Args:
        repository: Its repository.
        digest: Its digest.
        key: ARN of the alias of the KMS key.
        kms: A boto3 client of KMS.
    """
    tag = signatures.tag(digest)
    if repository.find(tag):
        return False
    payload = signatures.payload(repository.url, digest)
    signature: bytes = kms.sign(KeyId=key, Message=payload, MessageType="RAW", SigningAlgorithm=signatures.ALGORITHM)[
        "Signature"
    ]
    config, content = manifest(payload, signature)
    repository.push(tag, content, blobs=[payload, config])
    return True


def main(arguments: list[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    """Signs an image with the key in `SIGNING_KEY`; the exit code is 1 if ECR or KMS refuses."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.sign", description=__doc__)
    parser.add_argument("image", metavar="REPOSITORY@sha256:…")
    url, _, digest = parser.parse_args(arguments).image.partition("@")
    key = environment["SIGNING_KEY"]
    try:
        done = sign(Repository(url), digest, key, aws.client("kms", key.split(":")[3]))
    except (PipelineError, *aws.errors()) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stderr.write(f"{url}@{digest}: signed with {key}\n" if done else f"{url}@{digest}: is signed\n")
    return 0


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


if __name__ == "__main__":
    sys.exit(main())
