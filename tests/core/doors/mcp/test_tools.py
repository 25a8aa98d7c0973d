"""The tools: named, described and read by type; what they answer; and that no change overwrites another unseen."""

import json
from datetime import date

import pytest

from core.doors.mcp.caller import Caller
from core.doors.mcp.tools import WITH_TOOLS, Tools
from core.operations import find, load
from core.shapes import Shaper
from core.text import NAME_LIMIT
from storage import AgentKind, Priority, Role, Status
from tests.support.users import User

TWELVE = [
    "list_tasks", "get_task", "create_task", "update_task", "update_task_status", "comment_task", "claim_next",
    "finish_task", "create_handoff", "acknowledge_handoff", "list_handoffs", "session_start",
]  # fmt: skip

CHARACTERS_A_TOKEN = 3.5
"""Fewer than the 4.2 that these definitions have in OpenAI's o200k vocabulary, so that we count too many tokens."""


def definitions() -> dict[str, dict]:
    return {each["name"]: each for each in Tools(None).definitions()}


def test_the_tools_are_these_twelve_and_always_in_one_order(agent):
    assert sorted(definitions()) == sorted(TWELVE)
    assert agent.request("tools/list")["result"] == agent.request("tools/list")["result"]
    assert [each["name"] for each in agent.stateless("tools/list")["result"]["tools"]] == list(definitions())


def test_together_they_cost_an_agent_less_than_2500_tokens():
    text = json.dumps(list(definitions().values()), separators=(",", ":"), ensure_ascii=False)
    assert len(text) / CHARACTERS_A_TOKEN < 2500


def test_no_other_module_declares_a_tool():
    assert {each.module for each in load().values() if each.tool is not None} == set(WITH_TOOLS)


@pytest.mark.parametrize("operation", load().values(), ids=lambda each: each.name)
def test_each_operation_is_a_tool_or_is_none_on_purpose(operation):
    assert (operation.tool is not None and "mcp" not in operation.not_at) is (operation.tool_name in definitions())
    assert set(operation.hidden_from_tool) <= {each.name for each in operation.parameters}
    of_runs = {"command", "parent", "attempts", "idempotent", "time_limit_seconds", "collects_files"}
    assert set(operation.hidden_from_tool) <= of_runs | {"before", "despite_dependencies"}


def test_arguments_have_the_names_of_the_design():
    tools = definitions()
    status = tools["update_task_status"]["inputSchema"]
    assert {"task_id", "status", "reason", "expected_version", "idempotency_key"} == set(status["properties"])
    assert status["required"] == ["task_id", "status"]
    assert status["properties"]["status"]["enum"] == [each.value for each in Status]
    assert {"task_id", "to_agent_id", "summary", "next_steps", "warnings"} <= set(
        tools["create_handoff"]["inputSchema"]["properties"]
    )
    assert "handoff_id" in tools["acknowledge_handoff"]["inputSchema"]["required"]


@pytest.mark.parametrize("tool", definitions().values(), ids=lambda each: each["name"])
def test_each_tool_says_when_to_use_it_and_every_change_may_be_explained_and_repeated(tool):
    assert len(tool["description"]) > 15
    offered = set(tool["inputSchema"]["properties"])
    assert ({"reason", "idempotency_key"} <= offered) is not tool["annotations"].get("readOnlyHint", False)
    operation = next(each for each in load(*WITH_TOOLS).values() if each.tool_name == tool["name"])
    assert ("expected_version" in offered) is ("expected_version" in {each.name for each in operation.parameters})


