"""The dispatcher behind streamable HTTP, for the conformance suite, which speaks nothing else. No door of the product.

Run as a program it serves the suite's fixtures on a free port of this machine, and says its URL on standard output.

Handshake revisions get a session, a connection each (`Mcp-Session-Id`); a stateless request has a connection of its
own. An answer is plain JSON unless a notice of the request goes before it: then it is a stream of events.
"""

import asyncio
import base64
import json
import secrets
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from core.doors.mcp.connection import Connection
from core.doors.mcp.offer import Offer
from core.doors.mcp.revisions import REVISION_KEY, is_stateless
from core.doors.mcp.wire import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    UNSUPPORTED_REVISION,
    RpcError,
    decode,
    encode,
    error_of,
)
from tests.support.mcp_rounds import MISSING_CAPABILITY

PATH: Final = "/mcp"
HEADER_MISMATCH: Final = -32020

_OURS: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts by which this machine is called; any other is a page's attempt to reach us under its own name."""
_NAMED_BY: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""What `Mcp-Name` repeats, by method."""
_STATUS: Final = {
    PARSE_ERROR: 400, INVALID_REQUEST: 400, INVALID_PARAMS: 400, METHOD_NOT_FOUND: 404, INTERNAL_ERROR: 500,
    HEADER_MISMATCH: 400, MISSING_CAPABILITY: 400, UNSUPPORTED_REVISION: 400,
}  # fmt: skip
"""The HTTP status of an error, by its code, in the stateless era."""


class _Outbox:
    """Messages on their way to one client; `send` may be called from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.queue: asyncio.Queue[Any] = asyncio.Queue()

    def send(self, message: Any) -> None:
        self._loop.call_soon_threadsafe(self.queue.put_nowait, message)


class _Session:
    """A client of the handshake era."""

    def __init__(self, offer: Offer) -> None:
        self.outbox = _Outbox()
        self.connection = Connection(offer, self.outbox.send)
        self.turn = asyncio.Lock()


