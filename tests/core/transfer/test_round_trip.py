"""Export → import gives an equal board: a property of any board, through JSON and through CSV."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.text import for_screen
from core.transfer import ExportFormat, ImportedBoard, ImportedComment, ImportedTask, SourceFormat, read_board
from storage import COLUMNS, Database, Door, Home, Priority, Status, Task
from tests.support.users import User

NAMES = st.sampled_from(["ann", "bob", "cécile", "道子", "d, e; f", "@eve", "[x]"])
LINES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30).filter(
    lambda text: bool(for_screen(text).split())
)
BLOCKS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.sampled_from(
    ['a,b;"c"\n\n\td\r\n', "=1+1", "  indented\n", "---\n", "", "\ufeff", "[1]"]
)
COMMENTS = st.builds(ImportedComment, author=NAMES, body=LINES | st.just("two\nlines"))


@st.composite
def boards(draw: st.DrawFn) -> ImportedBoard:
    """Boards with anything that a board may hold."""
    count = draw(st.integers(1, 8))
    numbers = draw(st.lists(st.integers(1, 50), min_size=count, max_size=count, unique=True))
    tasks = []
    for number in numbers:
        status = draw(st.sampled_from(Status))
        tasks.append(
            ImportedTask(
                key=str(number), number=number, title=draw(LINES), description=draw(BLOCKS), status=status,
                priority=draw(st.sampled_from(Priority)), labels=tuple(draw(st.lists(LINES, max_size=3))),
                needs=tuple(draw(st.lists(st.sampled_from(numbers).map(str), max_size=3))),
                assignee=draw(st.none() | NAMES), estimate_minutes=draw(st.none() | st.integers(1, 1_000_000)),
                due=draw(st.none() | st.dates(date(1990, 1, 1), date(2100, 1, 1))), command=draw(st.none() | LINES),
                parent=draw(st.none() | st.sampled_from(numbers).map(str)), attempts=draw(st.integers(1, 100)),
                idempotent=draw(st.booleans()), time_limit_seconds=draw(st.none() | st.integers(1, 100_000)),
                collects_files=draw(st.booleans()),
                blocked_reason=draw(LINES) if status is Status.BLOCKED else None,
                archived_from=draw(st.sampled_from(COLUMNS)) if status is Status.ARCHIVED else None,
                comments=tuple(draw(st.lists(COMMENTS, max_size=2))),
            )
        )  # fmt: skip
    return ImportedBoard(source="hypothesis", format=SourceFormat.JSON, tasks=tuple(tasks))


@contextmanager
def people() -> Iterator[tuple[User, User]]:
    """An owner at two empty rooms of one home."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        database = Database.open(home)
        users = []
        for name in ("first", "second"):
            (Path(folder) / name).mkdir()
            user = User(database, "owner", room=name, door=Door.CLI)
            user.call("create_room", name=name, root=Path(folder) / name)
            users.append(user)
        try:
            yield users[0], users[1]
        finally:
            database.close()


def picture(user: User) -> list[dict[str, Any]]:
    """The board as a person sees it: columns in order, names instead of ids."""
    with user.database.read() as rows:
        room = rows.room_by_name(user.room or "")
        assert room is not None
        names = {agent.id: agent.name for agent in rows.agents(room.id)}
        tasks: list[Task] = rows.tasks(room.id)
        numbers = {task.id: task.number for task in tasks}
        return [
            {
                "number": task.number, "title": task.title, "description": task.description, "status": task.status,
                "position": task.position, "priority": task.priority, "labels": task.labels,
                "needs": [numbers[need] for need in task.dependencies], "waiting_on": task.waiting_on,
                "assignee": task.assignee and names[task.assignee], "estimate": task.estimate_minutes,
                "due": task.due, "command": task.command, "blocked_reason": task.blocked_reason,
                "archived_from": task.archived_from, "parent": task.parent and numbers[task.parent],
                "runs": (task.attempts, task.idempotent, task.time_limit_seconds, task.collects_files),
                "comments": [(names[each.author], each.body) for each in rows.comments(task.id)],
            }
            for task in tasks
        ]  # fmt: skip


@pytest.mark.parametrize("format", [ExportFormat.JSON, ExportFormat.CSV])
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], database=None)
@given(board=boards())
def test_an_exported_board_comes_back_equal(format: ExportFormat, board: ImportedBoard) -> None:
    with people() as (first, second):
        first.call("import_board", board=board)
        text = first.call("export_board", format=format).text
        summary = second.call("import_board", board=read_board(Path(f"board.{format}"), text=text))
        assert summary.unmapped == ()
        assert picture(second) == picture(first)


def test_what_was_made_by_hand_comes_back_too(board: User, tmp_path: Path) -> None:
    board.call("create_agent", name="helper", description="does the small things")
    first = board.add("First", labels=("a", "b"), assignee="helper", due=date(2026, 12, 24), command="make")
    second = board.add("Second", dependencies=(first.id,), estimate_minutes=30)
    third = board.add("Third")
    board.move(third, "in_progress")
    board.outcome("move_task", reason="no wood", task=third.id, to=Status.BLOCKED)
    board.call("archive_task", task=second.id)
    board.add("Fourth", before=first.id)
    board.comment(first, "Begin\n\nhere")
    (tmp_path / "copy").mkdir()
    other = User(board.database, "owner", room="copy")
    other.call("create_room", name="copy", root=tmp_path / "copy")
    other.call("import_board", board=read_board(Path("x.json"), text=board.call("export_board").text))
    assert picture(other) == picture(board)
    helper = other.call("get_agent", agent="helper").agent
    assert (helper.kind, helper.description) == ("ai", "does the small things")


def test_markdown_tells_the_board(board: User) -> None:
    task = board.add("Fix *the* login", labels=("auth",), description="Line one\nLine two", command="make login")
    board.comment(task, "Seen")
    board.call("archive_task", task=board.add("Old").id)
    text = board.call("export_board", format=ExportFormat.MD).text
    assert text.startswith(
        "# demo\n\n## Backlog (1)\n\n- [ ] #1 Fix \\*the\\* login (`auth`)\n\n  Line one\n  Line two\n"
    )
    assert "Command: `make login`" in text
    assert "> **owner**" in text
    assert "Old" not in text
    assert "## Archived (1)\n\n- [ ] #2 Old" in board.call("export_board", format=ExportFormat.MD, archived=True).text
