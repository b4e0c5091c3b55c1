"""A preview that cannot reach the cluster fails, and is not reported as good."""

from __future__ import annotations

import json
import subprocess
import sys

import yaml

from pipelines.preview_report.cluster import problem
from tests.unit.program import CHECKOUT

UNREACHABLE = yaml.safe_dump(
    {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "c",
    }
)


def test_a_stack_that_was_never_brought_up_has_no_cluster_to_reach() -> None:
    assert problem({}) is None


def test_a_cluster_that_does_not_answer_is_a_failure_with_what_to_do() -> None:
    told = problem({"kubeconfig": UNREACHABLE}) or ""
    assert "no answer" in told
    assert "PREVIEW_RUNNER" in told


def test_the_command_fails() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.preview_report.cluster"],
        cwd=CHECKOUT,
        input=json.dumps({"kubeconfig": UNREACHABLE}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr[:6]) == (1, "error:")
