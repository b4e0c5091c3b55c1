"""The HTTP connections of a Kubernetes client: time limits in one place, no hidden retries, no files left behind."""

from __future__ import annotations

import ssl
import time
from collections.abc import Generator
from typing import Any

import urllib3
from urllib3.exceptions import ProtocolError, ReadTimeoutError, SSLError
from urllib3.util.ssl_ import ALPN_PROTOCOLS, create_urllib3_context

CONNECT_SECONDS = 3
"""Time limit of a connection, its TLS handshake included."""

OK = 200

PIECE = 1 << 20
"""Most bytes of a response that are read at once."""


def limit_requests(api_client: Any, seconds: float) -> None:
    """Gives every request of a client a time limit, those of its discovery included, and no retry of urllib3's.

    urllib3 limits the time between two pieces of a response; here the whole response has to arrive in time, so that a
    server that sends a byte now and then is no server that answers. What a watch gets is limited by `lines`.

    Args:
        api_client: The `ApiClient`.
        seconds: Time limit of a request that is given none.
    """
    pool_manager: Any = api_client.rest_client.pool_manager
    send = pool_manager.request

    def request(method: str, url: str, *, timeout: urllib3.Timeout | None = None, **options: Any) -> Any:
        limits = timeout or urllib3.Timeout(connect=min(CONNECT_SECONDS, seconds), read=seconds)
        deadline = time.monotonic() + (limits.total if isinstance(limits.total, int | float) else seconds)
        try:
            response: Any = send(
                method, url, **{**options, "timeout": limits, "retries": False, "preload_content": False}
            )
        except SSLError as error:  # on which the client fails with an AttributeError
            raise ProtocolError(str(error)) from error
        is_stream = any(name == "watch" for name, _ in options.get("fields") or ())
        return response if is_stream and response.status == OK else _whole(response, url, deadline)

    pool_manager.request = request


def _whole(response: Any, url: str, deadline: float) -> urllib3.HTTPResponse:
    """The response with its body, read until a deadline."""
    body = bytearray()
    while piece := response.read1(PIECE):
        body += piece
        if time.monotonic() > deadline:
            response.close()
            raise ReadTimeoutError(response._pool, url, "the answer did not end in time")  # noqa: SLF001
    response.release_conn()
    return urllib3.HTTPResponse(
        body=bytes(body),
        headers=response.headers,
        status=response.status,
        reason=response.reason,
        decode_content=False,
    )


def lines(response: Any, seconds: float) -> Generator[bytes]:
    """The lines of a response as they arrive, until it ends; for some seconds at most, whatever the server sends.

    Args:
        response: The response.
        seconds: Time limit of the whole, and of the wait for each piece: together twice as long at most.

    Raises:
        HTTPError: The time is over, or the connection broke.
    """
    deadline, rest = time.monotonic() + seconds, b""
    try:
        for piece in response.stream():
            *whole, rest = (rest + piece).split(b"\n")
            yield from whole
            if time.monotonic() > deadline:
                raise ReadTimeoutError(response._pool, response.url, "the watch did not end in time")  # noqa: SLF001
    finally:
        response.close()


def hold_credentials(api_client: Any) -> None:
    """Loads a client's certificates into memory, and deletes the files that the kubeconfig's data were written to.

    Else a process that is killed would leave its private key in the shared temporary directory. Not while another
    thread does the same or loads a kubeconfig: threads share the files.
    """
    import kubernetes.config.kube_config as kubeconfig_files  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]

    configuration: Any = api_client.configuration
    options: dict[str, Any] = api_client.rest_client.pool_manager.connection_pool_kw
    context = create_urllib3_context(cert_reqs=options.get("cert_reqs"))
    if configuration.ssl_ca_cert:
        context.load_verify_locations(configuration.ssl_ca_cert)
    elif context.verify_mode == ssl.CERT_REQUIRED:
        context.load_default_certs()
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    # urllib3 sets them anew for each connection: that frees what OpenSSL copies for another thread's meanwhile, whose
    # handshake then has garbage in it. https://docs.openssl.org/master/man3/SSL_CTX_set_alpn_select_cb/
    context.set_alpn_protocols(ALPN_PROTOCOLS)
    context.set_alpn_protocols = lambda alpn_protocols: None  # noqa: ARG005 - its name there
    for key in ("ca_certs", "cert_file", "key_file", "cert_reqs"):
        options.pop(key, None)
    options["ssl_context"] = context
    # The client would remove them at its process' regular end only, and find them again until then.
    kubeconfig_files._cleanup_temp_files()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage,reportUnknownMemberType]
