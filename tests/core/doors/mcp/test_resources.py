"""The board, a task and the inbox as resources; the prompts; and who is told when a resource has changed."""

from collections.abc import Callable
from time import monotonic, sleep

import pytest

from tests.core.doors.mcp.conftest import Agent
from tests.support.users import User

PATIENCE_S = 10.0


def text_of(agent: Agent, uri: str) -> str:
    (content,) = agent.request("resources/read", uri=uri)["result"]["contents"]
    assert (content["uri"], content["mimeType"]) == (uri, "text/markdown")
    return content["text"]


def until(condition: Callable[[], object]) -> None:
    deadline = monotonic() + PATIENCE_S
    while not condition():
        assert monotonic() < deadline, "it has not come to be"
        sleep(0.005)


def updates(agent: Agent) -> list[str]:
    return [each["params"]["uri"] for each in agent.sent if each["method"] == "notifications/resources/updated"]


@pytest.fixture
def handed(new_agent) -> tuple[Agent, Agent]:
    """Alice, who has handed a task to Bob, and Bob."""
    alice, bob = new_agent("alice"), new_agent("bob")
    for each in (alice, bob):
        each.shake()
        each.call("session_start")
    alice.call("create_task", title="Build the form", status="todo")
    alice.call("claim_next", task_id=1)
    alice.call(
        "create_handoff", task_id=1, to_agent_id="bob", summary="The form stands; the API is missing",
        next_steps=["POST /api/users", "Add the middleware"], warnings=["Input is checked in the form"],
        failed_approaches=["A cookie"], branch="feature/form",
    )  # fmt: skip
    return alice, bob


def test_the_board_shows_its_columns(agent: Agent):
    assert "No task yet" in text_of(agent, "wzp://board")
    agent.call("create_task", title="Fix login", priority="urgent", labels=["ui"], assignee="me")
    board = text_of(agent, "wzp://board")
    assert "## backlog (1)\n- #1 Fix login (backlog, urgent, @claude, [ui], v1)" in board


def test_a_long_column_shows_its_first_and_how_many_more(agent: Agent, board: User, monkeypatch):
    monkeypatch.setattr("core.doors.mcp.resources.SHOWN_IN_COLUMN", 2)
    for index in range(5):
        board.add(f"number {index}", status="todo" if index < 4 else "done")
    page = text_of(agent, "wzp://board")
    assert "## todo (4)\n" in page
    assert "number 1" in page
    assert "number 2" not in page
    assert "- and 2 more: list_tasks with status todo and a limit" in page
    assert "## done (1)\n" in page


def test_a_task_is_shown_whole_by_number_or_id(agent: Agent):
    task = agent.call("create_task", title="Fix login", description="It *fails*")["task"]
    agent.call("comment_task", task_id=1, body="Since Monday")
    for uri in ("wzp://task/1", "wzp://task/%231", f"wzp://task/{task['id']}"):
        page = text_of(agent, uri)
        assert page.startswith("# #1 Fix login")
        assert all(told in page for told in ("It *fails*", "Since Monday", "#1 created: Fix login", "version: 1"))


def test_an_inbox_shows_handoffs_whole_to_whom_they_go(handed: tuple[Agent, Agent]):
    alice, bob = handed
    for agent, uri in ((bob, "wzp://handoffs"), (alice, "wzp://handoffs/bob")):
        page = text_of(agent, uri)
        assert all(
            told in page
            for told in ("From alice, task #1", "the API is missing", "POST /api/users", "checked in the form",
                         "A cookie", "feature/form")
        )  # fmt: skip
    assert text_of(alice, "wzp://handoffs") == "# Handoffs (0)"


def test_the_prompt_at_the_start_tells_what_was_handed_over(handed: tuple[Agent, Agent]):
    _, bob = handed
    (message,) = bob.request("prompts/get", name="session_start")["result"]["messages"]
    text = message["content"]["text"]
    assert text.startswith("# Session start\n\n## Who you are\n- Name: bob")
    assert "## Unacknowledged handoffs (1)" in text
    assert all(told in text for told in ("the API is missing", "POST /api/users", "checked in the form", "alice"))


def test_the_prompt_at_the_end_names_what_is_still_open(agent: Agent):
    agent.call("create_task", title="Half done", status="todo")
    agent.call("claim_next")
    (message,) = agent.request("prompts/get", name="session_end")["result"]["messages"]
    text = message["content"]["text"]
    assert all(told in text for told in ("finish_task", "create_handoff", "comment_task", "#1 Half done"))


def test_arguments_are_completed(agent: Agent):
    for title in ("a", "b"):
        agent.call("create_task", title=title)

    def complete(argument: str, begun: str) -> list[str]:
        reference = {"type": "ref/resource", "uri": "wzp://task/{number}"}
        answer = agent.request("completion/complete", ref=reference, argument={"name": argument, "value": begun})
        return answer["result"]["completion"]["values"]

    assert complete("number", "") == ["2", "1"]
    assert complete("number", "1") == ["1"]
    assert complete("agent", "cl") == ["claude"]
    assert complete("nothing", "") == []


