"""The flow of the work: counts, ages and times from the events alone, and a board's cumulative flow."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from core.metrics.collector import Collector
from core.metrics.cumulative import cumulative_flow
from core.metrics.flow import FlowMeter
from core.metrics.series import Span
from core.operations.metrics import MetricSeries
from storage import (
    COLUMNS,
    Database,
    Door,
    ParallelError,
    Restorer,
    RoomId,
    Status,
    Subject,
    counts_by_status,
    create_backup,
    restore_backup,
    transitions,
)  # fmt: skip
from tests.support.measured import fill_metrics
from tests.support.users import User

NOON = datetime(2037, 6, 1, 12, 0, tzinfo=UTC)
"""Later than the room of the fixture is made: the time of events never goes back."""


def _room(database: Database) -> RoomId:
    with database.read() as rows:
        return rows.rooms()[0].id


class Follower:
    """A meter that follows the events of a database from when it was made."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.meter = FlowMeter()
        with database.read() as rows:
            self.meter.begin(rows)
            self.after = rows.last_sequence()
            self.room = rows.rooms()[0].id

    def see(self, now: datetime, kind: str = "board") -> dict[str, Any]:
        with self.database.read() as rows:
            news = transitions(rows, after=self.after)
            self.meter.take(news, rows)
        if news:
            self.after = news[-1].sequence
        return self.meter.measure(now)[Subject(kind, self.room)]


def test_cycle_lead_and_stay_are_told_when_a_task_is_done(board: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        card = board.add("Fix", status="todo")
        clock.shift(60)
        follower = Follower(board.database)
        assert follower.see(NOON + timedelta(seconds=60))["oldest_todo"] == 60
        board.move(card, "in_progress")
        clock.shift(100)
        seen = follower.see(NOON + timedelta(seconds=160))
        assert (seen["todo"], seen["in_progress"], seen["stay_todo"], seen["left_todo"]) == (0, 1, 60, 1)
        assert seen["oldest_in_progress"] == 100
        board.move(card, "review")
        board.move(card, "done")
        seen = follower.see(NOON + timedelta(seconds=160))
        assert (seen["finished"], seen["cycle"], seen["lead"]) == (1, 100, 160)
        assert (seen["stay_in_progress"], seen["left_review"], seen["done"]) == (100, 1, 1)
        assert follower.see(NOON)["finished"] == 0, "sums are told once"


def test_what_was_begun_before_the_host_started_has_its_cycle_time(board: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        card = board.add("Fix", status="todo")
        board.move(card, "in_progress")
        clock.shift(30)
        follower = Follower(board.database)
        board.move(card, "done")
        assert follower.see(NOON)["cycle"] == 30


def test_the_counts_stay_those_of_the_board_whatever_is_done(board: User) -> None:
    follower = Follower(board.database)
    columns = ("backlog", "todo", "in_progress")
    cards = [board.add(f"Task {number}", status=columns[number % 3]) for number in range(20)]
    board.call("archive_tasks", tasks=[card.id for card in cards[:5]])
    board.call("undo")
    board.move(cards[7], "in_progress")
    board.call("undo")
    board.call("redo")
    seen = follower.see(NOON)
    with board.database.read() as rows:
        counts = counts_by_status(rows)[follower.room]
    assert {status: seen[status] for status in COLUMNS} == {status: counts.get(status, 0) for status in COLUMNS}


def test_after_a_restore_the_counts_are_those_of_the_board(board: User) -> None:
    board.add("Kept", status="todo")
    create_backup(board.database.home)
    collector = Collector(board.database)
    collector.begin()
    board.add("Lost", status="todo")
    board.move("1", "in_progress")
    subject = Subject("board", _room(board.database))
    assert collector.tick(1_800_000_000).measured[subject]["todo"] == 1
    restore_backup(board.database.home, "latest", Restorer(name="owner", door=Door.CLI))
    seen = collector.tick(1_800_000_001).measured[subject]
    assert (seen["todo"], seen["in_progress"]) == (1, 0)
    collector._store.close()


def test_a_run_s_wait_is_told_when_it_begins(board: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        card = board.add("Build", command="true", status="todo")
        follower = Follower(board.database)
        board.call("queue_task", task=card)
        clock.shift(20)
        seen = follower.see(NOON + timedelta(seconds=20), "queue")
        assert (seen["queued"], seen["oldest"]) == (1, 20)
        board.call("cancel_run", run=str(card.number))
        seen = follower.see(NOON + timedelta(seconds=20), "queue")
        assert (seen["queued"], seen["ended"], seen["begun"]) == (0, 1, 0)


def test_the_cumulative_flow_is_that_of_the_board_at_each_moment(board: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        cards = [board.add(f"Task {number}") for number in range(4)]
        clock.shift(600)
        board.move(cards[0], "todo")
        clock.shift(600)
        board.move(cards[0], "done")
        board.call("archive_tasks", tasks=[cards[1].id])
        clock.shift(600)
        with board.database.read() as rows:
            flow = cumulative_flow(rows, _room(board.database), Span.HOUR, 13, datetime.now(UTC))
    told = [(point.backlog, point.todo, point.done) for point in flow]
    assert told == [(0, 0, 0)] * 6 + [(4, 0, 0)] * 2 + [(3, 1, 0)] * 2 + [(2, 0, 1)] * 3
    assert flow[-1].at == NOON + timedelta(seconds=1800)


def test_a_series_can_be_asked_for_by_name(board: User) -> None:
    fill_metrics(board.database.home, _room(board.database), seconds=300)
    (cpu,) = board.call("list_metrics", series=("cpu.percent",), last=Span.MINUTES_5, points=10)
    assert isinstance(cpu, MetricSeries)
    assert cpu.step_seconds == 30
    assert 9 <= len(cpu.points) <= 11
    assert all(0 <= point.min <= point.mean <= point.max <= 80 for point in cpu.points)
    names = {each.name for each in board.call("list_metrics", series=("board",), last=Span.MINUTES_5)}
    assert f"board.{Status.TODO}" in names
    assert "board.cycle_time" in names


def test_without_a_host_nothing_is_told_of_now(board: User) -> None:
    usage = board.call("get_usage")
    assert usage.at is None
    assert usage.machine == {}
    assert board.call("list_metrics") == ()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [({"series": ("cpu.percnt",)}, "Did you mean cpu.percent?"), ({"points": 0}, "Ask for 1 to 3600.")],
)
def test_what_there_is_not_is_refused(board: User, arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(ParallelError) as refused:
        board.call("list_metrics", **arguments)
    assert told in refused.value.hint
