"""Faults of the store: a full disk, a file that cannot be written, a foreign, newer or spoilt file, killed writers."""

import hashlib
import os
import random
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from storage import (
    CorruptedData,
    Database,
    Door,
    Home,
    Restorer,
    SchemaTooNew,
    create_backup,
    restore_backup,
)  # fmt: skip
from storage.database import SCHEMA_VERSION
from tests.support.processes import children
from tests.support.users import User

NOBODY = 65534
AS_ROOT = os.geteuid() == 0


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_sound(path: Path) -> None:
    """The file is sound and its rows agree with its events; looked at with a bare connection."""
    connection = apsw.Connection(str(path))
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    versions = connection.execute("SELECT sum(version) FROM task").fetchall()[0][0]
    events = connection.execute("SELECT count(*) FROM event WHERE entity = 'task'").fetchall()[0][0]
    assert versions == events, "an event for each version of each task"
    connection.close()


# a full disk

FILL = """
database = Database.open(home)
call(database, "create_room", name="demo", root=Path("/tmp"))
acknowledged = []
def write(title):
    acknowledged.append(call(database, "create_task", title=title, description=arguments["text"]).number)
refusal = None
for number in range(2000):
    try:
        write(str(number))
    except ParallelError as error:
        refusal = [error.code, error.exit_code, error.hint]
        break
say(refusal, acknowledged)
refusals = 0
for number in range(3):
    try:
        write("again")
    except ParallelError as error:
        refusals += 1
        assert error.code == "storage_full", error.message
with database.read() as rows:
    room = rows.room_by_name("demo")
    say(refusals, sorted(task.number for task in rows.tasks(room.id)), acknowledged)
hear()
write("after")
say(acknowledged[-1])
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1.5 MB, mounted for the test."""
    point = tmp_path / "small"
    point.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1536k", "tmpfs", str(point)], capture_output=True, check=False
    )
    if made.returncode != 0:
        pytest.skip(f"mounting is not allowed here: {made.stderr.decode().strip()}")
    yield point
    subprocess.run(["umount", "-l", str(point)], check=True)


@pytest.mark.parametrize("size", [40, 3000, 60_000])
def test_a_full_disk_refuses_the_change_and_loses_none(small_disk: Path, size: int) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(300_000))
    home = Home(small_disk / "home")
    with children(home.path, FILL, text="x" * size) as (child,):
        refusal, _ = child.hear()
        assert refusal is not None, "the disk was never full"
        code, exit_code, hint = refusal
        assert (code, exit_code) == ("storage_full", 7)
        assert "Free space" in hint
        refusals, stored, acknowledged = child.hear()
        assert stored == acknowledged
        assert refusals >= 1 or size == 40
        ballast.unlink()
        child.tell()
        assert child.hear() == [len(acknowledged) + 1]
    check_sound(home.database)


LIMITED = """
import resource, signal
database = Database.open(home)
call(database, "create_room", name="demo", root=Path("/tmp"))
call(database, "create_task", title="before")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
size = os.stat(str(home.database) + "-wal").st_size
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20_000, hard))
codes = set()
for number in range(3):
    try:
        call(database, "create_task", title="too much", description="x" * 100_000)
    except ParallelError as error:
        codes.add((error.code, error.exit_code))
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
call(database, "create_task", title="after")
with database.read() as rows:
    room = rows.room_by_name("demo")
    say(sorted(codes), [task.title for task in rows.tasks(room.id)])
"""


def test_a_write_that_the_system_cuts_short_changes_nothing(home: Home) -> None:
    with children(home.path, LIMITED) as (child,):
        codes, titles = child.hear()
    assert titles == ["before", "after"]
    assert [exit_code for _, exit_code in codes] == [7]
    check_sound(home.database)


