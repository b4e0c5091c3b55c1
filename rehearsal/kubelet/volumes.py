"""A pod's volumes on this machine, kept up to date with what they come from."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kube.client import KubernetesObject
from rehearsal.kubelet import environment, files
from rehearsal.kubelet.api import Api
from rehearsal.kubelet.environment import MissingError, Objects, part
from rehearsal.kubelet.sandbox import Mount


class Volumes:
    """The volumes of a pod.

    Args:
        folder: Holds one folder each.
        api: Knows what they come from.

    Attributes:
        objects: What the pod's variables and volumes refer to, as it was last seen.
    """

    def __init__(self, folder: Path, api: Api) -> None:
        self._folder, self._api = folder, api
        self.objects: Objects = {}
        self._tokens: dict[files.Token, tuple[str, float]] = {}

    async def mount(self, pod: KubernetesObject) -> None:
        """Brings their files up to date.

        Raises:
            MissingError: One of them comes from what is not there.
            KubernetesApiError: The API server refuses to tell.
        """
        self.objects = await self._api.objects(pod["metadata"]["namespace"], environment.references(pod))
        for wanted in files.token_requests(pod):
            if wanted not in self._tokens or time.time() >= self._tokens[wanted][1]:
                # A kubelet asks for another one when 80 % of its time are over, or 24 hours.
                token = await self._api.token(pod, wanted)
                self._tokens[wanted] = token, time.time() + min(0.8 * wanted[1], 86400)
        tokens = {wanted: token for wanted, (token, _) in self._tokens.items()}
        group = part(pod["spec"], "securityContext").get("fsGroup")
        for volume in pod["spec"].get("volumes") or ():
            folder = self._folder / volume["name"]
            if "emptyDir" not in volume:
                try:
                    files.write(folder, files.files(volume, pod, self.objects, tokens), group)
                except MissingError as error:
                    raise MissingError(f'MountVolume.SetUp failed for volume "{volume["name"]}" : {error}') from None
            elif not folder.exists():
                folder.mkdir(parents=True)
                files.give(folder, 0o777, group)

    def mounts(self, container: Mapping[str, Any], spec: Mapping[str, Any]) -> list[Mount]:
        """Where a container of the pod has which of them."""
        writable = {one["name"] for one in spec.get("volumes") or () if "emptyDir" in one}
        return [
            Mount(
                self._folder / one["name"],
                one["mountPath"],
                read_only=one["name"] not in writable or bool(one.get("readOnly")),
            )
            for one in container.get("volumeMounts") or ()
        ]
