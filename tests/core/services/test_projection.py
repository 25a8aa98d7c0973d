"""The projections: YAML files that follow the board."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from core.services import ProjectionService
from core.services import projection as projection_module
from core.services.projection import room_files
from storage import Home, Priority, Room, Status
from tests.support.users import User

ROOM = "demo"


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text())


def test_the_files_are_yaml_and_say_what_the_board_says(board: User, alice: User) -> None:
    first = board.add('Quotes " and: colons #, 日本語, \u2028 - [x]', description="not in the file")
    board.add("Second", dependencies=("1",), priority=Priority.HIGH, estimate_minutes=30)
    board.call("assign_task", task=first.id, to="me")
    board.call("add_process", name="web", command=("sleep", "1"))
    done = board.add("Finished")
    board.move(done, Status.DONE)
    with board.database.read() as rows:
        room = rows.room_by_name(ROOM)
        assert isinstance(room, Room)
        files = room_files(rows, board.database.home, room)
    loaded = {path.name: YAML(typ="safe").load(data) for path, data in files.items()}
    tasks = loaded["current.yaml"]["tasks"]
    assert [task["title"] for task in tasks] == [first.title, "Second"]
    assert tasks[0]["assigned_to"] == "owner"
    assert tasks[1]["dependencies"] == [1]
    assert loaded["state.yaml"]["columns"]["done"] == 1
    assert loaded["state.yaml"]["room"]["name"] == ROOM
    (process,) = loaded["state.yaml"]["processes"]
    assert process["id"].startswith("prc_")
    assert (process["name"], process["status"], process["pid"], process["started_at"]) == ("web", "stopped", None, None)


async def test_the_service_writes_at_the_start_and_after_changes(board: User, home: Home, monkeypatch) -> None:
    monkeypatch.setattr(projection_module, "GATHER_S", 0.01)
    board.add("Before")
    service = asyncio.create_task(ProjectionService(board.database).run())
    path = home.room(ROOM) / "tasks" / "current.yaml"
    try:
        await written(path, ["Before"])
        await asyncio.to_thread(board.add, "After")
        await written(path, ["Before", "After"])
    finally:
        service.cancel()
        await asyncio.gather(service, return_exceptions=True)


async def test_a_renamed_room_leaves_no_files_under_its_old_name(board: User, home: Home, monkeypatch) -> None:
    monkeypatch.setattr(projection_module, "GATHER_S", 0.01)
    board.add("One")
    old, own = home.room(ROOM), home.room(ROOM) / "notes.txt"
    service = asyncio.create_task(ProjectionService(board.database).run())
    try:
        await written(old / "tasks" / "current.yaml", ["One"])
        own.write_text("the person's own")
        await asyncio.to_thread(board.call, "update_room", name="other")
        await written(home.room("other") / "tasks" / "current.yaml", ["One"])
        await until(lambda: not (old / "state.yaml").exists() and not (old / "tasks").exists())
        assert own.read_text() == "the person's own", "what is not ours stays"
        own.unlink()
        board.room = "other"
        await asyncio.to_thread(board.call, "update_room", name=ROOM)
        await written(old / "tasks" / "current.yaml", ["One"])
        await until(lambda: not home.room("other").exists())
    finally:
        service.cancel()
        await asyncio.gather(service, return_exceptions=True)


async def test_what_a_room_left_that_was_renamed_while_no_service_ran_goes_at_the_next_start(
    board: User, home: Home, monkeypatch
) -> None:
    monkeypatch.setattr(projection_module, "GATHER_S", 0.01)
    board.add("One")
    for name in (ROOM, "other"):
        service = asyncio.create_task(ProjectionService(board.database).run())
        await written(home.room(name) / "tasks" / "current.yaml", ["One"])
        await until(lambda name=name: [each.name for each in home.room(name).parent.iterdir()] == [name])
        service.cancel()
        await asyncio.gather(service, return_exceptions=True)
        if name == ROOM:
            await asyncio.to_thread(board.call, "update_room", name="other")


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.01)


async def written(path: Path, titles: list[str]) -> None:
    """Wait until a file that another thread writes says so."""
    async with asyncio.timeout(20):
        while not path.exists() or [task["title"] for task in read(path)["tasks"]] != titles:
            await asyncio.sleep(0.01)
