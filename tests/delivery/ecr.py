"""Stands in for ECR: its API in front of a real registry, Debian's `docker-registry`.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import base64
import json
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import urllib3

from tests.delivery.ports import free_port
from tests.http_server import Answer, Request, answering

MANIFESTS = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"

CONFIGURATION = """version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
log: {{accesslog: {{disabled: true}}, level: error}}
"""


class RefusedError(Exception):
    """An error's code, as the API names it."""


@dataclass
class Ecr:
    """A registry that runs, and the API.

    Attributes:
        folder: Its files.
        critical: Whether the scan of an image finds something critical.
        pushed: Every tag that was pushed or put, in its order.
    """

    folder: Path
    critical: bool = False
    pushed: list[str] = field(default_factory=list[str])

    def __enter__(self) -> Self:
        port = free_port()
        self.registry = f"127.0.0.1:{port}"
        self._http = urllib3.PoolManager(retries=False)
        configuration = self.folder / "registry.yml"
        configuration.write_text(CONFIGURATION.format(folder=self.folder / "registry", port=port), encoding="utf-8")
        with (self.folder / "registry.log").open("w", encoding="utf-8") as log:
            self._process = subprocess.Popen(["docker-registry", "serve", str(configuration)], stdout=log, stderr=log)
        self._wait()
        self._stack = ExitStack()
        self._url = self._stack.enter_context(answering(self._answer))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self._process.terminate()
        self._process.wait(10)

    @property
    def endpoint(self) -> str:
        """For `AWS_ENDPOINT_URL_ECR`."""
        return self._url

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
            token = base64.b64encode(b"AWS:token").decode()
            return {"authorizationData": [{"authorizationToken": token}]}
        name = body["repositoryName"]
        if operation == "DescribeImages":
            wanted = [one["imageTag"] for one in body["imageIds"]] if "imageIds" in body else self.tags(name)
            return {"imageDetails": [self._image(name, tag) for tag in wanted]}
        if operation == "BatchGetImage":
            found = [self._manifest(name, one["imageDigest"]) for one in body["imageIds"]]
            return {"images": [{"imageManifest": text, "imageManifestMediaType": kind} for _, text, kind in found]}
        if operation == "PutImage":
            return self._put(name, body)
        if operation == "DescribeImageScanFindings":
            counts = {"CRITICAL": 1} if self.critical else {"LOW": 3}
            return {
                "imageScanStatus": {"status": "COMPLETE"},
                "imageScanFindings": {"findingSeverityCounts": counts},
            }
        raise NotImplementedError(operation)

    def tags(self, name: str) -> list[str]:
        """The tags of a repository."""
        found = self._http.request("GET", f"http://{self.registry}/v2/{name}/tags/list")
        return sorted(found.json().get("tags") or []) if found.status == 200 else []

    def _image(self, name: str, tag: str) -> dict[str, Any]:
        digest, _, _ = self._manifest(name, tag)
        return {"repositoryName": name, "imageDigest": digest, "imageTags": [tag]}

    def _manifest(self, name: str, reference: str) -> tuple[str, str, str]:
        url = f"http://{self.registry}/v2/{name}/manifests/{reference}"
        found = self._http.request("GET", url, headers={"Accept": MANIFESTS})
        if found.status != 200:
            raise RefusedError("ImageNotFoundException")
        return found.headers["Docker-Content-Digest"], found.data.decode(), found.headers["Content-Type"]

    def _put(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        tag = body["imageTag"]
        if tag in self.tags(name):
            same = self._manifest(name, tag)[0] == body["imageDigest"]
            raise RefusedError("ImageAlreadyExistsException" if same else "ImageTagAlreadyExistsException")
        url = f"http://{self.registry}/v2/{name}/manifests/{tag}"
        kind = {"Content-Type": body["imageManifestMediaType"]}
        assert self._http.request("PUT", url, body=body["imageManifest"].encode(), headers=kind).status == 201
        self.pushed.append(tag)
        return {"image": {"imageId": {"imageDigest": body["imageDigest"], "imageTag": tag}}}

    def _wait(self) -> None:
        deadline = time.monotonic() + 20
        while True:
            try:
                self._http.request("GET", f"http://{self.registry}/v2/", timeout=1)
            except urllib3.exceptions.HTTPError:
                assert time.monotonic() < deadline, (self.folder / "registry.log").read_text(encoding="utf-8")
                time.sleep(0.05)
            else:
                return
