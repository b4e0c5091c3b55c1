"""The page's web server: answers GET only, holds one cache, and pushes changes by server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import uvicorn
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from release.page.lookout import Lookout
from release.page.view import EnvironmentView, Look, announcements, version
from release.status import age

MOST_WATCHERS = 100
"""Browsers that are pushed changes at the same time; another one is told to come again later."""

KEEP_ALIVE_SECONDS = 4010
"""For which an idle connection stays open: longer than a load balancer may let it be idle (4000 s), so that the server
never closes one that the load balancer is about to use.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
"""

HEADERS: Mapping[str, str] = {
    # Nothing but files of this server: no script, style or text from elsewhere, no form, no frame around it.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    # Browsers heed it over HTTPS only.
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of every answer. https://cheatsheetseries.owasp.org/cheatsheets/HTTP_Headers_Cheat_Sheet.html"""

_HERE = Path(__file__).parent


class SecurityHeaders:
    """Adds `HEADERS` to every answer; what does not say otherwise is kept by no cache.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


def application(lookout: Lookout) -> Starlette:
    """The web application, which looks at the cluster as long as it runs."""

    async def page(_: Request) -> Response:
        return HTMLResponse(drawn("page.html", look=lookout.look, now=lookout.clock.now()))

    async def state(_: Request) -> Response:
        return Response(lookout.look.to_json(), media_type="application/json")

    async def events(_: Request) -> Response:
        if lookout.watchers >= MOST_WATCHERS:
            return PlainTextResponse("too many browsers watch", status_code=503, headers={"Retry-After": "10"})
        return EventSourceResponse(_events(lookout), headers={"X-Accel-Buffering": "no"})

    async def ready(_: Request) -> Response:
        return PlainTextResponse("")

    async def alive(_: Request) -> Response:
        return PlainTextResponse("", status_code=200 if lookout.is_alive else 503)

    @asynccontextmanager
    async def looking(_: Starlette) -> AsyncGenerator[None]:
        task = asyncio.create_task(lookout.run())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    return Starlette(
        routes=[
            Route("/", page),
            Route("/state.json", state),
            Route("/events", events),
            # Ready without an API server, too: the page then says since when it does not answer.
            Route("/readyz", ready),
            Route("/healthz", alive),
            Mount("/static", StaticFiles(directory=_HERE / "static")),
        ],
        middleware=[Middleware(SecurityHeaders)],
        lifespan=looking,
    )


def web_server(lookout: Lookout, *, address: str = "127.0.0.1", port: int = 0) -> uvicorn.Server:
    """The web server of the page, which serves it until it is told to end.

    Args:
        lookout: What looks at the cluster.
        address: IP address to listen on.
        port: TCP port.
    """
    return uvicorn.Server(
        uvicorn.Config(
            application(lookout),
            host=address,
            port=port,
            log_level="warning",
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            # Browsers that watch never end by themselves.
            timeout_graceful_shutdown=1,
        )
    )


def drawn(template: str, **values: Any) -> str:
    """HTML of a template, in which every value is escaped."""
    return _templates().get_template(template).render(**values)


def parts(look: Look, *, now: datetime) -> dict[str, str]:
    """The parts of the page that change, as HTML by their id."""
    html = {"alert": drawn("alert.html", look=look, now=now)}
    for environment in look.environments:
        html[f"about-{environment.name}"] = drawn("environment.html", environment=environment)
        html |= {one.key: drawn("service.html", service=one, now=now) for one in environment.services}
    return html


def update(before: Look | None, after: Look, *, now: datetime) -> dict[str, Any]:
    """What a browser needs that has shown a look, in order to show the next one; all of it without a look before.

    `read` is the time of the last good look, `parts` has what to replace by its id. With `reload` set there are other
    services than before.
    """
    last = before or Look()
    known, found = _versions(before) if before else {}, _versions(after)
    changed = {key for key, value in found.items() if known.get(key) != value}
    return {
        "read": after.read.isoformat() if after.read else None,
        "failed": after.error is not None,
        "keys": version(sorted(found)),
        "parts": {key: html for key, html in parts(after, now=now).items() if key in changed} if changed else {},
        "news": announcements(last, after),
    }


def _versions(look: Look) -> dict[str, str]:
    alert = {"alert": version(look.error)}
    about = {f"about-{one.name}": _about(one) for one in look.environments}
    return {**alert, **about, **{key: version(service) for key, service in look.services.items()}}


def _about(environment: EnvironmentView) -> str:
    return version((replace(environment, services=()), environment.counts))


async def _events(lookout: Lookout) -> AsyncGenerator[ServerSentEvent]:
    before: Look | None = None
    async for look in lookout.follow():
        message = update(before, look, now=lookout.clock.now())
        yield ServerSentEvent(event="look", data=json.dumps(message))
        before = look


def _age(time: datetime, now: datetime) -> str:
    return age(now - time)


def _left(time: datetime, now: datetime) -> str:
    return age(time - now)


def _keys(look: Look) -> str:
    return version(sorted(_versions(look)))


def _version(shown: object) -> str:
    return _about(shown) if isinstance(shown, EnvironmentView) else version(shown)


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = templates.filters
    filters |= {"age": _age, "left": _left, "keys": _keys, "version": _version}
    return templates
