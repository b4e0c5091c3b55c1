"""Program that configures Elasticsearch and Kibana for the logs: `python -m logs_setup FILE`, run in a pod.

It needs the standard library only. It is idempotent: it can run at any time, also twice at once. `elasticsearch` and
`kibana` have the requests, `client` sends them, and `__main__` has their order. Each run ends with the state of the
logs as metrics: `checks` has the questions, `cloudwatch` publishes the answers.
"""

from __future__ import annotations

from pathlib import Path


def files() -> dict[str, str]:
    """The source text of this package's modules by file name, for the ConfigMap."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.py"))}