class HttpMount:
    """One offer behind one endpoint."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self._sessions: dict[str, _Session] = {}

    def app(self) -> Starlette:
        """The ASGI app."""
        return Starlette(routes=[Route(PATH, self._answer, methods=["GET", "POST", "DELETE"])])

    async def _answer(self, request: Request) -> Response:
        for header in ("host", "origin"):
            if (value := request.headers.get(header)) is not None and not _is_ours(value):
                return _refusal(None, RpcError(INVALID_REQUEST, f"The {header} {value} is not this machine."), 403)
        if request.method == "POST":
            return await self._post(request)
        session = self._sessions.get(request.headers.get("mcp-session-id", ""))
        if session is None:
            return _refusal(None, RpcError(INVALID_REQUEST, "No such session."), 404)
        if request.method == "GET":
            return _stream(_told(session.outbox.queue))
        self._sessions.pop(request.headers["mcp-session-id"]).connection.close()
        return Response(status_code=204)

    async def _post(self, request: Request) -> Response:
        try:
            message = decode(await request.body())
        except RpcError as error:
            return _refusal(None, error, 400)
        fields = message if isinstance(message, dict) else {}
        params = fields["params"] if isinstance(fields.get("params"), dict) else {}
        revision = request.headers.get("mcp-protocol-version")
        if is_stateless(str(fields.get("method")), params, revision):
            return await self._stateless(request, fields, params, message)
        return await self._in_session(request, fields, message, revision)

    # the handshake era

    async def _in_session(
        self, request: Request, fields: Mapping[str, Any], message: Any, revision: str | None
    ) -> Response:
        name = request.headers.get("mcp-session-id")
        headers = {}
        if fields.get("method") == "initialize":
            name = secrets.token_hex(16)
            headers = {"mcp-session-id": name}
            self._sessions[name] = _Session(self._offer)
        if name is None or name not in self._sessions:
            why = "No such session." if name else "Mcp-Session-Id is missing."
            return _refusal(fields.get("id"), RpcError(INVALID_REQUEST, why), 404 if name else 400)
        session, outbox = self._sessions[name], _Outbox()
        async with session.turn:
            work = asyncio.create_task(
                asyncio.to_thread(session.connection.handle, message, send=outbox.send, revision=revision)
            )
            return await _response(work, outbox, headers=headers, statuses={})

    # the stateless era

    async def _stateless(
        self, request: Request, fields: Mapping[str, Any], params: Mapping[str, Any], message: Any
    ) -> Response:
        if (why := _mismatch(request.headers, fields, params)) is not None:
            return _refusal(fields.get("id"), RpcError(HEADER_MISMATCH, why), 400)
        outbox = _Outbox()
        connection = Connection(self._offer, outbox.send)
        revision = request.headers["mcp-protocol-version"]
        work = asyncio.create_task(asyncio.to_thread(connection.handle, message, send=outbox.send, revision=revision))
        is_open = fields.get("method") == "subscriptions/listen"
        return await _response(work, outbox, headers={}, statuses=_STATUS, connection=connection if is_open else None)


async def _response(
    work: "asyncio.Task[Any]", outbox: _Outbox, *, headers: Mapping[str, str], statuses: Mapping[int, int],
    connection: Connection | None = None,
) -> Response:  # fmt: skip
    """The answer that `work` gives, with the notices that came before it; a stream that stays open if `connection`."""
    notice = asyncio.create_task(outbox.queue.get())
    await asyncio.wait({work, notice}, return_when=asyncio.FIRST_COMPLETED)
    if notice.done():
        return _stream(_conversation(notice.result(), work, outbox, connection), headers)
    notice.cancel()
    answer = await work
    if answer is None:
        return Response(status_code=202, headers=dict(headers))
    code = answer["error"]["code"] if isinstance(answer, dict) and "error" in answer else None
    return Response(
        encode(answer), statuses.get(code, 200) if code is not None else 200, dict(headers), "application/json"
    )


async def _conversation(
    first: Any, work: "asyncio.Task[Any]", outbox: _Outbox, connection: Connection | None
) -> AsyncIterator[Any]:
    """The notices of a request and then its answer; one that stays open ends when its client has gone."""
    try:
        yield first
        while True:
            notice = asyncio.create_task(outbox.queue.get())
            waited = {notice} if connection is not None and work.done() else {work, notice}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if notice.done():
                yield notice.result()
                continue
            notice.cancel()
            if connection is None or work.result() is not None:
                yield work.result()
                return
    finally:
        if connection is not None:
            connection.close()


async def _told(queue: "asyncio.Queue[Any]") -> AsyncIterator[Any]:
    while True:
        yield await queue.get()


def _stream(messages: AsyncIterator[Any], headers: Mapping[str, str] | None = None) -> StreamingResponse:
    async def events() -> AsyncIterator[bytes]:
        async for message in messages:
            yield b"event: message\ndata: " + encode(message) + b"\n"

    return StreamingResponse(events(), headers=dict(headers or {}), media_type="text/event-stream")


def _refusal(request_id: Any, error: RpcError, status: int) -> JSONResponse:
    return JSONResponse(error_of(request_id, error), status)


def _is_ours(header: str) -> bool:
    """Whether a Host or Origin header names this machine."""
    with suppress(ValueError):
        return urlsplit(header if "//" in header else f"//{header}").hostname in _OURS
    return False


def _mismatch(headers: Mapping[str, str], fields: Mapping[str, Any], params: Mapping[str, Any]) -> str | None:
    """How the headers that repeat what the body says differ from it; None if they do not."""
    meta = params.get("_meta")
    named = meta.get(REVISION_KEY) if isinstance(meta, Mapping) else None
    revision = headers.get("mcp-protocol-version")
    if revision is None or (isinstance(named, str) and revision != named):
        return f"MCP-Protocol-Version is {revision!r}, the body says {named!r}."
    if "id" not in fields:
        return None
    if headers.get("mcp-method") != fields.get("method"):
        return f"Mcp-Method is {headers.get('mcp-method')!r}, the body says {fields.get('method')!r}."
    key = _NAMED_BY.get(str(fields.get("method")))
    if key is not None and _plain(headers.get("mcp-name")) != params.get(key):
        return f"Mcp-Name is {headers.get('mcp-name')!r}, the body says {params.get(key)!r}."
    return None


def _plain(header: str | None) -> str | None:
    """A header's value, decoded where it says that it is encoded."""
    if header is None or not (header.startswith("=?base64?") and header.endswith("?=")):
        return header
    with suppress(ValueError):
        return base64.b64decode(header.removeprefix("=?base64?").removesuffix("?="), validate=True).decode()
    return None


def main() -> None:
    """Serve the fixtures until we are killed."""
    from tests.support.mcp_fixtures import Fixtures

    listener = socket.create_server(("127.0.0.1", 0))
    print(json.dumps({"url": f"http://127.0.0.1:{listener.getsockname()[1]}{PATH}"}), flush=True)
    config = uvicorn.Config(HttpMount(Fixtures()).app(), log_level="warning", lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