def test_a_home_that_cannot_be_made_for_want_of_space_says_so(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(bytes(1_480_000))
    source = """
try:
    Database.open(home)
    say("opened")
except ParallelError as error:
    say(error.code, error.exit_code)
"""
    with children(small_disk / "home", source) as (child,):
        assert child.hear() == ["storage_full", 7]


# a file that cannot be written

READ_ONLY = """
import tempfile  # who has become somebody else may not read Python's own files
from core.operations import load
load()
Database.open(Home(Path(arguments["warm"]))).close()
os.setgid(65534); os.setuid(65534)
try:
    database = Database.open(home)
    with database.read() as rows:
        say("read", [task.title for task in rows.tasks(rows.room_by_name("demo").id)])
    call(database, "create_task", title="no")
    say("written")
except ParallelError as error:
    say("refused", error.code, error.exit_code, error.message, error.hint)
"""


@pytest.mark.skipif(not AS_ROOT, reason="only root can become somebody who may not write")
@pytest.mark.parametrize("what", ["file", "file and folder", "unreadable"])
def test_a_read_only_file_can_be_read_and_refuses_writing(tmp_path: Path, what: str) -> None:
    folder = Path(os.path.realpath("/var/tmp")) / f"wzp-{os.getpid()}-{what.replace(' ', '-')}"
    home = Home(folder / "home")
    home.path.mkdir(parents=True)
    try:
        database = Database.open(home)
        owner = User(database, "owner", room="demo")
        owner.call("create_room", name="demo", root=tmp_path)
        owner.add("seen")
        database.close()
        for each in [folder, *folder.rglob("*")]:
            shutil.chown(each, NOBODY, NOBODY)
        home.database.chmod(0o000 if what == "unreadable" else 0o444)
        if what == "file and folder":
            home.path.chmod(0o555)
        before = digest(home.database)
        with children(home.path, READ_ONLY, warm=str(tmp_path / "warm")) as (child,):
            said = child.heard()
        assert said[-1][0] == "refused", said
        assert said[-1][1:3] == ["storage_read_only", 7]
        assert str(home.path) in said[-1][3]
        assert said[-1][4]
        if what == "file":
            assert said[0] == ["read", ["seen"]]
        assert digest(home.database) == before
    finally:
        shutil.rmtree(folder)


# files that are not ours to touch


def test_a_newer_schema_is_refused_and_the_file_left_as_it_is(database: Database, home: Home) -> None:
    database.close()
    connection = apsw.Connection(str(home.database))
    connection.pragma("user_version", 999)
    connection.close()
    before = digest(home.database)
    with pytest.raises(SchemaTooNew, match="999") as refusal:
        Database.open(home)
    assert refusal.value.exit_code == 7
    assert refusal.value.details == {"found": 999, "known": SCHEMA_VERSION}
    assert digest(home.database) == before
    assert sorted(each.name for each in home.backups.iterdir()) == []


def test_a_database_of_another_program_is_refused_and_left(home: Home) -> None:
    home.create()
    connection = apsw.Connection(str(home.database))
    connection.execute("CREATE TABLE bookmarks (url)")
    connection.close()
    before = digest(home.database)
    with pytest.raises(CorruptedData, match="another program"):
        Database.open(home)
    assert digest(home.database) == before


@pytest.mark.parametrize("content", [b"garbage" * 1000, b"SQLite format 3\0" + b"\xff" * 5000, b"xyz", b"\0" * 8192])
def test_a_file_that_is_no_database_is_refused_and_left(home: Home, content: bytes) -> None:
    home.create()
    home.database.write_bytes(content)
    with pytest.raises(CorruptedData) as refusal:
        Database.open(home)
    assert str(home.database) in refusal.value.message
    assert "wzp backup restore" in refusal.value.hint
    assert refusal.value.exit_code == 7
    assert home.database.read_bytes() == content


def test_an_empty_file_is_a_first_start(home: Home) -> None:
    home.create()
    home.database.touch()
    database = Database.open(home)
    with database.read() as rows:
        assert rows.rooms() == []
    database.close()


@pytest.mark.parametrize("damage", ["labels = 'oops'", "priority = 'loud'", "title = CAST(x'ff41' AS TEXT)"])
def test_a_row_that_we_never_wrote_is_told_as_damage(board: User, home: Home, damage: str) -> None:
    board.add("Fix login")
    board.database.close()
    connection = apsw.Connection(str(home.database))
    connection.execute("PRAGMA ignore_check_constraints = 1")
    connection.execute(f"UPDATE task SET {damage}")
    connection.close()
    with pytest.raises(CorruptedData, match="not a sound database"):
        board.call("list_tasks")
    with pytest.raises(CorruptedData, match="not a sound database"):
        board.move("1", "todo")


@pytest.mark.parametrize("damage", ["'{'", "CAST(x'7bff7d' AS TEXT)"])
def test_an_event_that_we_never_wrote_is_told_as_damage(board: User, home: Home, damage: str) -> None:
    board.add("Fix login")
    board.database.close()
    connection = apsw.Connection(str(home.database))
    connection.execute(f"UPDATE event SET after = {damage} WHERE entity = 'task'")
    connection.close()
    for operation in ("get_board", "list_events"):
        with pytest.raises(CorruptedData, match="not a sound database"):
            board.call(operation, **({"at": "3"} if operation == "get_board" else {}))


def test_a_file_that_lost_its_content_is_not_made_anew_over_its_backups(board: User, home: Home) -> None:
    board.add("Fix login")
    create_backup(home)
    board.database.close()
    for suffix in ("", "-wal", "-shm"):
        home.database.with_name(home.database.name + suffix).unlink(missing_ok=True)
    home.database.touch()
    with pytest.raises(CorruptedData) as refusal:
        Database.open(home)
    assert "wzp backup restore" in refusal.value.hint
    assert home.database.stat().st_size == 0
    restore_backup(home, "latest", Restorer(name="owner", door=Door.CLI))
    database = Database.open(home)
    with database.read() as rows:
        assert [task.title for task in rows.tasks(rows.rooms()[0].id)] == ["Fix login"]
    database.close()


def test_pages_spoilt_in_the_middle_are_told_and_the_file_is_left(board: User, home: Home) -> None:
    for number in range(300):
        board.add(f"task {number}", description="x" * 400)
    board.database.close()
    content = bytearray(home.database.read_bytes())
    for page in range(len(content) // 8192, len(content) // 4096):
        content[page * 4096 : page * 4096 + 200] = b"\xa5" * 200
    home.database.write_bytes(content)
    database = Database.open(home)
    reader = User(database, "owner", room="demo")
    with pytest.raises(CorruptedData) as refusal:
        reader.call("list_tasks")
    assert "wzp backup restore" in refusal.value.hint
    database.close()
    assert home.database.read_bytes() == bytes(content)


# many at once

FIRST_START = """
say("ready")
hear()
database = Database.open(home)
try:
    call(database, "create_room", name="demo", root=Path("/tmp"))
except ParallelError as error:
    assert error.code == "invalid_data", error.message
say(call(database, "create_task", agent=str(arguments["index"]), title="first").number)
"""


@pytest.mark.parametrize("attempt", range(3))
def test_several_first_starts_at_once_make_one_store(home: Home, attempt: int) -> None:
    with children(home.path, FIRST_START, 4) as starters:
        for starter in starters:
            assert starter.hear() == ["ready"]
        for starter in starters:
            starter.tell()
        assert sorted(starter.hear()[0] for starter in starters) == [1, 2, 3, 4]
    check_sound(home.database)


WRITER = """
database = Database.open(home)
say("ready")
number = 0
while True:
    task = call(database, "create_task", agent=f"agent {arguments['index']}", title="new")
    moved = call(database, "move_task", agent=f"agent {arguments['index']}", task=task.id, to=Status.IN_PROGRESS)
    say(task.id, moved.version)
"""


def test_killed_writers_lose_nothing_that_was_acknowledged(board: User, home: Home) -> None:
    chance = random.Random(5)
    acknowledged: dict[str, int] = {}
    for _ in range(5):
        with children(home.path, WRITER, 4) as writers:
            for writer in writers:
                assert writer.hear() == ["ready"]
            for writer in chance.sample(writers, len(writers)):
                for _ in range(chance.randint(1, 4)):
                    acknowledged.update([writer.hear()])
                writer.signal(signal.SIGKILL)
                acknowledged.update(writer.heard())
        with board.database.read() as rows:
            stored = {task.id: task.version for task in rows.tasks(board.call("get_room").id)}
        assert all(stored.get(task, 0) >= version for task, version in acknowledged.items())
    assert len(acknowledged) >= 20
    board.database.close()
    check_sound(home.database)


CLAIM = """
database = Database.open(home)
say("ready")
while (line := hear()):
    task, version = json.loads(line)
    try:
        if arguments["index"] % 2:
            call(database, "assign_task", agent=f"agent {arguments['index']}", task=task, to="me",
                 expected_version=version)
        else:
            call(database, "move_task", agent=f"agent {arguments['index']}", task=task, to=Status.IN_PROGRESS,
                 expected_version=version)
        say("won")
    except ParallelError as error:
        say(error.code, error.current.version, len(error.changes))
"""


def test_of_sixteen_who_claim_or_move_a_task_one_wins_each_round(board: User, home: Home) -> None:
    with children(home.path, CLAIM, 16) as claimers:
        for claimer in claimers:
            assert claimer.hear() == ["ready"]
        for number in range(50):
            task = board.add(f"round {number}", status="todo")
            for claimer in claimers:
                claimer.tell(f'["{task.id}", {task.version}]')
            said = [claimer.hear() for claimer in claimers]
            assert said.count(["won"]) == 1, number
            assert said.count(["version_conflict", 2, 1]) == 15, said
            assert board.see(task).version == 2


EDITORS = """
database = Database.open(home)
say("ready")
done = 0
while done < 40:
    seen = call(database, "get_task", agent=arguments["name"], task="1").task
    try:
        call(database, "update_task", agent=arguments["name"], task="1", expected_version=seen.version,
             title=str(int(seen.title) + 1))
        done += 1
    except ParallelError as error:
        assert error.code == "version_conflict", error.message
say("done")
"""


def test_three_programs_on_one_card_lose_no_edit(board: User, home: Home) -> None:
    card = board.add("0")
    with children(home.path, EDITORS, 3, name="someone") as editors:
        for editor in editors:
            assert editor.hear() == ["ready"]
        for editor in editors:
            assert editor.hear() == ["done"]
    seen = board.see(card)
    assert (seen.title, seen.version) == ("120", 121)
