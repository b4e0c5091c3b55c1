"""An API server that fails, or a tool that is killed, at a chosen call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeAlias

from kube.client import UNREACHABLE, KubernetesApiError, KubernetesObject
from release.objects import ObjectApi

Fault: TypeAlias = Literal[
    "409", "429", "500", "time-out", "lost answer", "lost watch", "killed", "stalled", "late answer"
]

WATCH = "watch"


class KilledError(BaseException):
    """The tool is gone: nothing catches this, and nothing can be asked after it."""


class Faulty:
    """Passes calls on, and counts them; one of them fails once, or is the tool's last.

    Args:
        api: What the calls go to.
        at: Number of the call that fails, from 1; 0 for none; or how the name of the first one that fails begins.
        nth: Which of the calls whose name begins so.
        fault: How. A `time-out` is one before the server did anything, a `lost answer` one after; `killed` likewise
            lets the server do what it was asked. A tool that is `stalled` sends its request after `meanwhile`; with a
            `late answer` it goes on after it, by what the server said before.
        meanwhile: What happens while it is stalled.
    """

    is_concurrent = False

    def __init__(
        self,
        api: ObjectApi,
        *,
        at: int | str = 0,
        nth: int = 1,
        fault: Fault = "500",
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        self._meanwhile = meanwhile
        self._nth = nth
        self._api = api
        self._at = at
        self._fault: Fault = fault
        self._reached = False
        self.calls: list[str] = []

    @property
    def happened(self) -> bool:
        """Whether it came to that call."""
        return self._reached

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> KubernetesObject | None:
        return self._call(f"get {kind} {name}", lambda: self._api.get(api_version, kind, name, namespace))

    def list(self, api_version: str, kind: str, **options: Any) -> list[KubernetesObject]:
        return self._call(f"list {kind}", lambda: self._api.list(api_version, kind, **options))

    def create(self, body: KubernetesObject) -> KubernetesObject:
        return self._call(f"create {body['kind']}", lambda: self._api.create(body))

    def apply(self, body: KubernetesObject, **options: Any) -> KubernetesObject:
        return self._call(f"apply {body['kind']} {body['metadata']['name']}", lambda: self._api.apply(body, **options))

    def json_patch(
        self, api_version: str, kind: str, name: str, patch: list[dict[str, Any]], **options: Any
    ) -> KubernetesObject:
        what = f"patch {kind} {name}{' as a dry run' if options.get('dry_run') else ''}"
        return self._call(what, lambda: self._api.json_patch(api_version, kind, name, patch, **options))

    def delete(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> None:
        return self._call(f"delete {kind} {name}", lambda: self._api.delete(api_version, kind, name, namespace))

    def pod_log(self, name: str, namespace: str, *, lines: int) -> str:
        return self._call(f"log {name}", lambda: self._api.pod_log(name, namespace, lines=lines))

    def watch(self, api_version: str, kind: str, **options: Any) -> Iterator[tuple[str, KubernetesObject]]:
        return self._call(f"{WATCH} {kind}", lambda: self._api.watch(api_version, kind, **options))

    @property
    def cluster(self) -> str:
        """Which cluster it is, for a person."""
        return str(getattr(self._api, "cluster", ""))

    def _is_it(self, name: str) -> bool:
        if isinstance(self._at, int):
            return len(self.calls) == self._at
        return name.startswith(self._at) and sum(call.startswith(self._at) for call in self.calls) == self._nth

    def _call(self, name: str, call: Callable[[], Any]) -> Any:
        if self._fault == "killed" and self.happened:
            raise KilledError
        self.calls.append(name)
        if self._reached or not self._is_it(name):
            return call()
        self._reached = True
        match self._fault:
            case "409" | "429" | "500":
                raise KubernetesApiError(f"fault at {name}", status=int(self._fault), reason="Fault")
            case "time-out" | "lost watch":
                raise KubernetesApiError(f"no answer to {name}", status=UNREACHABLE, reason="Fault")
            case "lost answer":
                call()
                raise KubernetesApiError(f"lost answer to {name}", status=UNREACHABLE, reason="Fault")
            case "killed":
                call()
                raise KilledError
            case "stalled":
                self._meanwhile()
                return call()
            case "late answer":
                answer = call()
                self._meanwhile()
                return answer