def test_a_task_is_named_as_anybody_names_it(agent):
    task = agent.call("create_task", title="Fix login", labels=["ui"], priority="HIGH", due="2026-12-01")["task"]
    for reference in (1, "1", "#1", task["id"], task["id"][-8:]):
        for name in ("task_id", "task"):
            assert agent.call("get_task", **{name: reference})["task"]["title"] == "Fix login"
    assert (task["priority"], task["due"]) == (Priority.HIGH.value, date(2026, 12, 1).isoformat())


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("get_task", {}, "task_id is missing"),
        ("get_task", {"task_id": None}, "task_id is missing"),
        ("get_task", {"task_id": 1.5}, "task_id is 1.5"),
        ("get_task", {"task_id": True}, "task_id is true"),
        ("get_task", {"task_id": {"id": 1}}, "task_id is an object"),
        ("get_task", {"task_id": 10**30}, "a number too large"),
        ("get_task", {"task_id": 1, "task": 1}, "given twice"),
        ("get_task", {"task_id": 1, "color": "red"}, "no argument 'color'"),
        ("get_task", {"task_id": 1, "reason": "why"}, "no argument 'reason'"),
        ("get_task", {"task_id": 999}, "No task '999'"),
        ("create_task", {"title": 5}, "title is 5"),
        ("create_task", {"title": "x", "labels": "ui"}, 'labels is "ui"'),
        ("create_task", {"title": "x", "labels": ["ui", 3]}, "labels[1] is 3"),
        ("create_task", {"title": "x", "priority": "highest"}, 'priority is "highest"'),
        ("create_task", {"title": "x", "due": "tomorrow"}, 'due is "tomorrow"'),
        ("create_task", {"title": "x", "estimate_minutes": "5"}, 'estimate_minutes is "5"'),
        ("create_task", {"title": "x", "estimate_minutes": True}, "estimate_minutes is true"),
        ("create_task", {"title": "x", "command": "rm"}, "no argument 'command'"),
        ("create_task", {"title": "x", "idempotency_key": "k" * 201}, "more than 200"),
        ("create_task", {"title": "x", "reason": 7}, "reason is 7"),
        ("list_tasks", {"ready": "yes"}, 'ready is "yes"'),
        ("list_tasks", {"status": ["todo", "doing"]}, 'status[1] is "doing"'),
        ("update_task_status", {"task_id": 1, "status": "todo", "despite_dependencies": True}, "despite_dependencies"),
    ],
)
def test_a_wrong_argument_is_named_with_its_value_and_what_is_accepted(agent, tool, arguments, told):
    answer = agent.call(tool, **arguments)
    assert told in answer["error"]["message"]
    assert answer["error"]["code"] in ("invalid_data", "not_found")
    assert answer["error"]["hint"]


def test_null_leaves_out_what_may_be_left_out_and_takes_away_what_an_edit_may_take(agent):
    agent.call("create_task", title="x", due=None, assignee=None, labels=None, reason=None, idempotency_key=None)
    agent.call("update_task", task_id=1, due="2026-12-01", estimate_minutes=30)
    task = agent.call("get_task", task_id=1)["task"]
    assert (task["title"], task["due"], task["estimate_minutes"]) == ("x", "2026-12-01", 30)
    for nothing in (None, "none", ""):
        agent.call("update_task", task_id=1, due="2026-12-01", estimate_minutes=30)
        cleared = agent.call("update_task", task_id=1, due=nothing, estimate_minutes=None)["task"]
        assert not {"due", "estimate_minutes"} & set(cleared)


def test_an_edit_empties_lists_and_texts(agent):
    agent.call("create_task", title="need")
    agent.call("create_task", title="x", labels=["ui"], dependencies=[1], description="long")
    assert agent.call("update_task", task_id=2, labels=[], dependencies=[], description="")["success"]
    assert not {"labels", "dependencies", "description"} & agent.call("get_task", task_id=2)["task"].keys()


@pytest.mark.parametrize("name", ["title", "priority", "labels", "dependencies", "description"])
def test_null_takes_away_nothing_that_always_has_a_value(agent, name):
    agent.call("create_task", title="x", priority="high", labels=["ui"], description="long")
    error = agent.call("update_task", task_id=1, due="2026-12-01", **{name: None})["error"]
    assert (error["code"], error["message"]) == ("invalid_data", f"{name} is null.")
    assert "leave the argument out" in error["hint"].lower()
    task = agent.call("get_task", task_id=1)["task"]
    assert (task["title"], task["priority"], task["labels"], task["description"]) == ("x", "high", ["ui"], "long")
    assert "due" not in task


