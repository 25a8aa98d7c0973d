"""Tables keep their columns straight whatever stands in them, and drawn text does nothing to the terminal."""

import os
import re
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from core.agents.presence import Observation, observe, take_up
from core.alerts.findings import Finding
from core.doors.cli import drawing
from core.doors.cli import table as tables
from core.doors.cli.drawing import age_of, local_time
from core.doors.cli.table import Cell, cell_width, cut, table
from storage import AgentState, Database, Home, Role, Session, StateSource, utc_now
from tests.support.users import User


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("日本語", 6), ("é", 1), ("e\u0301", 1), ("🚀x", 3), ("", 0)])
def test_the_width_of_a_text_is_counted_in_cells(text, width):
    assert cell_width(text) == width


def test_a_cut_text_keeps_to_its_cells_and_never_halves_a_wide_character():
    assert cut("日本語の題", 5) == "日本…"
    assert cut("日本語", 6) == "日本語"
    assert cell_width(cut("日本語の題", 6)) <= 6


def test_columns_stay_straight_with_wide_characters_and_empty_ones_are_left_out():
    lines = table(
        ("A", "GONE", "B"), [[Cell("日本"), Cell(""), Cell("x")], [Cell("ab"), Cell(""), Cell("y")]], flexible=0
    )
    assert lines == "A     B\n日本  x\nab    y"


