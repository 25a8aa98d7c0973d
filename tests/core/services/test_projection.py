"""The projections: YAML files that follow the board."""

import asyncio
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


async def written(path: Path, titles: list[str]) -> None:
    """Wait until a file that another thread writes says so."""
    async with asyncio.timeout(10):
        while not path.exists() or [task["title"] for task in read(path)["tasks"]] != titles:
            await asyncio.sleep(0.01)
