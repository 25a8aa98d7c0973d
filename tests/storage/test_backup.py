"""Backups: proved before they are called so, whole or not there at all, made while others write."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from storage import BackupFailed, Database, Home, ParallelError, create_backup, find_backup, list_backups, verify_backup
from storage.database import SCHEMA_VERSION
from tests.support.users import User

ROOT = Path(__file__).parents[2]


def flip_a_byte(path: Path, at: float) -> None:
    data = bytearray(path.read_bytes())
    data[int(len(data) * at)] ^= 1
    path.write_bytes(data)


def values(path: str, sql: str) -> list[tuple[object, ...]]:
    connection = apsw.Connection(f"file:{path}?immutable=1", flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def files(home: Home) -> list[str]:
    return sorted(each.name for each in home.backups.iterdir() if each.name != ".lock")


def test_a_backup_holds_the_board_and_its_manifest_says_what(home: Home, board: User) -> None:
    board.add("First")
    board.add("Second")
    backup = create_backup(home, "before lunch")
    assert values(backup.path, "SELECT title FROM task ORDER BY number") == [("First",), ("Second",)]
    with board.database.read() as rows:
        assert (backup.task_count, backup.last_sequence) == (2, rows.last_sequence())
    assert (backup.reason, backup.verified, backup.schema_version) == ("before lunch", True, SCHEMA_VERSION)
    assert list_backups(home) == [backup]
    assert files(home) == [f"{backup.id}.db", f"{backup.id}.json"]
    for name in files(home):
        assert (home.backups / name).stat().st_mode & 0o777 == 0o600


def test_the_newest_comes_first_and_an_id_may_be_shortened(home: Home, board: User) -> None:
    first, second = create_backup(home), create_backup(home)
    safety = create_backup(home, is_safety=True)
    assert list_backups(home) == [safety, second, first]
    assert find_backup(home, "latest") == second, "a safety snapshot is no latest while there is another"
    assert find_backup(home, first.id[-12:]) == first
    with pytest.raises(ParallelError, match="No backup 'bkp_none'") as refusal:
        find_backup(home, "bkp_none")
    assert (refusal.value.code, refusal.value.exit_code) == ("not_found", 3)


@pytest.mark.parametrize("at", [0.001, 0.3, 0.5, 0.999])
def test_one_flipped_byte_is_found(home: Home, board: User, at: float) -> None:
    board.add("A task")
    backup = create_backup(home)
    assert verify_backup(home, backup).verified
    flip_a_byte(Path(backup.path), at)
    with pytest.raises(BackupFailed, match=f"{backup.id} is damaged"):
        verify_backup(home, backup)
    assert [each.verified for each in list_backups(home)] == [False]


def test_a_manifest_that_fits_the_damaged_file_does_not_save_it(home: Home, board: User) -> None:
    from storage.backup import _hash

    board.add("The title to be changed")
    backup = create_backup(home)
    path = Path(backup.path)
    path.write_bytes(path.read_bytes().replace(b"title to be", b"title to bE"))
    manifest = path.with_suffix(".json")
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "sha256": _hash(path)}))
    with pytest.raises(BackupFailed, match="its content is not what was backed up"):
        verify_backup(home, find_backup(home, backup.id))


def test_a_file_that_is_gone_or_cut_is_found(home: Home, board: User) -> None:
    backup = create_backup(home)
    path = Path(backup.path)
    path.write_bytes(path.read_bytes()[:-4096])
    with pytest.raises(BackupFailed, match="bytes, not"):
        verify_backup(home, backup)
    path.unlink()
    with pytest.raises(BackupFailed, match="its file is missing"):
        verify_backup(home, backup)


def test_an_older_schema_can_be_backed_up(home: Home, database: Database) -> None:
    database.close()
    connection = apsw.Connection(str(home.database))
    connection.execute("DROP TABLE event")
    connection.execute("PRAGMA user_version = 0")
    connection.close()
    backup = create_backup(home, "before migration")
    assert (backup.schema_version, backup.event_count, backup.verified) == (0, 0, True)


def test_bringing_the_schema_up_to_date_makes_one_first(home: Home, board: User) -> None:
    board.add("First")
    board.database.close()
    connection = apsw.Connection(str(home.database))
    connection.execute("PRAGMA user_version = 0")
    connection.close()
    Database.open(home).close()
    [backup] = list_backups(home)
    assert (backup.reason, backup.schema_version, backup.task_count) == ("before migration", 0, 1)


def test_an_unreadable_manifest_is_passed_over(home: Home, board: User) -> None:
    backup, other = create_backup(home), create_backup(home)
    Path(backup.path).with_suffix(".json").write_text("{")
    assert list_backups(home) == [other]


def test_without_a_database_there_is_nothing_to_back_up(home: Home) -> None:
    with pytest.raises(BackupFailed, match="no database"):
        create_backup(home)


KILLED = """
import signal, sys
import storage.backup as backup
from storage import Home
from pathlib import Path
def stop(*arguments, **named):
    print("here", flush=True)
    signal.pause()
