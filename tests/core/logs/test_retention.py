"""How long logs stay: of processes as long as they do, of what is no more for some days and up to a size."""

import asyncio
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from core.agents.expiry import PROGRAM
from core.execute import Call, execute
from core.logs.retention import Kept, Kind, all_kept, due, tidy
from core.logs.window import output_folder
from core.operations import find
from core.services import LogsService
from core.settings import DEFAULTS
from storage import Process, new_trash_folder, utc_now
from tests.support.outputs import Printing, add_process
from tests.support.runners import until
from tests.support.users import User

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def kept(name: str, *, days: float, size: int = 1_000_000, is_loose: bool = True, log_days: int = 30) -> Kept:
    last_at = NOW - timedelta(days=days)
    goes_at = last_at + timedelta(days=log_days) if is_loose and log_days else None
    return Kept(Kind.RUN, name, name, None, (), size, last_at, goes_at, is_loose)


def names(found: list[Kept]) -> list[str]:
    return [each.name for each in found]


def test_what_is_too_old_goes_and_what_may_not_go_stays_however_old():
    found = [kept("old", days=31), kept("young", days=29), kept("present", days=400, is_loose=False)]
    assert names(due(found, DEFAULTS, NOW)) == ["old"]
    assert names(due(found, DEFAULTS, NOW + timedelta(days=1))) == ["old", "young"]
    for_ever = [kept("old", days=3_000, log_days=0)]
    assert due(for_ever, replace(DEFAULTS, log_days=0), NOW) == []


def test_what_is_too_much_goes_the_oldest_first_until_it_is_small_enough():
    found = [kept("c", days=1), kept("a", days=3), kept("b", days=2), kept("present", days=9, is_loose=False)]
    settings = replace(DEFAULTS, log_megabytes=2)
    assert names(due(found, settings, NOW)) == ["a"]
    assert names(due(found, replace(settings, log_megabytes=1), NOW)) == ["a", "b"]
    assert due(found, replace(settings, log_megabytes=3), NOW) == []
    assert due(found, replace(settings, log_megabytes=0), NOW) == [], "no bound"
    assert names(due([*found, kept("old", days=40, size=9_000_000)], settings, NOW)) == ["old", "a"]


@pytest.fixture
def printed(board: User) -> dict[str, Process]:
    made = {name: add_process(board, name) for name in ("web", "gone")}
    for process in made.values():
        Printing(board, process).say("hello")
    return made


def removed(board: User, process: Process) -> None:
    """Remove a process, and let a host see that it is down."""
    board.call("remove_process", process=process.name)
    with board.database.read() as rows:
        current = next(each for each in rows.every(Process) if each.id == process.id)
    seen = replace(current, observed_generation=current.generation)
    execute(
        board.database,
        Call(operation=find("observe_processes"), arguments={"observed": (seen,)}, actor=PROGRAM, room=board.room),
    )


def age(folder: Path, days: float) -> None:
    then = (utc_now() - timedelta(days=days)).timestamp()
    for each in (*folder.rglob("*"), folder):
        os.utime(each, (then, then))


def test_a_removed_processs_output_stays_for_its_days_and_that_of_a_present_one_always(
    board: User, printed: dict[str, Process]
):
    home = board.database.home
    removed(board, printed["gone"])
    for process in printed.values():
        age(output_folder(home, process.id), 400)
    folders = {name: output_folder(home, process.id) for name, process in printed.items()}
    assert tidy(board.database, DEFAULTS, utc_now() + timedelta(days=29)) == [], "its days begin when it is removed"
    told = {each.name: each for each in all_kept(board.database, DEFAULTS)}
    assert (told["web"].kind, told["web"].goes_at) == (Kind.PROCESS, None)
    assert told["gone"].kind is Kind.REMOVED
    assert told["gone"].goes_at is not None
    assert told["gone"].size == sum(each.stat().st_size for each in folders["gone"].iterdir())
    assert names(tidy(board.database, DEFAULTS, utc_now() + timedelta(days=31))) == ["gone"]
    assert not folders["gone"].exists()
    assert folders["web"].exists()


def test_a_removed_process_that_no_host_has_seen_down_keeps_its_log(board: User, printed: dict[str, Process]):
    board.call("remove_process", process="gone")
    age(output_folder(board.database.home, printed["gone"].id), 400)
    assert tidy(board.database, DEFAULTS, utc_now() + timedelta(days=400)) == []


