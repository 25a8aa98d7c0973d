"""One client's connection: each message is answered by the rules of its own era, and never with an exception.

The connection knows no stream: it is given messages and a way to send. One thread gives it one message at a time;
what it sends by itself (updates of resources) may come from another thread.

Another transport, or another offer, stands before or behind it so:

    connection = Connection(offer, send)          # `offer`: core/doors/mcp/offer.py
    answer = connection.receive(line)             # bytes to bytes, or None where silence is the answer
    answer = connection.handle(message, send=…)   # values to values; notices that belong to it go to `send`
    connection.close()

Over HTTP a `subscriptions/listen` has no answer until it ends (`handle` gives None, what it sends goes to `send`);
`cancel` ends it when the client has gone. `revision=` passes on what the `MCP-Protocol-Version` header says.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from core.doors.mcp.offer import Exchange, Offer, Send, Wire
from core.doors.mcp.revisions import (
    BATCHING,
    CAPABILITIES_KEY,
    CLIENT_KEY,
    HANDSHAKE,
    ONLY_HANDSHAKE,
    ONLY_STATELESS,
    SERVER_KEY,
    STATELESS,
    STRUCTURED,
    agreed,
    envelope_of,
    is_stateless,
)
from core.doors.mcp.subscriptions import Subscriptions
from core.doors.mcp.wire import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    RpcError,
    decode,
    encode,
    error_of,
    is_id,
    result_of,
)

STATIC_TTL_MS: Final = 3_600_000
"""How long a client may keep what never changes while the program runs."""

_STATIC: Final[Wire] = {"ttlMs": STATIC_TTL_MS, "cacheScope": "public"}
_CACHED: Final[Mapping[str, Wire]] = {
    "server/discover": _STATIC,
    "tools/list": _STATIC,
    "prompts/list": _STATIC,
    "resources/list": _STATIC,
    "resources/templates/list": _STATIC,
    "resources/read": {"ttlMs": 0, "cacheScope": "private"},
}
"""What 2026-07-28 requires of results that can be kept."""

_MOST_IN_A_BATCH: Final = 100


class Connection:
    """What one client and we know of each other.

    `revision` is what a handshake has settled; None before one.
    """

    def __init__(self, offer: Offer, send: Send) -> None:
        self.revision: str | None = None
        self._capabilities: Mapping[str, Any] = {}
        self._offer = offer
        self._send = send
        self._subscriptions = Subscriptions(offer)
        self._methods: dict[str, Callable[[Exchange], Wire | None]] = {
            "initialize": self._initialize,
            "ping": lambda _: {},
            "server/discover": self._discover,
            "tools/list": lambda exchange: self._page(exchange, "tools", offer.tools),
            "tools/call": self._call_tool,
            "prompts/list": lambda exchange: self._page(exchange, "prompts", offer.prompts),
            "prompts/get": self._get_prompt,
            "resources/list": lambda exchange: self._page(exchange, "resources", offer.resources),
            "resources/templates/list": lambda exchange: self._page(
                exchange, "resourceTemplates", offer.resource_templates
            ),
            "resources/read": lambda exchange: offer.read_resource(_text(exchange.params, "uri"), exchange),
            "resources/subscribe": self._subscribe,
            "resources/unsubscribe": self._unsubscribe,
            "subscriptions/listen": lambda exchange: self._subscriptions.listen(exchange),
            "completion/complete": self._complete,
        }

    def receive(self, line: bytes) -> bytes | None:
        """Take one line; the line to answer, or None."""
        if not line.strip():
            return None
        try:
            message = decode(line)
        except RpcError as error:
            return encode(error_of(None, error))
        answer = self.handle(message)
        return None if answer is None else encode(answer)

    def handle(self, message: Any, *, send: Send | None = None, revision: str | None = None) -> Any:
        """Take one message, or a batch where that is allowed; the answer, a list of them, or None."""
        if not isinstance(message, list):
            return self._handle(message, send or self._send, revision)
        if self.revision != BATCHING or not message or len(message) > _MOST_IN_A_BATCH:
            why = "No batches in this revision." if self.revision != BATCHING else "A batch holds 1 to 100 messages."
            return error_of(None, RpcError(INVALID_REQUEST, why))
        answers = [self._handle(each, send or self._send, revision, in_batch=True) for each in message]
        return [each for each in answers if each is not None] or None

    def cancel(self, request_id: Any) -> None:
        """The client does not want the answer to a request any more."""
        self._subscriptions.end(request_id)

    def close(self) -> None:
        """End what is still open, and tell the client so."""
        self._subscriptions.close()

    # one message

    def _handle(self, message: Any, send: Send, revision: str | None, *, in_batch: bool = False) -> Any:
        if not isinstance(message, dict):
            return error_of(None, RpcError(INVALID_REQUEST, "A message is an object."))
        request_id = message.get("id")
        try:
            method = self._method_of(message)
            if method is None:
                return None
            if "id" not in message:
                self._notice(method, message.get("params"))
                return None
            if not is_id(request_id):
                request_id = None
                raise RpcError(INVALID_REQUEST, "The id of a request is a string or a whole number.")
            if method == "initialize" and in_batch:
                raise RpcError(INVALID_REQUEST, "initialize stands alone, in no batch.")
            result = self._answer(request_id, method, message.get("params"), send, revision)
            return None if result is None else result_of(request_id, result)
        except RpcError as error:
            return error_of(request_id if is_id(request_id) else None, error)
        except Exception as error:
            report(error)
            return error_of(request_id, RpcError(INTERNAL_ERROR, "Internal error; the server's log tells more."))

    def _method_of(self, message: Wire) -> str | None:
        """The method; None for an answer, since we have asked nothing."""
        if message.get("jsonrpc") != "2.0":
            raise RpcError(INVALID_REQUEST, 'A message says "jsonrpc": "2.0".')
        method = message.get("method")
        if isinstance(method, str):
            return method
        if "method" not in message and ("result" in message or "error" in message):
            return None
        raise RpcError(INVALID_REQUEST, "A message names its method.")

    def _notice(self, method: str, params: Any) -> None:
        """A message that is never answered: what it should not be, it is not."""
        if method == "notifications/cancelled" and isinstance(params, dict) and is_id(params.get("requestId")):
            self.cancel(params["requestId"])

    def _answer(self, request_id: Any, method: str, params: Any, send: Send, forced: str | None) -> Wire | None:
        if params is None:
            params = {}
        if not isinstance(params, dict):
            raise RpcError(INVALID_PARAMS, "params is an object.")
        if is_stateless(method, params, forced):
            return self._answer_stateless(request_id, method, params, send)
        if method in ONLY_STATELESS or method not in self._methods:
            raise RpcError(METHOD_NOT_FOUND, "Method not found", method)
        exchange = Exchange(
            request_id, method, params, revision=self.revision or forced or HANDSHAKE[-1],
            capabilities=self._capabilities, send=send,
        )  # fmt: skip
        result = self._methods[method](exchange)
        if result is not None and exchange.revision < STRUCTURED:
            result.pop("structuredContent", None)
        return result

    def _answer_stateless(self, request_id: Any, method: str, params: Wire, send: Send) -> Wire | None:
        meta = envelope_of(params)
        if method in ONLY_HANDSHAKE or method not in self._methods:
            raise RpcError(METHOD_NOT_FOUND, "Method not found", method)
        if isinstance(client := meta.get(CLIENT_KEY), Mapping):
            self._offer.introduce(client)
        exchange = Exchange(
            request_id, method, params, revision=STATELESS[-1], capabilities=meta[CAPABILITIES_KEY], send=send
        )
        result = self._methods[method](exchange)
        if result is None:
            return None
        said = result.get("_meta") or {}
        hints = _CACHED.get(method, {}) if result.get("resultType", "complete") == "complete" else {}
        return {
            "resultType": "complete", **hints, **result, "_meta": {SERVER_KEY: self._offer.server_info, **said},
        }  # fmt: skip

    # the methods

    def _initialize(self, exchange: Exchange) -> Wire:
        params = exchange.params
        requested = _text(params, "protocolVersion")
        client, capabilities = params.get("clientInfo"), params.get("capabilities")
        if not isinstance(client, Mapping) or not isinstance(capabilities, Mapping):
            raise RpcError(INVALID_PARAMS, "initialize takes clientInfo and capabilities, both objects.")
        self.revision = agreed(requested)
        self._capabilities = capabilities
        self._offer.introduce(client)
        return {
            "protocolVersion": self.revision,
            "capabilities": self._offer.capabilities,
            "serverInfo": self._offer.server_info,
            "instructions": self._offer.instructions,
        }

    def _discover(self, _: Exchange) -> Wire:
        return {
            "supportedVersions": [*STATELESS],
            "capabilities": self._offer.capabilities,
            "instructions": self._offer.instructions,
        }

    def _page(self, exchange: Exchange, noun: str, offered: Callable[[], Any]) -> Wire:
        """A list in one page; no cursor was ever given out."""
        if exchange.params.get("cursor") is not None:
            raise RpcError(INVALID_PARAMS, "There is no such cursor; the list has one page.")
        return {noun: list(offered())}

    def _call_tool(self, exchange: Exchange) -> Wire:
        arguments = _arguments(exchange.params)
        return self._offer.call_tool(_text(exchange.params, "name"), arguments, exchange)

    def _get_prompt(self, exchange: Exchange) -> Wire:
        arguments = _arguments(exchange.params)
        if not all(isinstance(value, str) for value in arguments.values()):
            raise RpcError(INVALID_PARAMS, "The arguments of a prompt are strings.")
        return self._offer.get_prompt(_text(exchange.params, "name"), arguments, exchange)

    def _subscribe(self, exchange: Exchange) -> Wire:
        self._subscriptions.subscribe(_text(exchange.params, "uri"), self._send)
        return {}

    def _unsubscribe(self, exchange: Exchange) -> Wire:
        self._subscriptions.unsubscribe(_text(exchange.params, "uri"))
        return {}

    def _complete(self, exchange: Exchange) -> Wire:
        reference, argument = exchange.params.get("ref"), exchange.params.get("argument")
        if not isinstance(reference, Mapping) or not isinstance(argument, Mapping):
            raise RpcError(INVALID_PARAMS, "completion/complete takes ref and argument, both objects.")
        found = list(self._offer.complete(reference, _text(argument, "name"), _text(argument, "value")))
        shown = found[:100]  # the protocol allows no more
        return {"completion": {"values": shown, "total": len(found), "hasMore": len(found) > len(shown)}}


def report(error: BaseException) -> None:
    """Log an error that nobody foresaw, with its traceback."""
    from logging import getLogger

    getLogger(__name__).error("a message could not be answered", exc_info=error)


def _text(params: Mapping[str, Any], name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str):
        raise RpcError(INVALID_PARAMS, f"{name} is missing, or is no string.")
    return value


def _arguments(params: Mapping[str, Any]) -> Mapping[str, Any]:
    arguments = params.get("arguments")
    if arguments is None:
        return {}
    if not isinstance(arguments, Mapping):
        raise RpcError(INVALID_PARAMS, "arguments is an object.")
    return arguments
