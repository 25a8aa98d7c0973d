"""A connection answers each message by the rules of its own era, or keeps silent where they ask for it."""

from typing import Any

import pytest
from mcp_types import methods

from core.doors.mcp.revisions import HANDSHAKE, STATELESS
from tests.core.doors.mcp.conftest import ENVELOPE, Agent

PARAMS: dict[str, dict[str, Any]] = {
    "initialize": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "tester", "version": "1"},
    },
    "tools/call": {"name": "list_tasks", "arguments": {}},
    "prompts/get": {"name": "session_start"},
    "resources/read": {"uri": "wzp://board"},
    "resources/subscribe": {"uri": "wzp://board"},
    "resources/unsubscribe": {"uri": "wzp://board"},
    "completion/complete": {
        "ref": {"type": "ref/resource", "uri": "wzp://task/{number}"}, "argument": {"name": "number", "value": ""},
    },
}  # fmt: skip
SERVED = {
    "initialize", "ping", "tools/list", "tools/call", "prompts/list", "prompts/get", "resources/list", "resources/read",
    "resources/templates/list", "resources/subscribe", "resources/unsubscribe", "completion/complete",
    "server/discover",
}  # fmt: skip


@pytest.mark.parametrize("revision", [*HANDSHAKE, *STATELESS])
@pytest.mark.parametrize("method", sorted(SERVED))
def test_each_result_has_the_shape_of_its_revision(agent: Agent, method: str, revision: str):
    is_known = (method, revision) in methods.CLIENT_REQUESTS
    if revision in STATELESS:
        answer = agent.stateless(method, **PARAMS.get(method, {}))
        is_known = is_known or method == "initialize"  # which is of the other era whatever it carries
    else:
        agent.shake(revision)
        answer = agent.request(method, **PARAMS.get(method, {}))
    if not is_known:
        assert answer["error"]["code"] in (-32601, -32602)
    elif method == "initialize":
        assert answer["result"]["protocolVersion"] == "2025-06-18"
    else:
        methods.validate_server_result(method, revision, answer["result"])


@pytest.mark.parametrize(
    ("asked", "agreed"), [(each, each) for each in HANDSHAKE] + [("2026-07-28", "2025-11-25"), ("1999", "2025-11-25")]
)
def test_a_handshake_settles_on_the_revision_asked_for_or_the_newest(agent: Agent, asked: str, agreed: str):
    assert agent.shake(asked)["result"]["protocolVersion"] == agreed


def test_the_first_answers_say_who_serves_and_how_to_begin(agent: Agent):
    for result in (agent.shake()["result"], agent.stateless("server/discover")["result"]):
        assert {"tools", "resources", "prompts"} <= set(result["capabilities"])
        assert len(result["instructions"]) <= 1200
        alone = result["instructions"].split("\n\n")[0]
        assert len(alone) <= 512
        assert all(tool in alone for tool in ("session_start", "claim_next", "finish_task", "create_handoff"))


def test_both_eras_are_served_on_one_connection_in_any_order(new_agent):
    one, other = new_agent("one"), new_agent("other")
    assert one.stateless("server/discover")["result"]["supportedVersions"] == ["2026-07-28"]
    assert one.shake("2025-06-18")["result"]["protocolVersion"] == "2025-06-18"
    assert "resultType" not in one.request("tools/list")["result"]
    assert one.stateless("tools/list")["result"]["resultType"] == "complete"
    assert "resultType" not in one.request("tools/list")["result"]
    other.shake()
    assert other.stateless("tools/call", name="list_tasks")["result"]["resultType"] == "complete"
    assert other.stateless("server/discover")["result"]["resultType"] == "complete"


def test_what_can_be_kept_says_for_how_long_and_only_in_the_stateless_era(agent: Agent):
    for method, params in (("tools/list", {}), ("resources/read", {"uri": "wzp://board"})):
        kept = agent.stateless(method, **params)["result"]
        assert kept["ttlMs"] == (0 if method == "resources/read" else 3_600_000)
        assert "ttlMs" not in agent.request(method, **params)["result"]
    assert "ttlMs" not in agent.stateless("tools/call", name="list_tasks")["result"]