def test_what_the_store_does_not_know_goes_by_its_age(board: User):
    home = board.database.home
    strange = output_folder(home, "prc_of_another_time")
    strange.mkdir(parents=True)
    (strange / "output.log").write_text("hello")
    run = home.logs / "runs" / "run_1.log"
    run.write_text("hello")
    (home.logs / "runs" / "run_1.log.1").write_text("older")
    assert tidy(board.database, DEFAULTS, utc_now()) == []
    age(strange, 31)
    os.utime(home.logs / "runs" / "run_1.log.1", (0, 0))
    assert names(tidy(board.database, DEFAULTS, utc_now())) == ["prc_of_another_time"], "the newest file counts"
    age(home.logs / "runs", 31)
    assert names(tidy(board.database, DEFAULTS, utc_now())) == ["run_1"]
    assert list((home.logs / "runs").iterdir()) == []


def test_the_log_of_an_open_run_stays(board: User):
    task = board.call("create_task", title="Test", command="true")
    run = board.call("queue_task", task=task.id)
    path = board.database.home.logs / "runs" / f"{run.id}.log"
    path.write_text("hello")
    age(path.parent, 400)
    assert tidy(board.database, DEFAULTS, utc_now()) == []
    assert path.exists()


def test_crashes_are_put_aside_when_they_are_many(board: User):
    log = board.database.home.logs / "wzp.log"
    log.write_text("x" * 1_000_001)
    tidy(board.database, DEFAULTS, utc_now())
    assert not log.exists()
    assert log.with_name("wzp.log.1").stat().st_size == 1_000_001
    log.write_text("little")
    tidy(board.database, DEFAULTS, utc_now())
    assert log.read_text() == "little"
    own = {each.name: each for each in all_kept(board.database, DEFAULTS) if each.kind is Kind.OWN}
    assert own["wzp"].size == 1_000_007


def thrown_away(board: User, *sizes: int) -> list[Path]:
    """So much in the trash, a file each day, the last of it today."""
    home, folders = board.database.home, []
    for days, size in zip(reversed(range(len(sizes))), sizes, strict=True):
        with time_machine.travel(utc_now() - timedelta(days=days), tick=False):
            folders.append(new_trash_folder(home))
        (folders[-1] / "state.db").write_bytes(b"x" * size)
        age(folders[-1], days)
    return folders


def test_the_trash_goes_by_its_age_and_its_newest_never(board: User):
    folders = thrown_away(board, 10, 20, 30)
    told = [each for each in all_kept(board.database, DEFAULTS) if each.kind is Kind.TRASH]
    assert [each.paths for each in told] == [(folder,) for folder in folders]
    assert [each.size for each in told] == [10, 20, 30]
    assert [each.goes_at is None for each in told] == [False, False, True]
    assert told[0].goes_at == told[0].last_at + timedelta(days=30)
    assert tidy(board.database, DEFAULTS, utc_now() + timedelta(days=27)) == []
    gone = tidy(board.database, DEFAULTS, utc_now() + timedelta(days=28, hours=1))
    assert names(gone) == [folders[0].name]
    assert tidy(board.database, replace(DEFAULTS, trash_days=0), utc_now() + timedelta(days=900)) == []
    tidy(board.database, DEFAULTS, utc_now() + timedelta(days=900))
    assert [each.exists() for each in folders] == [False, False, True]


def test_the_trash_goes_by_its_size_the_oldest_first_and_apart_from_the_logs(board: User, printed: dict[str, Process]):
    removed(board, printed["gone"])
    folders = thrown_away(board, 600_000, 600_000, 600_000)
    assert tidy(board.database, replace(DEFAULTS, log_megabytes=1, trash_megabytes=0), utc_now()) == []
    assert names(tidy(board.database, replace(DEFAULTS, trash_megabytes=1), utc_now())) == [folders[0].name]
    assert [each.exists() for each in folders] == [False, True, True]


async def test_the_host_sees_to_it(board: User, printed: dict[str, Process], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("core.services.logs.FIRST_S", 0.0)
    home = board.database.home
    removed(board, printed["gone"])
    home.config.write_text("log_days: 1\n")
    with time_machine.travel(utc_now() + timedelta(days=2), tick=True):
        running = asyncio.create_task(LogsService(board.database).run())
        await until(lambda: not output_folder(home, printed["gone"].id).exists())
        running.cancel()
    assert output_folder(home, printed["web"].id).exists()
