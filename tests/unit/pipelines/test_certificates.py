"""buildkitd and build agents authenticate each other by certificates, and accept no others."""

from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines import certificates


def written(folder: Path) -> Path:
    """Every value in a file of its name."""
    folder.mkdir()
    for name, value in certificates.new_certificates(datetime.now(UTC)).items():
        (folder / f"{name}.pem").write_text(value, encoding="utf-8")
    return folder


def shaken(server: Path, client: Path, *, shows: str | None, host: str = certificates.HOST) -> bool:
    """Whether the two agree on a connection, with TLS as buildkitd and buildctl speak it.

    Args:
        server: Folder of the server's certificates.
        client: Folder of the client's.
        shows: Which certificate the client shows.
        host: What the client calls the server.
    """
    ours, theirs = socket.socketpair()
    answering = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    answering.verify_mode = ssl.CERT_REQUIRED
    answering.load_verify_locations(server / "ca.pem")
    answering.load_cert_chain(server / "server.pem", server / "serverKey.pem")
    asking = ssl.create_default_context(cafile=str(client / "ca.pem"))
    if shows:
        asking.load_cert_chain(client / f"{shows}.pem", client / f"{shows}Key.pem")
    agreed: list[bool] = []

    def answer() -> None:
        try:
            with answering.wrap_socket(theirs, server_side=True) as connection:
                agreed.append(connection.recv(1) == b"x")
        except (ssl.SSLError, OSError):
            agreed.append(False)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        with asking.wrap_socket(ours, server_hostname=host) as connection:
            connection.send(b"x")
    except (ssl.SSLError, OSError):
        ours.close()
    thread.join(10)
    return agreed == [True]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return written(tmp_path / "mine")


def test_an_agent_and_the_daemon_agree(mine: Path) -> None:
    assert shaken(mine, mine, shows="client")


def test_the_daemon_takes_nobody_without_its_authoritys_certificate(mine: Path, tmp_path: Path) -> None:
    others = written(tmp_path / "others")
    (others / "ca.pem").write_text((mine / "ca.pem").read_text(encoding="utf-8"), encoding="utf-8")
    assert not shaken(mine, others, shows="client")
    assert not shaken(mine, mine, shows=None)
    assert not shaken(mine, mine, shows="server"), "a server's certificate is no client's"


def test_an_agent_trusts_no_other_daemon(mine: Path, tmp_path: Path) -> None:
    assert not shaken(written(tmp_path / "others"), mine, shows="client")
    assert not shaken(mine, mine, shows="client", host="elsewhere")


def test_nothing_of_the_authoritys_key_is_kept() -> None:
    assert set(certificates.new_certificates(datetime.now(UTC))) == {"ca", "server", "serverKey", "client", "clientKey"}
