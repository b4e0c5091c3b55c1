"""The server of the AWS account: moto's, behind the journal."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from math import inf
from typing import Any, cast

from moto.core.authorization import ActionAuthenticatorMixin  # pyright: ignore[reportMissingTypeStubs]
from moto.moto_server.werkzeug_app import (  # pyright: ignore[reportMissingTypeStubs]
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Response

from rehearsal.aws import HEALTH
from rehearsal.aws.journal import Application, Journal
from rehearsal.layout import Layout
from rehearsal.ports import LOOPBACK


def listen(application: Application, port: int) -> BaseWSGIServer:
    """A server of the application, listening on loopback; `serve_forever` serves.

    Args:
        application: What answers.
        port: Where; 0 for any free one.
    """
    # One line a request would be the most of what the log says.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    return make_server(LOOPBACK, port, application, threaded=True, request_handler=MotoRequestHandler)


def application(layout: Layout) -> Application:
    """The account as a WSGI application, with all that it had."""
    layout.aws_journal.parent.mkdir(parents=True, exist_ok=True)
    journal = Journal(_judging(DomainDispatcherApplication(create_backend_app)), layout.aws_journal)
    journal.replay()

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == HEALTH:
            return Response()(environ, start_response)
        return journal(environ, start_response)

    return answer


def _judging(application: Application) -> Application:
    """Lets a role do what its policies allow, by moto's own judgement; the administrator, everything.

    moto looks at a statement's actions; at its resources and conditions it does not (`moto/iam/access_control.py`).
    A role's credentials have a session token, and the administrator's have none. One request at a time, as the journal
    has it.
    """

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        is_judged = "HTTP_X_AMZ_SECURITY_TOKEN" in environ
        ActionAuthenticatorMixin.request_count = cast("Any", inf if is_judged else -inf)
        return application(environ, start_response)

    return answer