class Terminal:
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_flexible_column_gives_way(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setattr(tables.shutil, "get_terminal_size", lambda: os.terminal_size((40, 10)))
    monkeypatch.setenv("NO_COLOR", "1")
    lines = table(("#", "TITLE", "WHO"), [[Cell("#1"), Cell("x" * 100), Cell("alice")]], flexible=1).split("\n")
    assert all(cell_width(line) <= 40 for line in lines)
    assert "alice" in lines[1]
    assert "…" in lines[1]


def test_colours_are_shown_on_a_terminal_alone_and_never_against_no_color(monkeypatch: pytest.MonkeyPatch):
    assert tables.styled("x", tables.RED) == "x"
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    assert tables.styled("x", tables.RED) == "\x1b[31mx\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert tables.styled("x", tables.RED) == "x"


def test_ages_are_told_in_their_greatest_unit():
    now = datetime(2030, 1, 1, tzinfo=UTC)
    told = {"45s": 45, "12m": 12 * 60, "3h": 3 * 3600, "5d": 5 * 86400, "7w": 50 * 86400, "2y": 800 * 86400}
    for text, seconds in told.items():
        assert age_of((now - timedelta(seconds=seconds)).isoformat(), now) == text
    assert age_of((now + timedelta(hours=1)).isoformat(), now) == "0s", "a clock set back is no age"


def test_times_are_told_in_the_persons_zone(monkeypatch: pytest.MonkeyPatch):
    import time

    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert local_time("2030-01-01T00:00:00.000000Z") == "2030-01-01 09:00:00"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_what_people_see_carries_no_escape_of_a_task(wzp, room):
    wzp("task", "add", "plain", "--label", "a\u202eb", "--description", "\x1b[2Jgone", "--command", "x\x1b]0;t\x07y")
    wzp("task", "comment", "1", "hello \x1b[31mred\x9b2J")
    for words in (("task", "list"), ("task", "show", "1"), ("history",), ("board",)):
        shown = wzp(*words)
        assert shown.code == 0
        assert not any(character in shown.out for character in "\x1b\x9b\x07\u202e")


def test_each_view_says_what_there_is(wzp, room):
    assert wzp("task", "list").out == "No tasks.\n"
    wzp("agent", "add", "claude", "--description", "writes code")
    wzp("task", "add", "Write the parser", "--priority", "urgent", "--label", "core", "--estimate", "90")
    wzp(
        "task",
        "add",
        "日本語の題",
        "--dependency",
        "1",
        "--assignee",
        "claude",
        "--due",
        "2030-01-02",
        "--command",
        "just",
    )
    wzp("task", "comment", "2", "first line\nsecond line")
    assert wzp("task", "move", "1", "blocked", "--reason", "waits for the grammar").out == (
        "Moved #1 to blocked: Write the parser\n"
    )
    listed = wzp("task", "list").out
    for word in ("#1", "urgent", "core", "日本語の題", "claude", "2030-01-02"):
        assert word in listed
    shown = wzp("task", "show", "2").out
    for word in ("waits for  #1 (1 open)", "  second line", "just", "History", "Comments"):
        assert word in shown
    assert "waits for the grammar" in wzp("task", "show", "1").out
    assert "status backlog → blocked" in wzp("history").out
    assert "blocked (1)" in wzp("board").out
    assert "writes code" in wzp("agent", "list").out
    assert "日本語の題" in wzp("agent", "show", "claude").out
    wzp("room", "edit", "--wip", "todo=3")
    shown = wzp("room", "show").out
    for word in ("todo 3 (warn)", "review gate    on", "go back to the queue", "90 s", "after 15 min"):
        assert word in shown
    assert "demo" in wzp("room", "list").out
    assert wzp("undo").out == "Undone: update room.\n"
    assert wzp("redo").out.startswith("Redone")


def test_of_many_changed_tasks_the_first_are_named_and_the_others_counted(wzp, room):
    wzp("task", "add", "-", stdin="\n".join(f"task {number}" for number in range(25)))
    told = wzp("task", "archive-many", "-", stdin=" ".join(str(number) for number in range(1, 26))).out
    assert "25 tasks" in told
    assert told.endswith("#19, #20 and 5 more.\n")
    assert "and 5 more" in wzp("undo").out


def words_of(out: str, *words: str) -> None:
    for word in words:
        assert word in out, f"{word!r} is not in:\n{out}"


def test_a_claim_is_told_with_all_that_one_needs_or_with_why_there_is_none(wzp, room):
    assert wzp("claim", "next").out == "Nothing is ready for you: todo is empty.\n"
    wzp("task", "add", "Fix login", "--status", "todo", "--description", "See the log.")
    wzp("agent", "add", "codex")
    assert wzp("claim", "next").out == "Claimed #1 (claim 1): Fix login\n\nSee the log.\n"
    told = wzp("claim", "finish", "1", "fail", "No access.\nAsk for it.", "--file", "a.py", "--output", "403")
    assert told.out == "Finished #1 in blocked: Fix login\n"
    words_of(wzp("task", "show", "1").out, "Result\nfailed by ", "  Ask for it.", "files  a.py", "output\n  403")
    words_of(wzp("history", "--limit", "1").out, "#1 failed", "result none → failed: No access. Ask for it.")


def test_a_review_says_where_the_task_went(wzp, room):
    wzp("task", "add", "Fix login", "--status", "review")
    assert wzp("review", "send-back", "1", "The test is missing.").out == "Sent back #1 in todo: Fix login\n"
    wzp("task", "move", "1", "review")
    assert wzp("review", "approve", "1").out == "Approved #1 in done: Fix login\n"


def test_a_handoff_is_drawn_in_a_row_and_in_full(wzp, room, home: Home):
    assert wzp("handoff", "list").out == "No handoffs.\n"
    wzp("agent", "add", "codex")
    wzp("task", "add", "Rate limit", "--status", "in_progress")
    created = wzp(
        "handoff", "create", "1", "The limiter works.", "--to-agent", "codex", "--next-step", "Test ::1, then merge",
        "--next-step", "Write it up", "--warning", "The clock is frozen", "--failed-approach", "A counter a process",
        "--file", "limit.py", "--branch", "rate-limit",
    )  # fmt: skip
    handoff = wzp("handoff", "list", "--json").json[0]
    end = handoff["id"][-8:]
    assert created.out == f"Created handoff {end} of #1 to codex.\n"
    words_of(wzp("handoff", "list").out, end, "#1", " → codex", "pending · ", "The limiter works.")
    shown = wzp("handoff", "show", end).out
    words_of(
        shown, "of #1 Rate limit", "1. Test ::1, then merge", "2. Write it up", "- The clock is frozen", "limit.py"
    )
    words_of(shown, "- A counter a process", "rate-limit", handoff["id"])
    assert "Redirected handoff" in wzp("handoff", "redirect", end, "--to-role", "review").out
    assert "any review" in wzp("handoff", "list").out
    words_of(wzp("task", "show", "1").out, "Handoffs\n", end, "#1 handoff created: The limiter works.")
    answered = wzp("handoff", "answer", end, "--answer", "decline", "--reason", "no time").out
    assert answered.startswith(f"Declined handoff {end} of #1 (in_progress): Rate limit")
    words_of(wzp("handoff", "show", end).out, "declined · ", "no time")


def test_an_overdue_handoff_says_so_at_every_door(wzp, room):
    with time_machine.travel("2030-01-01T00:00:00Z", tick=False) as clock:
        wzp("agent", "add", "codex")
        wzp("task", "add", "Rate limit", "--status", "in_progress")
        wzp("handoff", "create", "1", "Half of it.", "--to-agent", "codex")
        clock.shift(14 * 60)
        assert "overdue" not in wzp("handoff", "list").out
        assert wzp("handoff", "list", "--json").json[0]["overdue"] is False
        clock.shift(60)
        assert "pending · 15m · overdue" in wzp("handoff", "list").out
        assert wzp("handoff", "list", "--json").json[0]["overdue"] is True


def test_sessions_and_briefings_are_drawn(wzp, room):
    assert wzp("session", "list").out == "No sessions.\n"
    wzp("agent", "add", "codex", "--skill", "tests")
    created = wzp("session", "create", "codex").out.splitlines()
    session = wzp("session", "list", "--json").json[0]["id"]
    assert created[0] == f"Created session {session} of codex."
    assert created[1].startswith("WZP_SESSION_TOKEN=wzs_")
    words_of(wzp("session", "list").out, session, "codex", "active")
    words_of(wzp("session", "show", session).out, session, "codex", "active", "started")
    assert wzp("session", "end", session, "--reason", "went in circles").out == f"Ended session {session} of codex.\n"
    words_of(wzp("session", "list").out, "ended", "went in circles")
    words_of(wzp("session", "show", session).out, "went in circles")
    words_of(wzp("history", "--limit", "1").out, "session ended: state active → ended (went in circles)\n")
    wzp("task", "add", "Fix login", "--status", "todo", "--assignee", "codex")
    wzp("handoff", "create", "1", "Begin with the log.", "--to-role", "tests")
    told = wzp("session", "start", "tester", "--skill", "tests").out
    words_of(told, "You are tester (ai, role agent; skills: tests).", "WZP_SESSION_TOKEN=wzs_", "Begin with the log.")
    words_of(told, "You have no tasks.", "The others\n", "went in circles", "waits in review until it is approved")


def test_agents_show_what_they_do_who_says_so_and_since_when(wzp, room, home: Home):
    wzp("agent", "add", "claude", "--description", "writes code")
    wzp("agent", "add", "codex")
    wzp("task", "add", "Fix login", "--status", "todo")
    started = wzp("session", "create", "codex", "--json").json
    words_of(wzp("agent", "list").out, "no session", "writes code", "unknown · session · ", "nothing was heard of it")
    database = Database.open(home)
    with database.write("test") as rows:
        session = rows.get(Session, started["id"])
        its_room = rows.room_by_name(room)
        assert session is not None
        assert its_room is not None
        take_up(rows, session, its_room, None)
        seen = Observation(AgentState.WAITING, StateSource.HOOK, utc_now(), "May I use Bash: rm -rf build?")
        observe(rows, session, its_room, seen)
    database.close()
    wzp("handoff", "create", "1", "Begin here.", "--to-agent", "codex")
    line = next(line for line in wzp("agent", "list").out.splitlines() if line.startswith("codex"))
    words_of(line, "waiting · hook · ", "asks: May I use Bash: rm -rf build?", " 1")


def test_the_list_of_agents_fits_80_columns(wzp, room, monkeypatch: pytest.MonkeyPatch):
    wzp("agent", "add", "a-name-of-twenty-let", "--role", "operator")
    wzp("task", "add", "A title that goes on and on, as titles of tasks will do, beyond any width", "--status", "todo")
    report = {
        **wzp("agent", "list", "--json").json[0], "state": "unknown", "source": "session", "session": {},
        "since": "2020-01-01T00:00:00.000000Z", "task": wzp("task", "list", "--json").json[0], "unread_handoffs": 12,
    }  # fmt: skip
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setattr(tables.shutil, "get_terminal_size", lambda: os.terminal_size((80, 24)))
    monkeypatch.setenv("NO_COLOR", "1")
    assert all(cell_width(line) <= 80 for line in drawing.LISTS["AgentReport"]([report]).splitlines())


def test_a_card_whose_agent_ended_without_reporting_says_so(wzp, room, monkeypatch: pytest.MonkeyPatch):
    wzp("agent", "add", "codex")
    wzp("task", "add", "Fix login", "--status", "todo")
    session = wzp("session", "create", "codex", "--json").json
    monkeypatch.setenv("WZP_SESSION_TOKEN", session["token"])
    assert wzp("claim", "next").out.startswith("Claimed #1 (claim 1, a lease of 3600 s): Fix login")
    words_of(wzp("task", "show", "1").out, f"by session {session['id']} (claim 1)")
    monkeypatch.delenv("WZP_SESSION_TOKEN")
    assert "abandoned" not in wzp("task", "list").out
    wzp("session", "end", session["id"])
    for view in (("task", "list"), ("board",)):
        assert "codex · abandoned" in wzp(*view).out
    words_of(wzp("task", "show", "1").out, "abandoned by codex", "stopped without reporting")
    wzp("task", "move", "1", "todo")
    assert "abandoned" not in wzp("task", "list").out


def test_the_history_of_alerts_says_which_they_were(wzp, room, home: Home):
    with closing(Database.open(home)) as database:
        program = User(database, "wezterm-parallel", room=room, role=Role.SYSTEM)
        program.call("note_alerts", findings=(Finding(rule="disk_full", subject="/", message="The disk is full."),))
        wzp("alerts", "mute", "--all", "--minutes", "5")
        program.call("note_alerts", findings=(Finding(rule="disk_full", subject="/", is_over=True),))
    resolved, muted, raised = wzp("history", "--limit", "3").out.splitlines()[1:]
    assert "alert raised: The disk is full." in raised
    assert re.search(r"alert muted until 2\d{3}-\d\d-\d\d \d\d:\d\d:\d\d: The disk is full\.", muted)
    assert "alert resolved: The disk is full." in resolved


def test_pausing_the_queue_says_that_it_is_the_queue(wzp, room):
    assert wzp("queue", "pause").out == "Paused the queue of room demo.\n"
    assert wzp("queue", "resume").out == "Resumed the queue of room demo.\n"


def test_a_queued_run_says_whether_it_waits_for_a_worker_or_an_agent(wzp, room):
    wzp("process", "add", "ada", "--kind", "agent", "--autostart", "off", "sleep", "1000")
    wzp("agent", "add", "ada")
    wzp("task", "add", "Think")
    wzp("task", "add", "Assigned", "--command", "true", "--assignee", "ada")
    wzp("task", "add", "Run", "--command", "true")
    wzp("task", "queue-many", "1", "2", "3")
    runs = wzp("queue", "list", "--json").json
    waits = {run["task_number"]: run["waits_for"] for run in runs}
    assert waits == {1: "an agent", 2: "an agent", 3: "a worker"}


def test_a_queued_run_says_what_it_waits_for(wzp, room, monkeypatch: pytest.MonkeyPatch):
    wzp("task", "add", "First", "--command", "true")
    wzp("task", "queue", "1")
    assert wzp("queue", "list", "--json").json[0]["waits_for"] == "a worker"
    words_of(wzp("queue", "list").out, "waits for a worker: true")
    wzp("task", "add", "Second", "--command", "true", "--dependency", "1")
    wzp("task", "queue", "2")
    words_of(wzp("queue", "show", "2").out, "waits for other tasks")
    wzp("queue", "pause")
    words_of(wzp("queue", "list").out, "the queue is paused: true")
    wzp("queue", "resume")
    assert wzp("queue", "pause-run", "2", "--json").json["waits_for"] == "paused"
    assert wzp("queue", "list").out.count("paused") == 1
    assert wzp("queue", "cancel", "1", "--json").json["waits_for"] is None
    monkeypatch.setenv("CLAUDECODE", "1")
    wzp("task", "edit", "1", "--command", "rm -rf /")
    wzp("task", "queue", "1")
    words_of(wzp("queue", "list").out, "waits for approval: rm -rf /")