def test_somebody_is_named_or_nobody(agent):
    agent.call("create_task", title="x", assignee="me")
    assert agent.call("list_tasks", assignee="me")["tasks"][0]["assignee"] == "claude"
    agent.call("update_task", task_id=1, assignee="nobody")
    assert agent.call("list_tasks", assignee="nobody")["count"] == 1


def test_lists_are_brief_and_one_task_is_whole(agent):
    agent.call("create_task", title="Base")
    agent.call("create_task", title="Top", description="Much " * 1000, dependencies=["1"], labels=["ui"])
    agent.call("comment_task", task_id=2, body="Mind the gap")
    listed = agent.call("list_tasks")
    assert listed["count"] == 2
    assert listed["tasks"][1] == {
        "number": 2, "title": "Top", "status": "backlog", "labels": ["ui"], "waiting_on": 1, "version": 1,
    }  # fmt: skip
    whole = agent.call("get_task", task_id=2)
    assert whole["task"]["description"].startswith("Much")
    assert whole["task"]["dependencies"] == [1]
    assert [(each["author"], each["body"]) for each in whole["comments"]] == [("claude", "Mind the gap")]
    assert len(whole["history"]) == 2
    assert "claude: #2 created: Top" in whole["history"][0]
    assert agent.call("get_task", task_id=1)["dependants"] == [2]


def test_a_command_that_waits_for_approval_is_told_and_what_is_as_usual_is_not(agent, board):
    task = board.call("create_task", title="Test", command="make test")
    shown = agent.call("get_task", task_id=str(task.number))["task"]
    assert shown["command"] == "make test"
    assert not {"command_approved", "attempts"} & set(shown)
    agent_hand = User(board.database, "claude", room=board.room, role=Role.AGENT, kind=AgentKind.AI)
    agent_hand.call("update_task", task=f"#{task.number}", command="make other", attempts=3)
    shown = agent.call("get_task", task_id=str(task.number))["task"]
    assert (shown["command_approved"], shown["attempts"]) == (False, 3)


def test_a_long_list_is_cut_and_says_so_unless_more_is_asked_for(agent, board):
    for index in range(203):
        board.call("create_task", title=f"A task with a title of usual length, number {index}")
    listed = agent.call("list_tasks")
    assert len(json.dumps(listed)) < 25_000
    assert (listed["count"], listed["not_shown"]) == (200, 3)
    assert agent.call("list_tasks", limit=1000)["count"] == 203


def test_of_a_long_list_only_what_is_shown_is_shaped(agent, board, monkeypatch):
    for index in range(5):
        board.call("create_task", title=f"number {index}")
    agent.call("list_tasks")
    monkeypatch.setattr("core.doors.mcp.tools.LISTED", 2)
    shaped = []
    tasks = Shaper._tasks
    monkeypatch.setattr(Shaper, "_tasks", lambda self, found: shaped.extend(found) or tasks(self, found))
    listed = agent.call("list_tasks")
    assert (listed["count"], listed["not_shown"], len(shaped)) == (2, 3, 2)


def test_a_task_as_it_was(agent):
    agent.call("create_task", title="x")
    agent.call("update_task_status", task_id=1, status="todo", reason="ready")
    history = agent.call("get_task", task_id=1)["history"]
    assert history[1].endswith("claude: #1 status changed: status backlog → todo (reason: ready)")
    first = int(history[0].split()[0])
    for moment in (first, str(first)):
        assert agent.call("get_task", task_id=1, at=moment)["task"]["status"] == "backlog"
    assert agent.call("update_task_status", task_id=1, status="review")["success"], "what was, is no version that is"


def test_a_change_stands_for_the_version_that_this_connection_was_shown(new_agent):
    alice, bob = new_agent("alice"), new_agent("bob")
    for each in (alice, bob):
        each.shake()
    alice.call("create_task", title="x")
    bob.call("list_tasks")
    alice.call("update_task_status", task_id=1, status="todo", reason="it is time")
    error = bob.call("update_task", task_id="#1", title="y")["error"]
    assert (error["code"], error["present_version"]) == ("version_conflict", 2)
    text = json.dumps(error, ensure_ascii=False)
    assert all(told in text for told in ("alice", "backlog → todo", "it is time", "expected_version 2"))
    assert bob.call("update_task", task_id=1, title="y")["task"]["version"] == 3, "the refusal has shown the new one"
    assert alice.call("update_task", task_id=1, title="z")["error"]["code"] == "version_conflict"
    assert alice.call("update_task", task_id=1, title="z", expected_version=3)["success"]


