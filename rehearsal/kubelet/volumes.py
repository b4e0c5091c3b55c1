"""A pod's volumes on this machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from kube.client import KubernetesObject
from rehearsal.kubelet.api import Api
from rehearsal.kubelet.environment import MissingError, part
from rehearsal.kubelet.files import Files, files, give, write
from rehearsal.kubelet.sandbox import Mount


class Volumes:
    """The volumes of a pod."""

    def __init__(self, folder: Path, api: Api) -> None:
        self._folder, self._api = folder, api
        self._tokens: dict[tuple[str, int], tuple[str, float]] = {}

    async def mount(self, pod: KubernetesObject) -> None:
        """Writes the files of all volumes; called again, updates them.

        Raises:
            MissingError: A volume refers to something that does not exist.
            KubernetesApiError: The API server rejects a request, or does not answer.
        """
        contents = await asyncio.to_thread(self._contents, pod)
        group = part(pod["spec"], "securityContext").get("fsGroup")
        for volume in pod["spec"].get("volumes") or ():
            folder = self._folder / volume["name"]
            if volume["name"] in contents:
                write(folder, contents[volume["name"]], group)
            elif not folder.exists():
                folder.mkdir(parents=True)
                give(folder, 0o777, group)

    def _contents(self, pod: KubernetesObject) -> dict[str, Files]:
        """The files of each volume that has some."""
        objects, contents = self._api.objects(pod["metadata"]["namespace"]), dict[str, Files]()
        for volume in pod["spec"].get("volumes") or ():
            if "emptyDir" not in volume:
                try:
                    contents[volume["name"]] = files(volume, pod, objects, partial(self._token, pod))
                except MissingError as error:
                    raise MissingError(f'MountVolume.SetUp failed for volume "{volume["name"]}" : {error}') from None
        return contents

    def _token(self, pod: KubernetesObject, audience: str, seconds: int) -> str:
        token, renewal = self._tokens.get((audience, seconds), ("", 0.0))
        if time.time() >= renewal:
            # A kubelet renews a token after 80 % of its lifetime, at most after 24 hours.
            token, renewal = self._api.token(pod, audience, seconds), time.time() + min(0.8 * seconds, 86400)
            self._tokens[audience, seconds] = token, renewal
        return token

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