setattr(backup, sys.argv[2], stop)
backup.create_backup(Home(Path(sys.argv[1])))
"""


@pytest.mark.parametrize("moment", ["take_snapshot", "copy_into", "sync_file", "_write_manifest"])
def test_a_killed_backup_leaves_nothing_that_is_listed(home: Home, board: User, moment: str) -> None:
    whole = create_backup(home)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(home.path), moment], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert list_backups(home) == [whole]
    again = create_backup(home)
    assert files(home) == sorted(f"{each.id}.{ending}" for each in (whole, again) for ending in ("db", "json"))


FULL = """
import resource, sys
from pathlib import Path
from storage import BackupFailed, Home, create_backup
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    create_backup(Home(Path(sys.argv[1])))
except BackupFailed as error:
    print(error.code, error.message)
"""


@pytest.mark.parametrize("room", [0, 20_000, 100_000])
def test_a_full_disk_leaves_no_half_backup(home: Home, board: User, room: int) -> None:
    board.add("A task " + "x" * 9000)
    result = subprocess.run(
        [sys.executable, "-c", FULL, str(home.path), str(room)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert result.stdout.startswith("backup_failed The backup was not made"), result.stderr
    assert files(home) == []
    assert board.see("1").title.startswith("A task")


WRITER = """
import json, sys, threading
from pathlib import Path
from storage import Database, Home
from tests.support.users import User
database = Database.open(Home(Path(sys.argv[1])))
writer = User(database, "writer", room="demo")
stopped = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stopped.set()), daemon=True).start()
writes, errors = 0, []
while not stopped.is_set():
    try:
        writer.edit("1", title=f"title {writes}")
        writes += 1
    except Exception as error:
        errors.append(repr(error))
    if writes == 1:
        print("writing", flush=True)
print(json.dumps({"writes": writes, "errors": errors}))
"""


class BusyWriter:
    """Another process that edits task #1 as fast as it can, for the block."""

    def __init__(self, home: Home) -> None:
        self._command = [sys.executable, "-c", WRITER, str(home.path)]
        self.writes = 0
        self.errors: list[str] = []

    def __enter__(self) -> "BusyWriter":
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "writing\n"
        return self

    def __exit__(self, *_: object) -> None:
        output, _error = self._process.communicate(timeout=30)
        report = json.loads(output)
        self.writes, self.errors = report["writes"], report["errors"]


def test_backups_under_a_full_speed_writer_are_consistent(home: Home, board: User) -> None:
    board.add("title")
    with BusyWriter(home) as writer:
        backups = [create_backup(home) for _ in range(5)]
    assert writer.errors == []
    assert len({backup.last_sequence for backup in backups}) == 5, "the writer went on meanwhile"
    for backup in backups:
        [[version, events]] = values(
            backup.path, "SELECT version, (SELECT count(*) FROM event WHERE entity = 'task') FROM task"
        )
        assert version == events, "a row without its event"
