"""Health checks answer by what is true when they are asked."""

from __future__ import annotations

import urllib3

from release import health


def test_each_path_answers_by_its_check() -> None:
    is_well = True
    with health.served(0, {"/healthz": lambda: is_well}) as port:

        def status(path: str) -> int:
            return urllib3.request("GET", f"http://127.0.0.1:{port}{path}", timeout=5, retries=False).status

        assert (status("/healthz"), status("/")) == (200, 404)
        is_well = False
        assert status("/healthz") == 503