def test_structured_content_is_for_revisions_that_know_it(agent: Agent):
    for revision, has_it in (("2024-11-05", False), ("2025-03-26", False), ("2025-06-18", True)):
        agent.shake(revision)
        assert ("structuredContent" in agent.request("tools/call", name="list_tasks")["result"]) is has_it


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"{", -32700), (b"nothing", -32700), (b'{"a": NaN}', -32700), (b"\xff\xfe", -32700), (b"[" * 100_000, -32700),
        (b'{"jsonrpc":"2.0","id":' + b"9" * 5000 + b"}", -32700),
        (b"1", -32600), (b"null", -32600), (b'"text"', -32600), (b"[]", -32600),
        ({"id": 1, "method": "ping"}, -32600), ({"jsonrpc": "1.0", "id": 1, "method": "ping"}, -32600),
        ({"jsonrpc": "2.0", "id": 1}, -32600), ({"jsonrpc": "2.0", "id": 1, "method": 7}, -32600),
        ({"jsonrpc": "2.0", "id": None, "method": "ping"}, -32600),
        ({"jsonrpc": "2.0", "id": True, "method": "ping"}, -32600),
        ({"jsonrpc": "2.0", "id": 1.5, "method": "ping"}, -32600),
        ({"jsonrpc": "2.0", "id": [1], "method": "ping"}, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": [1]}, -32602),
        ({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": "x"}, -32602),
        ({"jsonrpc": "2.0", "id": 1, "method": "nothing/such"}, -32601),
        ({"jsonrpc": "2.0", "id": 1, "method": "notifications/initialized"}, -32601),
        ({"jsonrpc": "2.0", "id": 1, "method": "logging/setLevel", "params": {"level": "info"}}, -32601),
        ({"jsonrpc": "2.0", "id": 1, "method": "tools/call"}, -32602),
        ({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "nothing"}}, -32602),
        ({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "get_task", "arguments": []}}, -32602),
        ({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"cursor": "x"}}, -32602),
        ({"jsonrpc": "2.0", "id": 1, "method": "prompts/get", "params": {"name": "nothing"}}, -32602),
        ({"jsonrpc": "2.0", "id": 1, "method": "prompts/get",
          "params": {"name": "session_start", "arguments": {"agent": 1}}}, -32602),
        ({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": "wzp://nothing"}}, -32602),
        ({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": "wzp://task/999"}}, -32602),
        ({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {}}, -32602),
        ({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}, -32602),
        ({"jsonrpc": "2.0", "id": 1, "method": "completion/complete", "params": {"ref": 1}}, -32602),
    ],
)  # fmt: skip
def test_what_is_wrong_is_answered_with_the_code_for_it(agent: Agent, message: Any, code: int):
    answer = agent.say(message)
    assert answer["error"]["code"] == code
    has_good_id = isinstance(message, dict) and message.get("id") == 1 and message["id"] is not True
    assert answer["id"] == (1 if has_good_id else None)
    assert agent.request("ping")["result"] == {}, "the connection lives"


@pytest.mark.parametrize(
    "message",
    [
        b"", b"  \r\n", {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 99, "reason": "late"}},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": [1]}},
        {"jsonrpc": "2.0", "method": "notifications/nothing", "params": [1]},
        {"jsonrpc": "2.0", "id": 1, "result": {}}, {"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": ""}},
        {"jsonrpc": "2.0", "method": "ping"},
        {"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "create_task", "arguments": {"title": "x"}}},
    ],
)  # fmt: skip
def test_what_asks_for_nothing_is_not_answered_nor_carried_out(agent: Agent, message: Any):
    assert agent.say(message) is None
    assert agent.call("list_tasks")["count"] == 0


def test_a_byte_order_mark_and_line_ends_of_windows_are_let_pass(agent: Agent):
    assert agent.say(b'\xef\xbb\xbf{"jsonrpc":"2.0","id":"a","method":"ping"}\r\n') == {
        "jsonrpc": "2.0", "id": "a", "result": {},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("meta", "code"),
    [
        (None, -32602), ([], -32602), ({}, -32602),
        ({"io.modelcontextprotocol/protocolVersion": "2026-07-28"}, -32602),
        ({**ENVELOPE, "io.modelcontextprotocol/protocolVersion": 7}, -32602),
        ({**ENVELOPE, "io.modelcontextprotocol/clientCapabilities": []}, -32602),
        ({**ENVELOPE, "io.modelcontextprotocol/protocolVersion": "2027-01-01"}, -32022),
        ({**ENVELOPE, "io.modelcontextprotocol/protocolVersion": "2025-11-25"}, -32022),
    ],
)  # fmt: skip
def test_a_stateless_request_must_carry_its_envelope(agent: Agent, meta: Any, code: int):
    answer = agent.request("server/discover", _meta=meta)
    assert answer["error"]["code"] == code
    if code == -32022:
        assert answer["error"]["data"]["supported"] == ["2026-07-28"]


def test_the_transport_may_name_the_era(agent: Agent):
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    assert agent.connection.handle(message, revision="2026-07-28")["error"]["code"] == -32602
    assert "result" in agent.connection.handle(message, revision="2025-06-18")


def test_batches_are_for_the_one_revision_that_has_them(agent: Agent):
    batch = [
        {"jsonrpc": "2.0", "id": 1, "method": "ping"}, {"jsonrpc": "2.0", "method": "notifications/initialized"}, 7,
        {"jsonrpc": "2.0", "id": 2, "method": "initialize", "params": PARAMS["initialize"]},
    ]  # fmt: skip
    assert agent.say(batch)["error"]["code"] == -32600
    agent.shake("2025-03-26")
    answers = agent.say(batch)
    assert [(each["id"], each.get("error", {}).get("code")) for each in answers] == [
        (1, None), (None, -32600), (2, -32600),
    ]  # fmt: skip
    assert agent.say([{"jsonrpc": "2.0", "method": "notifications/initialized"}]) is None
    assert agent.say([batch[0]] * 101)["error"]["code"] == -32600


def test_half_a_surrogate_pair_comes_back_as_it_went(agent: Agent):
    answer = agent.say(b'{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}')
    assert answer["id"] == "\ud800"


def test_an_error_that_nobody_foresaw_is_logged_and_answered(agent: Agent, monkeypatch, caplog):
    monkeypatch.setattr(agent.offer, "prompts", lambda: 1 / 0)
    answer = agent.request("prompts/list")
    assert answer["error"]["code"] == -32603
    assert "ZeroDivisionError" in caplog.text
    assert "division" not in answer["error"]["message"]
