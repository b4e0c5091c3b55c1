"""Several services: each after those that it calls."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import CycleError, TopologicalSorter
from typing import TypeVar

from release.errors import ReleaseError

T = TypeVar("T")


def in_order(
    depends_on: Mapping[str, Collection[str]],
    work: Callable[[str], T],
    *,
    is_good: Callable[[T], bool],
    at_once: int = 1,
    stop: Callable[[], None] = lambda: None,
) -> tuple[dict[str, T], list[str]]:
    """Works on each service once all those it depends on went well.

    Args:
        depends_on: For each service those that it calls; others than these services are not waited for.
        work: Works on one service.
        is_good: Whether a service's result lets those that depend on it begin.
        at_once: How many are worked on at the same time, at most.
        stop: Called where this is interrupted: it waits for the work that is under way, which shall end.

    Returns:
        The result of each service that was worked on; and the services that were not, since one that they depend on
        did not go well.

    Raises:
        ReleaseError: Services depend on each other in a circle.
    """
    sorter = TopologicalSorter({one: [it for it in needs if it in depends_on] for one, needs in depends_on.items()})
    try:
        sorter.prepare()
    except CycleError as error:
        raise ReleaseError(
            f"these services depend on each other in a circle: {' -> '.join(error.args[1])}",
            remedy="deploy them one by one, in the order that suits the change",
        ) from None
    results: dict[str, T] = {}
    running: dict[Future[T], str] = {}
    waiting: list[str] = []
    with ThreadPoolExecutor(at_once) as pool:
        try:
            while sorter.is_active():
                waiting += sorted(sorter.get_ready())
                while waiting and len(running) < at_once:
                    service = waiting.pop(0)
                    running[pool.submit(work, service)] = service
                if not running:
                    break  # all that is left depends on what did not go well
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    service = running.pop(future)
                    results[service] = future.result()
                    if is_good(results[service]):
                        sorter.done(service)
        except KeyboardInterrupt:
            stop()
            raise
    return results, [one for one in depends_on if one not in results]
