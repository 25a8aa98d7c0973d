"""The revisions of MCP that are served, and the era to which a message belongs.

Up to 2025-11-25 a client shakes hands (`initialize`) and the revision holds for the connection; from 2026-07-28 on
there is no handshake and each request carries its revision, the client and its capabilities in `_meta`. Real clients
mix both on one connection, so each message is judged by itself.
"""

from collections.abc import Mapping
from typing import Any, Final

from core.doors.mcp.wire import INVALID_PARAMS, UNSUPPORTED_REVISION, RpcError

HANDSHAKE: Final = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
"""Revisions with a handshake, oldest first."""
STATELESS: Final = ("2026-07-28",)
"""Revisions without one."""

BATCHING: Final = "2025-03-26"
"""The one revision in which several messages may share a line."""
STRUCTURED: Final = "2025-06-18"
"""The first revision whose tool results have `structuredContent`."""

REVISION_KEY: Final = "io.modelcontextprotocol/protocolVersion"
CLIENT_KEY: Final = "io.modelcontextprotocol/clientInfo"
CAPABILITIES_KEY: Final = "io.modelcontextprotocol/clientCapabilities"
SERVER_KEY: Final = "io.modelcontextprotocol/serverInfo"
SUBSCRIPTION_KEY: Final = "io.modelcontextprotocol/subscriptionId"

ONLY_HANDSHAKE: Final = frozenset({"initialize", "ping", "resources/subscribe", "resources/unsubscribe"})
"""Methods that 2026-07-28 has no more."""
ONLY_STATELESS: Final = frozenset({"server/discover", "subscriptions/listen"})
"""Methods that came with it."""


def is_stateless(method: str, params: Mapping[str, Any], forced: str | None = None) -> bool:
    """Whether a request is one of the stateless era.

    Args:
        forced: the revision that the transport names (an HTTP header), which says it where `_meta` does not.
    """
    if method == "initialize" and "protocolVersion" in params:
        return False  # a handshake, whatever else it carries
    meta = params.get("_meta")
    named = isinstance(meta, Mapping) and REVISION_KEY in meta
    return named or method in ONLY_STATELESS or (forced is not None and forced not in HANDSHAKE)


def envelope_of(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The `_meta` of a stateless request.

    Raises:
        RpcError: it lacks what each request must carry, or names a revision that is not served.
    """
    meta = params.get("_meta")
    if not isinstance(meta, Mapping):
        raise RpcError(INVALID_PARAMS, f"params._meta must be an object with {REVISION_KEY} and {CAPABILITIES_KEY}.")
    missing = [key for key in (REVISION_KEY, CAPABILITIES_KEY) if key not in meta]
    if missing:
        raise RpcError(INVALID_PARAMS, f"params._meta lacks {', '.join(missing)}.")
    revision = meta[REVISION_KEY]
    if not isinstance(revision, str):
        raise RpcError(INVALID_PARAMS, f"{REVISION_KEY} must be a string.")
    if not isinstance(meta[CAPABILITIES_KEY], Mapping):
        raise RpcError(INVALID_PARAMS, f"{CAPABILITIES_KEY} must be an object.")
    if revision not in STATELESS:
        raise RpcError(
            UNSUPPORTED_REVISION, "Unsupported protocol version", {"supported": [*STATELESS], "requested": revision}
        )
    return meta


def agreed(requested: str) -> str:
    """The revision that a handshake settles on: the one asked for, else the newest that has a handshake."""
    return requested if requested in HANDSHAKE else HANDSHAKE[-1]
