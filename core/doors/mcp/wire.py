"""JSON-RPC 2.0 as MCP speaks it: what a line means, what stands on one, and the errors by their codes."""

import json
from typing import Any, Final

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
UNSUPPORTED_REVISION: Final = -32022
"""The request names a revision of MCP that is not served here (2026-07-28)."""

LONGEST_LINE: Final = 4_000_000
"""Bytes of one message. The longest text that a task may have fits in it, even where each character is escaped."""

_BOM: Final = b"\xef\xbb\xbf"


class RpcError(Exception):
    """A request that is answered with an error of the protocol instead of a result."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


def decode(line: bytes) -> Any:
    """The value that stands on a line; a byte order mark and white space around it are let pass.

    Raises:
        RpcError: it is not JSON.
    """
    try:
        return json.loads(line.removeprefix(_BOM).decode(), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, a number of 5,000 digits; nested too deeply
        raise RpcError(PARSE_ERROR, f"Parse error: {str(error)[:200]}") from None


def encode(message: Any) -> bytes:
    """A message as one line."""
    try:
        return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    except UnicodeEncodeError:  # half a surrogate pair, which only an escape can carry
        return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def result_of(request_id: Any, result: Any) -> dict[str, Any]:
    """The answer to a request."""
    return {"jsonrpc": "2.0", "id": request_id, "result": result}


def error_of(request_id: Any, error: RpcError) -> dict[str, Any]:
    """The refusal of a request; `request_id` is None where it could not be told."""
    wire = {"code": error.code, "message": error.message}
    if error.data is not None:
        wire["data"] = error.data
    return {"jsonrpc": "2.0", "id": request_id, "error": wire}


def notification(method: str, params: dict[str, Any]) -> dict[str, Any]:
    """A message that is not answered."""
    return {"jsonrpc": "2.0", "method": method, "params": params}


def is_id(value: Any) -> bool:
    """Whether a value can be a request's id: MCP allows text and whole numbers, and no null."""
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")
