"""How things read: sentences of events, times, values; what comes from outside stays harmless."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

import pytest

from core.agents.expiry import PROGRAM
from core.execute import Call, execute
from core.operations import find
from core.operations.handoff import HandoffAnswer
from storage import (
    AgentKind,
    AgentState,
    Ending,
    Event,
    Finish,
    HandoffStatus,
    Priority,
    ProcessState,
    Room,
    SessionState,
    StateSource,
    Status,
)
from tests.support.crew import Worker
from tests.support.users import User
from tui.board_state import BoardState, read_all
from tui.event_query import EventQuery, search
from tui.graph import draw_graph
from tui.sentences import event_sentence
from tui.wording import (
    AGENT_STATES,
    ENDING_NAMES,
    HANDOFF_STATES,
    KIND_NAMES,
    PRIORITY_NAMES,
    SESSION_STATES,
    SOURCE_NAMES,
    STATUS_NAMES,
    Names,
    age,
    clock,
    due_text,
    duration,
    field_value,
)

NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)


def state_of(board: User) -> BoardState:
    with board.database.read() as rows:
        room = rows.room_by_name("demo")
        assert isinstance(room, Room)
        state = BoardState(room)
        state.apply(read_all(rows, room.id))
    return state


def events_of(board: User) -> Iterator[tuple[Event, str]]:
    names = Names(state_of(board))
    with board.database.read() as rows:
        for event in rows.events():
            yield event, event_sentence(event, names)


def last_sentence(board: User) -> str:
    return list(events_of(board))[-1][1]


def test_sentences_say_what_happened(board: User, bob: User) -> None:
    other = board.add("Write tests")
    card = board.add("Fix login", status="todo")
    assert last_sentence(board) == "added #2 Fix login to Todo"
    board.move(card, "in_progress", reason="it burns")
    assert last_sentence(board) == "moved #2 Fix login, Todo → In progress, because: it burns"
    board.call("assign_task", task=card, to="me")
    assert last_sentence(board) == "gave #2 Fix login to owner"
    board.call("assign_task", task=card, to="nobody")
    assert last_sentence(board) == "took #2 Fix login from owner"
    board.outcome("move_task", task=card, to=Status.BLOCKED, reason="no key")
    assert last_sentence(board) == "blocked #2 Fix login, In progress → Blocked, because: no key"
    board.edit(card, priority=Priority.HIGH, labels=("a", "b"))
    assert last_sentence(board) == "changed #2 Fix login: priority normal → high; labels none → a, b"
    board.edit(card, description="long")
    assert last_sentence(board) == "changed #2 Fix login: the description"
    board.call("depend_task", task=card, on=(other,))
    assert last_sentence(board) == "changed #2 Fix login: waits for nothing → #1"
    board.move(other, "backlog", before=None)
    board.comment(card, "see\nhere")
    assert last_sentence(board) == "commented on #2: see here"
    board.call("archive_task", task=card)
    assert last_sentence(board) == "archived #2 Fix login"
    board.call("restore_task", task=card, to=Status.TODO)
    assert last_sentence(board) == "brought #2 Fix login back to Todo"
    board.move(card, "todo", before=None)
    board.call("undo")
    assert last_sentence(board).startswith("undid: ")
    board.call("redo")
    assert last_sentence(board).startswith("redid: ")
    board.call("update_room", wip={Status.TODO: 3})
    assert last_sentence(board) == "changed the room: limits none → Todo 3"
    bob.add("New")
    assert any(sentence == "added the agent bob" for _, sentence in events_of(board))


def test_every_sentence_is_one_harmless_line(board: User) -> None:
    card = board.add("[red]x[/] \x1b[31m evil")
    board.comment(card, "a\x1b]0;title\x07\nb")
    board.edit(card, command="rm \x1b[2J -rf")
    for _, sentence in events_of(board):
        assert "\x1b" not in sentence
        assert "\n" not in sentence


@pytest.mark.parametrize(("ago", "words"), [(5, "5 s"), (125, "2 min"), (3_600, "1 h"), (200_000, "2 d"), (-5, "0 s")])
def test_ages_are_short(ago: int, words: str) -> None:
    assert age(NOW - timedelta(seconds=ago), NOW) == words


def test_times_are_as_long_as_needed() -> None:
    local = NOW.astimezone()
    assert clock(NOW, NOW) == f"{local:%H:%M}"
    assert clock(NOW - timedelta(days=40), NOW).startswith(str((local - timedelta(days=40)).day))
    assert "2024" in clock(NOW.replace(year=2024), NOW)


@pytest.mark.parametrize(
    ("days", "words"), [(0, "today"), (1, "tomorrow"), (9, "in 9 days"), (-1, "yesterday"), (-3, "3 days ago")]
)
def test_due_dates_say_how_far(days: int, words: str) -> None:
    today = date(2026, 11, 20)
    assert due_text(today + timedelta(days=days), today).endswith(f"({words})")


def test_values_in_words(board: User) -> None:
    names = Names(state_of(board))
    assert duration(45) == "45 min"
    assert duration(120) == "2 h"
    assert field_value("estimate_minutes", 90, names) == "1 h 30 min"
    assert field_value("assignee", None, names) == "nobody"
    assert field_value("assignee", "agt_unknown", names) == "somebody"
    assert field_value("assignee", "me", names) == "me"
    assert field_value("status", "in_progress", names) == "In progress"
    assert field_value("removed", True, names) == "yes"
    assert field_value("labels", [], names) == "none"
    assert names.task("tsk_unknown") == "a task"


def test_the_graph_draws_two_levels_and_counts_the_rest(board: User) -> None:
    needs = [board.add(f"Need {number}") for number in range(14)]
    card = board.add("Fix login", dependencies=tuple(needs))
    after = board.add("After", dependencies=(card,))
    later = board.add("Later", dependencies=(after,))
    board.add("Too late", dependencies=(later,))
    tasks = state_of(board).tasks
    text = "\n".join(line.plain for line in draw_graph(tasks[card.id], tasks))
    assert "└─ … 2 more" in text
    assert "▶ ○ #15 Fix login" in text
    assert "     └─ ○ #17 Later" in text
    assert "Too late" not in text
    assert draw_graph(tasks[needs[0].id], {}) == []


def test_the_search_goes_on_where_it_paused(board: User, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.event_query.BATCH", 3)
    monkeypatch.setattr("tui.event_query.MOST_LOOKED_AT", 6)
    bob.add("The first")
    for number in range(20):
        board.add(f"Task {number}")
    state = state_of(board)
    names, query = Names(state), EventQuery.parse("@bob added first")
    found: list[Event] = []
    until: int | None = None
    pauses = 0
    with board.database.read() as rows:
        while True:
            page = search(rows, state.room.id, query, names, until=until)
            found += page.events
            until = page.before
            if until is None:
                break
            pauses += 1
    assert [event.after["title"] for event in found] == ["The first"]
    assert pauses > 1


@pytest.mark.parametrize(
    ("vocabulary", "names"),
    [
        (AgentState, AGENT_STATES), (StateSource, SOURCE_NAMES), (HandoffStatus, HANDOFF_STATES),
        (Ending, ENDING_NAMES), (SessionState, SESSION_STATES), (AgentKind, KIND_NAMES),
        (Priority, PRIORITY_NAMES), (Status, STATUS_NAMES),
    ],
)  # fmt: skip
def test_every_word_of_a_vocabulary_has_its_name(vocabulary: type[StrEnum], names: Mapping[str, object]) -> None:
    assert set(names) == set(vocabulary)


def test_sentences_say_what_agents_did(board: User) -> None:
    card = board.add("Fix login", status="todo")
    ann = Worker(board, "ann")
    assert last_sentence(board) == "started a session of ann"
    ann.call("claim_next", task=card)
    assert last_sentence(board) == "claimed #1 Fix login"
    ann.call("finish_task", task=card, finish=Finish.COMPLETE, summary="Works.\nReally.")
    assert last_sentence(board) == "reported #1 Fix login as done: Works. Really."
    board.call("send_back_task", task=card, body="No.")
    assert last_sentence(board) == "sent #1 Fix login back"
    ann.call("claim_next", task=card)
    handoff = ann.call("create_handoff", task=card, summary="Take it.", to_role="person")
    sentences = [sentence for _, sentence in events_of(board)]
    assert sentences[-2:] == ["handed #1 Fix login to any person: Take it.", "let go of #1 Fix login to hand it over"]
    board.call("redirect_handoff", handoff=handoff, to_agent=board.id)
    assert last_sentence(board) == "redirected the handoff of #1 Fix login to owner"
    board.outcome("acknowledge_handoff", handoff=handoff, answer=HandoffAnswer.DECLINE, reason="no time")
    assert last_sentence(board) == "declined the handoff of #1 Fix login, because: no time"
    ann.call("claim_next", task=card)
    board.outcome("end_session", session=ann.session, reason="gone")
    sentences = [sentence for _, sentence in events_of(board)]
    assert sentences[-2:] == [
        "ended the session of ann, because: gone", "found #1 Fix login left without a report, because: gone",
    ]  # fmt: skip
    board.call("update_room", review_gate="off", handoff_alert_minutes=90)
    assert last_sentence(board) == "changed the room: review gate yes → no; a handoff alerts after 15 min → 1 h 30 min"
    assert all("token" not in sentence and ann.session.token_hash not in sentence for sentence in sentences)


def test_sentences_say_what_became_of_processes(board: User) -> None:
    board.call("add_process", name="web", command=("sleep", "1"))
    assert last_sentence(board) == "added the process web"
    board.call("stop_processes")
    assert last_sentence(board) == "asked for the stop of web"
    board.call("restart_processes", processes=("web",))
    assert last_sentence(board) == "asked for a restart of web"
    (report,) = board.call("list_processes")
    failed = replace(report.process, state=ProcessState.FAILED, reason="exit code 3", exit_code=3)
    call = Call(operation=find("observe_processes"), arguments={"observed": (failed,)}, actor=PROGRAM, room=board.room)
    execute(board.database, call)
    assert last_sentence(board) == "saw web fail, because: exit code 3"
