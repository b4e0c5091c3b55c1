"""Work on several services, each after its dependencies."""

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
    """Works on each service once the work on all its dependencies has succeeded.

    Args:
        depends_on: Each service's dependencies; those that are no key are ignored.
        work: Works on one service.
        is_good: Whether a service's result is a success.
        at_once: Most services that are worked on at the same time.
        stop: Ends the work that is under way; called on a KeyboardInterrupt, which is raised once that work has ended.

    Returns:
        The result of each service; and the services that were skipped, because a dependency failed.

    Raises:
        ReleaseError: The dependencies form a cycle.
    """
    sorter = TopologicalSorter(
        {service: [one for one in dependencies if one in depends_on] for service, dependencies in depends_on.items()}
    )
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
                    break  # the rest depends on a service that failed
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    service = running.pop(future)
                    results[service] = future.result()
                    if is_good(results[service]):
                        sorter.done(service)
        except KeyboardInterrupt:
            stop()
            raise
    return results, [service for service in depends_on if service not in results]
