"""The bootstrap job: its requests, its handling of responses, and that it is idempotent."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.logging.bootstrap import job
from components.logging.bootstrap.component import parameters
from components.logging.bootstrap.job import __main__ as program
from components.logging.bootstrap.job import client, elasticsearch, kibana
from components.logging.bootstrap.job.__main__ import set_up, watch
from components.logging.bootstrap.job.checks import CHECKS, NOT_SET_UP
from components.logging.bootstrap.job.client import Server, SetupError
from config import Logs
from tests.unit.components.logging.bootstrap.stand_in import PASSWORD, Account, serving
from tools.program.graph import every

ENVIRONMENTS = ["dev", "prod", "platform"]
NAMES = ("snapshots-of-it", "hello-dev", "ap-northeast-2")
TRUST = "/api/v1/namespaces/log-collector/configmaps/elasticsearch-ca?fieldManager=logs-setup"


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """The emulated servers, with a short delay before retries."""
    monkeypatch.setattr(client, "SECONDS_BETWEEN", 0.01)
    with serving() as servers:
        yield servers


def stack_parameters(account: Account, folder: Path) -> dict[str, Any]:
    certificate = folder / "ca.crt"
    certificate.write_text("a certificate")
    return {
        **parameters(Logs(), *NAMES),
        "elasticsearch": account.url,
        "kibana": account.url,
        "elasticsearchCa": str(certificate),
        "kibanaCa": str(certificate),
    }


def run(account: Account, folder: Path, *, password: str = PASSWORD, seconds: float = 5) -> list[str]:
    deadline = time.monotonic() + seconds
    kubernetes = Server("Kubernetes", account.url, None, {}, deadline)
    return set_up(stack_parameters(account, folder), password, deadline=deadline, kubernetes=kubernetes)


def test_a_first_run_makes_everything(account: Account, tmp_path: Path) -> None:
    sent = run(account, tmp_path)
    assert len(sent) == len(account.asked)
    for name in ENVIRONMENTS:
        assert account.there[f"/_ilm/policy/logs-hello-{name}"]
        assert account.there[f"/_index_template/logs-hello-{name}"]["index_patterns"] == [f"logs-hello-{name}"]
        assert f"/_data_stream/logs-hello-{name}" in account.there
        assert account.there[name]["title"] == f"logs-hello-{name}*"
        assert {one for one in account.there if one.startswith(f"{name}-")} == {
            f"{name}-errors",
            f"{name}-trace",
            f"{name}-errors-by-service",
            f"{name}-errors-by-slot",
            f"{name}-duration-by-slot",
            f"{name}-latency-by-slot",
            f"{name}-slowest-services",
            f"{name}-slowest-paths",
            f"{name}-dashboard",
        }
    assert account.there["default"] == "dev"
    assert account.there[TRUST] == {"ca.crt": "a certificate"}


def test_after_the_setup_the_state_of_the_logs_is_asked_for(account: Account, tmp_path: Path) -> None:
    run(account, tmp_path)
    deadline = time.monotonic() + 5
    kubernetes = Server("Kubernetes", account.url, None, {}, deadline)
    metrics = watch(stack_parameters(account, tmp_path), PASSWORD, deadline=deadline, kubernetes=kubernetes)
    assert {*metrics, NOT_SET_UP} == {check.metric for check in CHECKS}
    assert not any(metrics.values())
    assert "GET /api/v1/namespaces/log-collector/pods" in account.asked


def test_fluentd_may_trust_elasticsearch_once_its_data_streams_are_there(account: Account, tmp_path: Path) -> None:
    run(account, tmp_path)
    streams = [index for index, one in enumerate(account.asked) if one.startswith("PUT /_data_stream/")]
    assert max(every(streams)) < account.asked.index(f"PATCH {TRUST}")


def test_each_night_everything_is_written_to_the_bucket_for_as_long_as_is_said(
    account: Account, tmp_path: Path
) -> None:
    run(account, tmp_path)
    assert account.there["/_snapshot/s3"] == {"type": "s3", "settings": {"bucket": "snapshots-of-it"}}
    nightly = account.there["/_slm/policy/nightly"]
    assert nightly["config"]["indices"] == ["logs-hello-*"]
    assert nightly["retention"]["expire_after"] == "14d"


def test_where_s3_refuses_logs_can_be_read_all_the_same(account: Account, tmp_path: Path) -> None:
    account.faults["/_snapshot/s3"] = [403]
    with pytest.raises(SetupError, match=r"Elasticsearch: PUT /_snapshot/s3: 403 .*see that the password and role"):
        run(account, tmp_path)
    assert "prod-dashboard" in account.there


def test_a_second_run_finds_everything_and_leaves_it(account: Account, tmp_path: Path) -> None:
    first = run(account, tmp_path)
    objects = dict(account.there)
    assert run(account, tmp_path) == first
    assert account.there == objects


def test_what_somebody_deleted_comes_back(account: Account, tmp_path: Path) -> None:
    run(account, tmp_path)
    del account.there["prod"], account.there["prod-dashboard"]
    run(account, tmp_path)
    assert {"prod", "prod-dashboard"} <= set(account.there)


@pytest.mark.parametrize(
    ("path", "statuses"),
    [
        ("/api/status", [503, 503]),
        ("/_cluster/health?wait_for_status=yellow&timeout=20s", [408]),
        ("/_ilm/policy/logs-hello-dev", [500]),
        ("/api/data_views/data_view", [409]),
        ("/api/saved_objects/_import?overwrite=true", [429]),
    ],
)
def test_a_server_that_is_not_ready_is_asked_again(
    account: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str], path: str, statuses: list[int]
) -> None:
    account.faults[path] = list(statuses)
    run(account, tmp_path)
    assert capsys.readouterr().out.count("waiting for ") == len(statuses)


def test_a_server_that_never_gets_ready_is_told_with_its_last_words(account: Account, tmp_path: Path) -> None:
    account.faults["/api/status"] = [503] * 1000
    with pytest.raises(SetupError, match=r"Kibana: GET /api/status: 503 .*not now.*the next run tries again"):
        run(account, tmp_path, seconds=0.3)


def test_a_server_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "SECONDS_BETWEEN", 0.01)
    with pytest.raises(SetupError, match=r"Elasticsearch: GET .*refused"):
        run(Account(url="http://127.0.0.1:1"), tmp_path, seconds=0.1)


def test_a_wrong_password_ends_the_run_at_once_and_is_not_shown(account: Account, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="401") as error:
        run(account, tmp_path, password="of another day")  # noqa: S106 - made up
    assert len(account.asked) == 1
    assert "of another day" not in str(error.value)


@pytest.mark.parametrize(
    ("password", "code", "ends"),
    [
        (PASSWORD, 0, r"SET UP: \d+ requests succeeded\n"),
        ("of another day", 1, r"NOT SET UP: Elasticsearch: GET .*: 401 .*\n"),
    ],
)
def test_the_log_of_a_run_ends_with_its_result(
    account: Account,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    password: str,
    code: int,
    ends: str,
) -> None:
    file = tmp_path / "parameters.json"
    file.write_text(json.dumps(stack_parameters(account, tmp_path)))

    def in_cluster(deadline: float) -> Server:
        return Server("Kubernetes", account.url, None, {}, deadline)

    published: list[dict[str, float]] = []
    monkeypatch.setattr(program, "in_cluster", in_cluster)

    def publish(alarms: dict[str, str], metrics: dict[str, float]) -> None:
        assert alarms["stack"] == "hello-dev"
        published.append(metrics)

    monkeypatch.setattr(program, "publish", publish)
    monkeypatch.setattr(sys, "argv", ["logs_setup", str(file)])
    monkeypatch.setenv("ELASTICSEARCH_PASSWORD", password)
    assert program.main() == code
    assert [one[NOT_SET_UP] for one in published] == [code]
    assert re.fullmatch(ends, capsys.readouterr().out.splitlines(keepends=True)[-1])


def test_a_request_that_is_wrong_ends_the_run(account: Account, tmp_path: Path) -> None:
    account.faults["/_index_template/logs-hello-prod"] = [400]
    with pytest.raises(SetupError, match="wrong for this version"):
        run(account, tmp_path)


def test_objects_that_kibana_does_not_take_end_the_run(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dangling = {**kibana.saved_objects("dev")[0], "references": [{"name": "x", "type": "index-pattern", "id": "gone"}]}

    def dangling_only(_environment: str) -> list[dict[str, Any]]:
        return [dangling]

    monkeypatch.setattr(kibana, "saved_objects", dangling_only)
    with pytest.raises(SetupError, match="missing_references"):
        run(account, tmp_path)


def test_events_are_kept_as_long_as_the_settings_say() -> None:
    paths = {one.path: one.body for one in elasticsearch.requests("logs-hello", {"dev": 7, "prod": 90})}
    assert paths["/_ilm/policy/logs-hello-prod"]["policy"]["phases"]["delete"]["min_age"] == "90d"
    assert paths["/_ilm/policy/logs-hello-dev"]["policy"]["phases"]["delete"]["min_age"] == "7d"


def test_our_template_comes_before_elasticsearchs_own_and_keeps_events_as_they_came() -> None:
    template = elasticsearch.template("logs-hello-dev")
    # https://www.elastic.co/docs/manage-data/data-store/index-templates-overview: `logs-*-*` has 100.
    assert template["priority"] > 100
    assert template["template"]["settings"]["index.mode"] == "standard"
    assert template["template"]["settings"]["index.lifecycle.name"] == "logs-hello-dev"


def test_labels_and_json_are_one_field_each_and_no_field_comes_by_itself() -> None:
    template = elasticsearch.template("logs-hello-dev")["template"]
    properties = template["mappings"]["properties"]
    assert template["mappings"]["dynamic"] is False
    assert template["settings"]["index.mapping.total_fields.limit"] <= 100
    assert properties["json"]["type"] == properties["kubernetes"]["properties"]["labels"]["type"] == "flattened"


def test_every_object_refers_to_its_own_environments_data_view_or_to_another_object() -> None:
    for name in ENVIRONMENTS:
        objects = kibana.saved_objects(name)
        for one in objects:
            for reference in every(one["references"]):
                assert reference["id"] in {name, *(it["id"] for it in objects)}


def test_the_script_needs_nothing_but_the_standard_library(tmp_path: Path) -> None:
    package = tmp_path / "logs_setup"
    package.mkdir()
    for name, text in job.files().items():
        (package / name).write_text(text)
    (tmp_path / "parameters.json").write_text(json.dumps(parameters(Logs(), *NAMES)))
    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        "import sys; sys.path.insert(0, sys.argv[1]); import logs_setup.__main__",
    ]
    subprocess.run([*command, str(tmp_path)], check=True)
