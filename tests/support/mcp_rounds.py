"""Fixture tools of the conformance suite that ask back: they answer with what they still need, and are called again.

Our own tools never do; these show that the dispatcher hands through `input_required` results, the client's
`inputResponses` and `requestState`, and its capabilities.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final

from core.doors.mcp.offer import Exchange, Wire
from core.doors.mcp.wire import INVALID_PARAMS, RpcError

MISSING_CAPABILITY: Final = -32021
PROMPT: Final = "test_input_required_result_prompt"

_KEY: Final = secrets.token_bytes(32)


def _form(message: str, field: str, kind: str = "string") -> Wire:
    schema = {"type": "object", "properties": {field: {"type": kind}}, "required": [field]}
    return {"method": "elicitation/create", "params": {"message": message, "requestedSchema": schema}}


def _sampling(text: str) -> Wire:
    messages = [{"role": "user", "content": {"type": "text", "text": text}}]
    return {"method": "sampling/createMessage", "params": {"messages": messages, "maxTokens": 100}}


_NAME: Final = {"user_name": _form("What is your name?", "name")}
_CAPITAL: Final = {"capital_question": _sampling("What is the capital of France?")}
_ROOTS: Final = {"client_roots": {"method": "roots/list", "params": {}}}
_CONFIRM: Final = {"confirm": _form("Please confirm", "ok", "boolean")}
_CAPABILITY_OF: Final = {"elicitation/create": "elicitation", "sampling/createMessage": "sampling"}


def ask(exchange: Exchange, *rounds: Wire, state: bool = False) -> Wire | None:
    """What to answer while something is still to be asked: the requests of the round that is due, else None.

    Args:
        state: whether the round is kept in a signed `requestState`, which the client brings back.

    Raises:
        RpcError: the state is not the one that was given out.
    """
    keeps_state = state or len(rounds) > 1
    due = 0
    if keeps_state and (brought := exchange.params.get("requestState")) is not None:
        due = _round_of(brought)
    given = exchange.params.get("inputResponses")
    has_all = isinstance(given, Mapping) and all(isinstance(given.get(key), Mapping) for key in rounds[due])
    if has_all and due + 1 == len(rounds):
        return None
    due += int(has_all)
    answer: Wire = {"resultType": "input_required", "inputRequests": rounds[due]}
    return {**answer, "requestState": _signed(due)} if keeps_state else answer


def _signed(due: int) -> str:
    return f"{due}.{hmac.new(_KEY, str(due).encode(), hashlib.sha256).hexdigest()}"


def _round_of(state: Any) -> int:
    due = str(state).partition(".")[0]
    if not due.isdigit() or not hmac.compare_digest(str(state), _signed(int(due))):
        raise RpcError(INVALID_PARAMS, "requestState is not one that was given out.")
    return int(due)


def _asking(*rounds: Wire, state: bool = False, done: str = "Done.") -> Callable[[Exchange], Wire]:
    def call(exchange: Exchange) -> Wire:
        given = exchange.params.get("inputResponses")
        text = f"{done} {given}" if given else done
        return ask(exchange, *rounds, state=state) or {"content": [{"type": "text", "text": text}]}

    return call


def _what_the_client_can(exchange: Exchange) -> Wire:
    wanted = {
        key: request
        for key, request in {**_NAME, **_CAPITAL}.items()
        if _CAPABILITY_OF[request["method"]] in exchange.capabilities
    }
    return ask(exchange, wanted) or {"content": [{"type": "text", "text": "Done."}]}


def _needing_sampling(exchange: Exchange) -> Wire:
    if "sampling" in exchange.capabilities:
        return {"content": [{"type": "text", "text": "The client can sample."}]}
    lacking = {"requiredCapabilities": {"sampling": {}}}
    raise RpcError(MISSING_CAPABILITY, "Missing required client capability: sampling", lacking)


TOOLS: Final[Mapping[str, Callable[[Exchange], Wire]]] = {
    "test_missing_capability": _needing_sampling,
    "test_streaming_elicitation": _asking(_NAME),
    "test_input_required_result_elicitation": _asking(_NAME),
    "test_input_required_result_sampling": _asking(_CAPITAL),
    "test_input_required_result_list_roots": _asking(_ROOTS),
    "test_input_required_result_request_state": _asking(_CONFIRM, state=True, done="state-ok"),
    "test_input_required_result_multiple_inputs": _asking({**_NAME, **_CAPITAL, **_ROOTS}, state=True),
    "test_input_required_result_multi_round": _asking(
        {"step1": _form("Step 1: What is your name?", "name")},
        {"step2": _form("Step 2: What is your favorite color?", "color")},
    ),
    "test_input_required_result_tampered_state": _asking(_CONFIRM, state=True),
    "test_input_required_result_capabilities": _what_the_client_can,
}


def prompt(exchange: Exchange) -> Wire:
    """The one prompt that asks back."""
    asked = ask(exchange, {"user_context": _form("What context should the prompt use?", "context")})
    return asked or {"messages": [{"role": "user", "content": {"type": "text", "text": "With your context."}}]}
