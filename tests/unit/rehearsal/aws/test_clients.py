"""Clients of the account: of one session, created by many threads."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

from rehearsal import aws
from rehearsal.layout import Layout

SERVICES, REGIONS = ("ec2", "iam", "sts", "kms"), ("ap-northeast-2", "eu-west-1")


def test_each_thread_gets_the_client_it_asks_for(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.control_plane.mkdir()
    (layout.control_plane / "ports.json").write_text(json.dumps({"aws": 4566}))
    wanted = list(product(SERVICES, REGIONS)) * 3

    def client(pair: tuple[str, str]) -> Any:
        return aws.client(layout, pair[0], region=pair[1])

    with ThreadPoolExecutor(len(wanted)) as pool:
        clients = list(pool.map(client, wanted))
    found = [(one.meta.service_model.service_name, one.meta.region_name) for one in clients]
    assert found == wanted
    assert {one.meta.endpoint_url for one in clients} == {"http://127.0.0.1:4566"}
