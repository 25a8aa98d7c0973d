"""Whatever comes, there is an answer or silence as JSON-RPC says, and the connection lives on."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.core.doors.mcp.conftest import ENVELOPE

METHODS = [
    "initialize", "ping", "server/discover", "subscriptions/listen", "tools/list", "tools/call", "prompts/list",
    "prompts/get", "resources/list", "resources/templates/list", "resources/read", "resources/subscribe",
    "resources/unsubscribe", "completion/complete", "notifications/initialized", "notifications/cancelled", "nothing",
]  # fmt: skip
TOOLS = [
    "list_tasks", "get_task", "create_task", "update_task", "update_task_status", "comment_task", "claim_next",
    "finish_task", "create_handoff", "acknowledge_handoff", "list_handoffs", "session_start",
]  # fmt: skip
NAMES = [
    "name", "arguments", "uri", "cursor", "notifications", "resourceSubscriptions", "ref", "argument", "type", "value",
    "protocolVersion", "capabilities", "clientInfo", "requestId", "task_id", "status", "reason", "title", "labels",
    "priority", "due", "expected_version", "idempotency_key", "summary", "finish", "handoff_id", "answer", "at",
    "limit", "agent", "_meta",
]  # fmt: skip
WORDS = [*TOOLS, *METHODS, "wzp://board", "wzp://task/1", "wzp://handoffs", "todo", "done", "blocked", "1", "#1", "me"]

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(WORDS), st.text(max_size=20),
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=8), inner, max_size=5)
    ),
    max_leaves=12,
)
tool_calls = st.fixed_dictionaries(
    {"name": st.sampled_from(TOOLS), "arguments": st.dictionaries(st.sampled_from(NAMES), values, max_size=5)}
)
ids = st.one_of(st.integers(0, 5), st.text(max_size=3), scalars)
messages = st.one_of(
    values,
    st.fixed_dictionaries(
        {"jsonrpc": st.just("2.0") | scalars, "method": st.sampled_from(METHODS) | scalars},
        optional={"id": ids, "params": values | tool_calls, "result": values},
    ),
    st.fixed_dictionaries(
        {"jsonrpc": st.just("2.0"), "method": st.just("tools/call"), "id": st.integers(0, 5), "params": tool_calls}
    ),
    st.fixed_dictionaries(
        {
            "jsonrpc": st.just("2.0"), "method": st.sampled_from(METHODS), "id": st.integers(0, 5),
            "params": tool_calls.map(lambda params: {**params, "_meta": ENVELOPE}),
        }
    ),
)  # fmt: skip
lines = st.one_of(
    st.binary(max_size=60), messages.map(lambda message: json.dumps(message).encode()),
    messages.map(lambda message: json.dumps(message).encode()[:-1]),
)  # fmt: skip


def asks(message: Any) -> bool:
    """Whether a message is a request, whose answer must come, with its id."""
    return (
        isinstance(message, dict)
        and message.get("jsonrpc") == "2.0"
        and isinstance(message.get("method"), str)
        and isinstance(message.get("id"), (int, str))
        and not isinstance(message["id"], bool)
    )


def check(answer: Any, message: Any) -> None:
    """An answer is one of JSON-RPC, and belongs to what it answers."""
    assert answer["jsonrpc"] == "2.0"
    assert ("result" in answer) is not ("error" in answer)
    if "error" in answer:
        assert isinstance(answer["error"]["code"], int)
        assert answer["error"]["message"]
        assert answer["error"]["code"] != -32603, "an error that nobody foresaw"
    if asks(message):
        assert answer["id"] == message["id"]


@given(line=lines)
def test_any_line_has_an_answer_or_silence(agent, caplog, line: bytes):
    answer = agent.say(line.replace(b"\n", b" "))
    try:
        message = json.loads(line)
    except ValueError:
        message = None
    if answer is not None:
        for each in answer if isinstance(answer, list) else [answer]:
            check(each, message)
    elif asks(message):
        assert message["method"] == "subscriptions/listen"
    assert agent.say({"jsonrpc": "2.0", "id": "alive", "method": "ping"})["result"] == {}
    assert "could not be answered" not in caplog.text


@given(name=st.sampled_from(TOOLS), arguments=st.dictionaries(st.sampled_from(NAMES), values, max_size=6))
def test_any_arguments_are_carried_out_or_refused_in_words(agent, caplog, name: str, arguments: dict[str, Any]):
    answer = agent.call(name, **arguments)
    if not answer["success"]:
        error = answer["error"]
        assert error["code"] != "unexpected", (error, caplog.text)
        assert error["message"]