def test_a_subscriber_is_told_of_others_changes_until_it_has_enough(new_agent):
    alice, bob = new_agent("alice"), new_agent("bob")
    alice.shake()
    bob.shake()
    bob.call("session_start")
    alice.call("create_task", title="x")
    alice.call("create_task", title="y")
    for uri in ("wzp://task/1", "wzp://handoffs"):
        assert bob.request("resources/subscribe", uri=uri)["result"] == {}
    alice.call("comment_task", task_id=1, body="hi")
    until(lambda: updates(bob) == ["wzp://task/1"])
    alice.call("comment_task", task_id=2, body="hi")
    alice.call("create_handoff", task_id=1, to_agent_id="bob", summary="yours")
    until(lambda: "wzp://handoffs" in updates(bob))
    assert set(updates(bob)) == {"wzp://task/1", "wzp://handoffs"}
    for uri in ("wzp://task/1", "wzp://handoffs"):
        bob.request("resources/unsubscribe", uri=uri)
    told = len(bob.sent)
    alice.call("comment_task", task_id=1, body="again")
    assert bob.request("resources/subscribe", uri="wzp://board")["result"] == {}
    alice.call("update_task", task_id=1, title="z")
    until(lambda: updates(bob)[told:] == ["wzp://board"])


def test_a_stream_is_acknowledged_first_carries_its_id_and_ends_when_cancelled(new_agent):
    alice, bob = new_agent("alice"), new_agent("bob")
    alice.shake()
    alice.call("create_task", title="x")
    assert bob.stateless("subscriptions/listen", notifications={"resourceSubscriptions": ["wzp://board"]}) is None
    again = {"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": {}}
    meta = {"io.modelcontextprotocol/subscriptionId": 1}
    assert bob.sent == [
        {
            "jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged",
            "params": {"_meta": meta, "notifications": {"resourceSubscriptions": ["wzp://board"]}},
        }
    ]  # fmt: skip
    assert bob.say(again)["error"]["code"] == -32602
    alice.call("update_task_status", task_id=1, status="todo")
    until(lambda: updates(bob) == ["wzp://board"])
    assert bob.sent[-1]["params"]["_meta"] == meta
    assert bob.say({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}) is None
    told = len(bob.sent)
    assert bob.stateless("subscriptions/listen", notifications={"resourceSubscriptions": ["wzp://task/1"]}) is None
    alice.call("update_task_status", task_id=1, status="backlog")
    until(lambda: updates(bob)[1:] == ["wzp://task/1"])
    assert len(bob.sent) == told + 2, "the acknowledgement and the one update: the cancelled stream is silent"
    bob.connection.close()
    assert bob.sent[-1]["id"] == 2
    assert bob.sent[-1]["result"]["resultType"] == "complete"


@pytest.mark.parametrize("wanted", [None, [], {"resourceSubscriptions": "wzp://board"}, {"resourceSubscriptions": [1]}])
def test_a_stream_says_what_it_is_about(agent: Agent, wanted):
    assert agent.stateless("subscriptions/listen", notifications=wanted)["error"]["code"] == -32602


@pytest.mark.parametrize("uri", [
    "wzp://nothing", "wzp://task/2", "wzp://task/01", "wzp://task/", "wzp://task/" + "9" * 5_000, "wzp://handoffs/nobody1",
    "file:///etc/passwd", "",
])  # fmt: skip
def test_nobody_subscribes_to_what_there_is_not(agent: Agent, uri: str):
    agent.call("create_task", title="x")
    error = agent.request("resources/subscribe", uri=uri)["error"]
    assert (error["code"], error["data"]) == (-32602, {"uri": uri})
    assert error["message"].startswith("Resource not found: ")
    wanted = {"resourceSubscriptions": [uri, "wzp://task/1"]}
    assert agent.stateless("subscriptions/listen", notifications=wanted) is None
    assert agent.sent[-1]["params"]["notifications"] == {"resourceSubscriptions": ["wzp://task/1"]}


def test_where_there_is_no_room_the_tools_say_who_can_make_one(new_agent, monkeypatch, tmp_path):
    from core.doors.mcp.caller import Caller

    monkeypatch.chdir(tmp_path)
    lost = new_agent("lost")
    lost.offer._make_caller = lambda: Caller(None, {})
    assert "result" in lost.shake()
    assert "result" in lost.request("tools/list")
    error = lost.call("list_tasks")["error"]
    assert error["code"] == "not_found"
    assert error["hint"] == "Ask the person to make one there."
    assert lost.request("resources/read", uri="wzp://board")["error"]["data"]["code"] == "not_found"
    assert error["hint"] in lost.request("resources/subscribe", uri="wzp://board")["error"]["message"]
    assert "error" in lost.stateless("subscriptions/listen", notifications={"resourceSubscriptions": ["wzp://board"]})
    assert lost.sent == []
