"""The comment for real events, recorded from a rehearsal's `pulumi preview`, without states and unchanged resources."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.preview_report.events import Preview, read
from pipelines.preview_report.markdown import LIMIT, render
from tests.unit.program import CHECKOUT

EVENTS = Path(__file__).parent / "events"
RECORDED = ("create", "update", "replacement", "many", "error", "refused", "same")


def recorded(name: str) -> Preview:
    return read((EVENTS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("name", RECORDED)
def test_the_comment_is_the_one_in_the_repository(name: str) -> None:
    assert render(recorded(name), "dev") == (EVENTS / f"{name}.md").read_text(encoding="utf-8")


def test_what_would_lose_data_stands_first_and_is_warned_of() -> None:
    text = render(recorded("replacement"), "dev")
    assert "> [!CAUTION]" in text
    assert "- **replaced**: `kubernetes:core/v1:PersistentVolumeClaim` `database`" in text


@pytest.mark.parametrize("name", ["error", "refused"])
def test_an_error_is_a_failed_preview(name: str) -> None:
    assert recorded(name).failed
    assert "failed" in render(recorded(name), "dev").splitlines()[0]


URN = "urn:pulumi:prod::hello-platform::kubernetes"
CREATE = json.dumps(
    {
        "resourcePreEvent": {
            "metadata": {
                "op": "create",
                "urn": f"{URN}:core/v1:ConfigMap::prod-api",
                "type": "kubernetes:core/v1:ConfigMap",
            }
        }
    }
)
COMPLETE = json.dumps({"summaryEvent": {"result": "succeeded"}})


def diagnostic(severity: str, message: str) -> str:
    return json.dumps(
        {"diagnosticEvent": {"urn": f"{URN}:core/v1:Namespace::prod", "severity": severity, "message": message}}
    )


def policy(level: str) -> str:
    told = {
        "policyName": "no-public-bucket",
        "message": "the bucket is public",
        "enforcementLevel": level,
        "color": "raw",
    }
    return json.dumps({"policyEvent": told})


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (
            diagnostic("warning", "configured Kubernetes cluster is unreachable: dial tcp: i/o timeout\n"),
            "prod: configured Kubernetes cluster is unreachable: dial tcp: i/o timeout",
        ),
        ("Previewing update (prod):\n", "line 2 of the engine's output is no event: Previewing update (prod):"),
        ("[1, 2]", "line 2 of the engine's output is no event: [1, 2]"),
        (policy("mandatory"), "policy no-public-bucket: the bucket is public"),
    ],
    ids=["unreachable cluster", "text", "no object", "policy"],
)
def test_what_makes_a_preview_incomplete_fails_it_with_the_reason(line: str, reason: str) -> None:
    preview = read([CREATE, line, COMPLETE])
    assert preview.failed
    assert f"- `{reason}`" in render(preview, "prod")


@pytest.mark.parametrize("line", [diagnostic("warning", "a field is deprecated"), policy("advisory"), "\n"])
def test_a_warning_fails_no_preview(line: str) -> None:
    assert not read([CREATE, line, COMPLETE]).failed


@pytest.mark.parametrize(("op", "verb"), [("replace", "replaced"), ("delete", "deleted")])
def test_a_chart_may_hold_data(op: str, verb: str) -> None:
    kind = "kubernetes:helm.sh/v3:Release"
    metadata = {
        "op": op,
        "urn": f"urn:pulumi:prod::hello-platform::{kind}::jenkins",
        "type": kind,
        "detailedDiff": None,
    }
    text = render(read([json.dumps({"resourcePreEvent": {"metadata": metadata}}), COMPLETE]), "prod")
    assert "> [!CAUTION]" in text
    assert f"- **{verb}**: `{kind}` `jenkins`" in text


def test_a_preview_that_was_cut_off_has_failed() -> None:
    lines = (EVENTS / "update.jsonl").read_text(encoding="utf-8").splitlines()
    assert read(line for line in lines if "summaryEvent" not in line).failed
    assert read([]).failed


@pytest.mark.parametrize("limit", [1000, 5000, LIMIT])
def test_a_comment_is_no_longer_than_it_may_be_and_says_what_it_leaves_out(limit: int) -> None:
    preview = recorded("many")
    text = render(preview, "dev", limit)
    assert len(text) <= limit
    told = text.count("\n- created: ")
    assert told == len(preview.changes) or f"and {len(preview.changes) - told} more" in text


def test_the_command_fails_where_the_preview_did() -> None:
    for name, code in (("update", 0), ("error", 1)):
        with (EVENTS / f"{name}.jsonl").open() as events:
            done = subprocess.run(
                [sys.executable, "-m", "pipelines.preview_report", "dev"],
                cwd=CHECKOUT,
                stdin=events,
                capture_output=True,
                check=False,
            )
        assert done.returncode == code
        assert done.stdout.decode() == (EVENTS / f"{name}.md").read_text(encoding="utf-8")
