"""Stands in for ECR: its API beside a real registry, Debian's `docker-registry`, on HTTPS and for who has a login.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Operations.html. The registry is laxer than ECR in what it
takes: a repository that nobody made, an index of layers. `complaints` says what of all that it took ECR refuses.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import trustme
import urllib3
from urllib3.util import parse_url

from tests.http_server import Answer, Request, answering

INDEX = "application/vnd.oci.image.index.v1+json"
IMAGES = {"application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"}

LOGIN = "AWS:token"
"""Of who pushes and pulls, as `GetAuthorizationToken` tells it."""

PASSWORDS = "AWS:$2b$04$crfzNRE4/aH4DavGzvz7/e7pqnTsh9MbUT0xTRczwzEQhA4XCOVEW"
"""The same for the registry: `htpasswd -B`."""

CONFIGURATION = """version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}/registry}}, delete: {{enabled: true}}}}
http: {{addr: "{address}:443", tls: {{certificate: {folder}/registry.pem, key: {folder}/registry.key}}}}
auth: {{htpasswd: {{realm: ECR, path: {folder}/registry.htpasswd}}}}
log: {{accesslog: {{disabled: true}}, level: error}}
"""


class RefusedError(Exception):
    """An error's code, as the API names it."""


@dataclass
class Ecr:
    """A registry that runs, and the API.

    Attributes:
        folder: Its files.
        host: Its name, `ACCOUNT.dkr.ecr.REGION.amazonaws.com`.
        address: Where it listens.
        critical: Whether the scan of an image finds something critical.
        endpoint: For `AWS_ENDPOINT_URL_ECR`.
        pushed: Every tag that was pushed or put, in its order.
    """

    folder: Path
    host: str
    address: str
    critical: bool = False
    endpoint: str = ""
    pushed: list[str] = field(default_factory=list[str])
    _uploads: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def __enter__(self) -> Self:
        authority = trustme.CA()
        certificate = authority.issue_cert(self.host, self.address)
        certificate.private_key_pem.write_to_path(self.folder / "registry.key")
        certificate.cert_chain_pems[0].write_to_path(self.folder / "registry.pem")
        self.trusted.mkdir()
        authority.cert_pem.write_to_path(self.authority)
        self._http = urllib3.PoolManager(retries=False, ca_certs=str(self.authority))
        (self.folder / "registry.htpasswd").write_text(PASSWORDS, encoding="utf-8")
        configuration = self.folder / "registry.yml"
        configuration.write_text(CONFIGURATION.format(folder=self.folder, address=self.address), encoding="utf-8")
        with ExitStack() as stack:
            with (self.folder / "registry.log").open("w", encoding="utf-8") as log:
                command = ["docker-registry", "serve", str(configuration)]
                self._process = subprocess.Popen(command, stdout=log, stderr=log)
            stack.callback(self._stop)
            self._wait()
            self.endpoint = stack.enter_context(answering(self._answer))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    @property
    def trusted(self) -> Path:
        """The authority's folder, as containers' tools take one: https://github.com/containers/image/blob/v5.24.0/docs/containers-certs.d.5.md."""
        return self.folder / "trusted"

    @property
    def authority(self) -> Path:
        """Who signed its certificate, as a PEM file: of ECR's everybody's system knows the authority."""
        return self.trusted / "ca.crt"

    def _answer(self, request: Request) -> Answer:
        body = json.loads(request.body)
        try:
            status, told = 200, self.answer(request.headers["X-Amz-Target"].rpartition(".")[2], body)
        except RefusedError as error:
            status, told = 400, {"__type": str(error), "message": str(body)}
        return Answer(status, json.dumps(told).encode(), "application/x-amz-json-1.1")

    def answer(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        """What an operation of the API answers.

        Raises:
            RefusedError: The API refuses.
        """
        if operation == "GetAuthorizationToken":
            token = base64.b64encode(LOGIN.encode()).decode()
            return {"authorizationData": [{"authorizationToken": token}]}
        name = body["repositoryName"]
        if operation == "DescribeImages":
            wanted = [one["imageTag"] for one in body["imageIds"]] if "imageIds" in body else self.tags(name)
            return {"imageDetails": [self._image(name, tag) for tag in wanted]}
        if operation == "BatchGetImage":
            found = self._manifests(name, [one.get("imageDigest") or one["imageTag"] for one in body["imageIds"]])
            return {"images": [{"imageManifest": text, "imageManifestMediaType": kind} for _, text, kind in found]}
        if operation in ("InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload"):
            return self._upload(operation, name, body)
        if operation == "PutImage":
            return self._put(name, body)
        if operation == "DescribeImageScanFindings":
            severity = "CRITICAL" if self.critical else "LOW"
            found = {"name": "CVE-2026-1", "severity": severity}
            return {"imageScanStatus": {"status": "COMPLETE"}, "imageScanFindings": {"findings": [found]}}
        raise NotImplementedError(operation)

    def tags(self, name: str) -> list[str]:
        """The tags of a repository."""
        found = self._ask("GET", f"{name}/tags/list")
        return sorted(found.json().get("tags") or []) if found.status == 200 else []

    def blob(self, name: str, digest: str) -> bytes:
        """A layer of an image."""
        return self._ask("GET", f"{name}/blobs/{digest}").data

    def configuration(self, name: str, digest: str) -> dict[str, Any]:
        """What an image says of its containers: https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md."""
        config = json.loads(self.manifest(name, digest)[1])["config"]["digest"]
        return self._ask("GET", f"{name}/blobs/{config}").json()["config"]

    def complaints(self, made: set[str]) -> list[str]:
        """What it took and ECR would have refused.

        No push makes a repository: https://docs.aws.amazon.com/AmazonECR/latest/userguide/docker-push-ecr-image.html.
        An index is one of images: https://github.com/aws/containers-roadmap/issues/876.

        Args:
            made: The names of the repositories that there are.
        """
        found = list[str]()
        for name in self._ask("GET", "_catalog").json()["repositories"]:
            if name not in made:
                found.append(f"{name} is no repository")
            for tag in self.tags(name):
                _, text, kind = self.manifest(name, tag)
                parts = {one["mediaType"] for one in json.loads(text)["manifests"]} if kind == INDEX else set[str]()
                if parts - IMAGES:
                    found.append(f"{name}:{tag} is an index of {', '.join(sorted(parts))}")
        return found

    def _image(self, name: str, tag: str) -> dict[str, Any]:
        digest, _, _ = self.manifest(name, tag)
        return {"repositoryName": name, "imageDigest": digest, "imageTags": [tag]}

    def manifest(self, name: str, reference: str) -> tuple[str, str, str]:
        """Digest, content and type of a manifest, by its tag or its digest.

        Raises:
            RefusedError: There is none.
        """
        found = self._ask(
            "GET", f"{name}/manifests/{reference}", headers={"Accept": ", ".join([*sorted(IMAGES), INDEX])}
        )
        if found.status != 200:
            raise RefusedError("ImageNotFoundException")
        return found.headers["Docker-Content-Digest"], found.data.decode(), found.headers["Content-Type"]

    def _manifests(self, name: str, references: list[str]) -> list[tuple[str, str, str]]:
        """Those that there are: the others are `failures`, and no error.

        https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetImage.html
        """
        found = list[tuple[str, str, str]]()
        for reference in references:
            with suppress(RefusedError):
                found.append(self.manifest(name, reference))
        return found

    def _upload(self, operation: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """Uploads of layers: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CompleteLayerUpload.html."""
        if operation == "InitiateLayerUpload":
            identity = str(len(self._uploads) + 1)
            self._uploads[identity] = b""
            return {"uploadId": identity, "partSize": 10 << 20}
        identity = body["uploadId"]
        content = self._uploads[identity]
        if operation == "UploadLayerPart":
            part = base64.b64decode(body["layerPartBlob"])
            if (body["partFirstByte"], body["partLastByte"]) != (len(content), len(content) + len(part) - 1):
                raise RefusedError("InvalidLayerPartException")
            self._uploads[identity] = content + part
            return {"lastByteReceived": body["partLastByte"]}
        (digest,) = body["layerDigests"]
        if digest != f"sha256:{hashlib.sha256(content).hexdigest()}":
            raise RefusedError("InvalidLayerException")
        if self._ask("HEAD", f"{name}/blobs/{digest}").status == 200:
            raise RefusedError("LayerAlreadyExistsException")
        place = parse_url(self._ask("POST", f"{name}/blobs/uploads/").headers["Location"])
        path = f"{(place.path or '').removeprefix('/v2/')}?{place.query}&digest={digest}"
        stream = {"Content-Type": "application/octet-stream"}
        assert self._ask("PUT", path, body=content, headers=stream).status == 201
        return {"layerDigest": digest}

    def _put(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        tag, content = body["imageTag"], body["imageManifest"].encode()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if body.get("imageDigest", digest) != digest:
            raise RefusedError("ImageDigestDoesNotMatchException")
        if tag in self.tags(name):
            same = self.manifest(name, tag)[0] == digest
            raise RefusedError("ImageAlreadyExistsException" if same else "ImageTagAlreadyExistsException")
        kind = {"Content-Type": body["imageManifestMediaType"]}
        if self._ask("PUT", f"{name}/manifests/{tag}", body=content, headers=kind).status != 201:
            raise RefusedError("LayersNotFoundException")
        self.pushed.append(tag)
        return {"image": {"imageId": {"imageDigest": digest, "imageTag": tag}}}

    def _ask(
        self, method: str, path: str, *, headers: Mapping[str, str] = MappingProxyType({}), body: bytes = b""
    ) -> urllib3.BaseHTTPResponse:
        told = {**urllib3.make_headers(basic_auth=LOGIN), **headers}
        return self._http.request(method, f"https://{self.address}/v2/{path}", headers=told, body=body, timeout=30)

    def _wait(self) -> None:
        deadline = time.monotonic() + 20
        while True:
            try:
                self._ask("GET", "")
            except urllib3.exceptions.HTTPError:
                assert time.monotonic() < deadline, (self.folder / "registry.log").read_text(encoding="utf-8")
                time.sleep(0.05)
            else:
                return
