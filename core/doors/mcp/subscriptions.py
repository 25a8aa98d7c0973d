"""What a client wants to be told of: resources it has subscribed to, in the way of either era."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from core.doors.mcp.offer import Exchange, Offer, Send, Wire
from core.doors.mcp.revisions import SERVER_KEY, SUBSCRIPTION_KEY
from core.doors.mcp.wire import INVALID_PARAMS, INVALID_REQUEST, RpcError, notification, result_of

MOST: Final = 1000
"""URIs or streams that one client may have open."""

UPDATED: Final = "notifications/resources/updated"


class Subscriptions:
    """The subscriptions of one connection. What is behind them is watched only while there are any."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self._lock = threading.Lock()
        self._by_uri: dict[str, Send] = {}
        self._streams: dict[Any, _Stream] = {}
        self._stop: Callable[[], None] | None = None

    def subscribe(self, uri: str, send: Send) -> None:
        """Tell of a resource from now on, as the handshake era does.

        Raises:
            RpcError: there is no such resource.
        """
        self._require_offered()
        if not self._offer.has_resource(uri):
            raise RpcError(INVALID_PARAMS, f"Resource not found: {uri[:200]}", {"uri": uri})
        self._watch()
        with self._lock:
            if len(self._by_uri) >= MOST and uri not in self._by_uri:
                raise RpcError(INVALID_REQUEST, f"At most {MOST} subscriptions.")
            self._by_uri[uri] = send

    def unsubscribe(self, uri: str) -> None:
        """No longer tell of a resource."""
        self._require_offered()
        with self._lock:
            self._by_uri.pop(uri, None)
        self._rest()

    def listen(self, exchange: Exchange) -> None:
        """Open a stream, as the stateless era does; it is answered when it ends. It tells of resources that there are.

        Raises:
            RpcError: it does not say what to tell of, or its id is in use.
        """
        wanted = exchange.params.get("notifications")
        uris = wanted.get("resourceSubscriptions") if isinstance(wanted, Mapping) else None
        if not isinstance(wanted, Mapping) or not isinstance(uris or [], list):
            raise RpcError(INVALID_PARAMS, "subscriptions/listen takes notifications, an object.")
        if not all(isinstance(uri, str) for uri in uris or []):
            raise RpcError(INVALID_PARAMS, "resourceSubscriptions is a list of URIs.")
        asked = list(dict.fromkeys(uris or [])) if self._is_offered else []
        if len(asked) > MOST:
            raise RpcError(INVALID_REQUEST, f"At most {MOST} resources a stream.")
        honoured = [uri for uri in asked if self._offer.has_resource(uri)]
        stream = _Stream(exchange, frozenset(honoured), self._offer.server_info)
        if honoured:
            self._watch()
        with self._lock:
            if exchange.request_id in self._streams:
                raise RpcError(INVALID_REQUEST, "A stream with this id is open.")
            if len(self._streams) >= MOST:
                raise RpcError(INVALID_REQUEST, f"At most {MOST} streams.")
            stream.acknowledge({"resourceSubscriptions": honoured} if honoured else {})
            self._streams[exchange.request_id] = stream

    def end(self, request_id: Any) -> None:
        """End the stream of that id, if there is one; nothing more is sent on it."""
        with self._lock:
            self._streams.pop(request_id, None)
        self._rest()

    def close(self) -> None:
        """End all; each stream is answered, so that the client knows it ended on purpose."""
        with self._lock:
            streams = list(self._streams.values())
            self._streams.clear()
            self._by_uri.clear()
        for stream in streams:
            stream.answer()
        self._rest()

    @property
    def _is_offered(self) -> bool:
        return bool(self._offer.capabilities.get("resources", {}).get("subscribe"))

    def _require_offered(self) -> None:
        if not self._is_offered:
            raise RpcError(INVALID_REQUEST, "Resources cannot be subscribed to here.")

    def _watch(self) -> None:
        if self._stop is None:
            self._stop = self._offer.watch(self._changed)

    def _rest(self) -> None:
        with self._lock:
            is_idle = not self._by_uri and not any(stream.uris for stream in self._streams.values())
        if is_idle and self._stop is not None:
            stop, self._stop = self._stop, None
            stop()

    def _changed(self, uris: Sequence[str]) -> None:
        with self._lock:
            for uri in uris:
                if (send := self._by_uri.get(uri)) is not None:
                    send(notification(UPDATED, {"uri": uri}))
                for stream in self._streams.values():
                    stream.tell(uri)


class _Stream:
    """One open `subscriptions/listen`: all that it sends carries its id."""

    def __init__(self, exchange: Exchange, uris: frozenset[str], server_info: Wire) -> None:
        self.uris = uris
        self._exchange = exchange
        self._meta = {SUBSCRIPTION_KEY: exchange.request_id}
        self._server_info = server_info

    def acknowledge(self, honoured: Wire) -> None:
        """Say what will be told of; the first that stands on the stream."""
        self._exchange.notify(
            "notifications/subscriptions/acknowledged", {"_meta": self._meta, "notifications": honoured}
        )

    def tell(self, uri: str) -> None:
        """Say that a resource has changed, if this stream is about it."""
        if uri in self.uris:
            self._exchange.notify(UPDATED, {"_meta": self._meta, "uri": uri})

    def answer(self) -> None:
        """Answer the request that opened it, which ends it."""
        result = {"resultType": "complete", "_meta": {**self._meta, SERVER_KEY: self._server_info}}
        self._exchange.send(result_of(self._exchange.request_id, result))