def test_who_was_shown_nothing_is_refused_nothing(new_agent):
    alice, bob = new_agent("alice"), new_agent("bob")
    for each in (alice, bob):
        each.shake()
    alice.call("create_task", title="x")
    alice.call("update_task", task_id=1, title="y")
    assert bob.call("update_task", task_id=1, priority="high")["success"]


def test_a_key_makes_a_change_safe_to_repeat_on_a_new_connection(new_agent):
    one, again = new_agent("claude"), new_agent("claude")
    one.shake()
    one.call("create_task", title="x")
    first = one.call("update_task_status", task_id=1, status="todo", idempotency_key="k1")
    assert one.call("update_task_status", task_id=1, status="todo", idempotency_key="k1") == first
    one.close()
    again.shake()
    again.call("list_tasks")
    assert again.call("update_task_status", task_id=1, status="todo", idempotency_key="k1") == first
    assert again.call("update_task_status", task_id=1, status="done", idempotency_key="k1")["error"]["code"] == (
        "invalid_data"
    )


def test_what_fails_unexpectedly_is_an_answer_too(agent, monkeypatch, caplog):
    agent.call("list_tasks")
    monkeypatch.setattr(agent.offer.caller, "call", lambda *_, **__: 1 / 0)
    assert agent.call("list_tasks")["error"]["code"] == "unexpected"
    assert "ZeroDivisionError" in caplog.text


def test_warnings_come_with_the_answer(agent, board):
    board.call("update_room", wip={Status.TODO: 1})
    agent.call("create_task", title="a", status="todo")
    assert "todo" in agent.call("create_task", title="b", status="todo")["warnings"][0]


def test_a_hint_speaks_of_arguments_and_not_of_options(agent):
    agent.call("create_task", title="x")
    error = agent.call("update_task_status", task_id=1, status="blocked")["error"]
    assert error["hint"] == "Say what it waits for: `reason`."


def test_a_hint_leaves_out_what_only_the_command_line_can_do(agent):
    agent.call("create_task", title="x")
    hint = agent.call("update_task", task_id=1, assignee="ghost")["error"]["hint"]
    assert hint == "Name another."
    hint = agent.call("get_task", task_id=99)["error"]["hint"]
    assert hint == "See the numbers with `list_tasks`; archived ones with `status` archived."


def test_a_version_that_never_was_is_nobodys_change(agent):
    agent.call("create_task", title="x")
    error = agent.call("update_task", task_id=1, title="y", expected_version=9)["error"]
    assert "never was" in error["message"]
    assert error["hint"] == "Look at it; if yours still makes sense, call again with expected_version 1."


@pytest.mark.parametrize("name", ["x" * 5_000, "\x1b]0;title\x07evil", "half \ud800 a pair", "\u202e\x07"])
def test_a_client_can_work_whatever_it_calls_itself(board, name):
    caller = Caller("demo", {})
    caller.introduce(name, name)
    try:
        briefing = caller.call(find("session_start"), {}).value
    finally:
        caller.close()
    for told in (briefing.session.client_name, briefing.agent.name):
        assert told.isprintable()
        assert 0 < len(told) <= NAME_LIMIT


def test_ones_own_change_of_another_entity_is_no_conflict(agent, board):
    board.add("one", status="todo")
    board.add("two", status="todo")
    board.call("create_agent", name="codex")
    agent.call("claim_next")
    agent.call("create_handoff", task_id=1, summary="half", to_agent_id="codex")
    assert agent.call("update_task", task_id=1, labels=["mine"])["success"], "the handoff has ended the claim, unshown"
    agent.call("claim_next")
    board.edit("2", title="by the person")
    agent.call("create_handoff", task_id=2, summary="half", to_agent_id="codex")
    refused = agent.call("update_task", task_id=2, labels=["mine"])
    assert refused["error"]["code"] == "version_conflict", "a version that was not shown lies between"
