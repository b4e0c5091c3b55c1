"""A pod's volumes on this machine."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kube.client import KubernetesObject
from rehearsal.kubelet.api import Api
from rehearsal.kubelet.environment import MissingError, Objects, part, references
from rehearsal.kubelet.files import Token, files, give, token_requests, write
from rehearsal.kubelet.sandbox import Mount


class Volumes:
    """The volumes of a pod.

    Attributes:
        objects: Objects that the pod's variables and volumes refer to, as of the last `mount`.
    """

    def __init__(self, folder: Path, api: Api) -> None:
        self._folder, self._api = folder, api
        self.objects: Objects = {}
        self._tokens: dict[Token, tuple[str, float]] = {}

    async def mount(self, pod: KubernetesObject) -> None:
        """Writes the files of all volumes; called again, updates them.

        Raises:
            MissingError: A volume refers to something that does not exist.
            KubernetesApiError: The API server rejects a request, or does not answer.
        """
        self.objects = await self._api.objects(pod["metadata"]["namespace"], references(pod))
        for request in token_requests(pod):
            if request not in self._tokens or time.time() >= self._tokens[request][1]:
                # A kubelet renews a token after 80 % of its lifetime, at most after 24 hours.
                token = await self._api.token(pod, request)
                self._tokens[request] = token, time.time() + min(0.8 * request[1], 86400)
        tokens = {request: token for request, (token, _) in self._tokens.items()}
        group = part(pod["spec"], "securityContext").get("fsGroup")
        for volume in pod["spec"].get("volumes") or ():
            folder = self._folder / volume["name"]
            if "emptyDir" not in volume:
                try:
                    write(folder, files(volume, pod, self.objects, tokens), group)
                except MissingError as error:
                    raise MissingError(f'MountVolume.SetUp failed for volume "{volume["name"]}" : {error}') from None
            elif not folder.exists():
                folder.mkdir(parents=True)
                give(folder, 0o777, group)

    def mounts(self, container: Mapping[str, Any], spec: Mapping[str, Any]) -> list[Mount]:
        """The bind mounts of one of the pod's containers."""
        writable = {volume["name"] for volume in spec.get("volumes") or () if "emptyDir" in volume}
        return [
            Mount(
                self._folder / mount["name"],
                mount["mountPath"],
                read_only=mount["name"] not in writable or bool(mount.get("readOnly")),
            )
            for mount in container.get("volumeMounts") or ()
        ]
