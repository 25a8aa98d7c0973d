"""The engine: only a fixed SQLite, only one library on the file, only a local disk."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from storage import Database, Home, StorageError, UnsafeEngine, UnsafeFilesystem, filesystems
from storage.engine import is_safe_engine
from tests.support.processes import REPOSITORY
from tests.support.users import User


def test_these_tests_run_on_a_fixed_engine() -> None:
    version = tuple(int(part) for part in apsw.sqlitelibversion().split("."))
    assert is_safe_engine(version), f"SQLite {version} has the WAL-reset bug; nothing below would prove anything"


@pytest.mark.parametrize(
    ("version", "is_safe"),
    [
        ((3, 40, 1), False), ((3, 44, 5), False), ((3, 44, 6), True), ((3, 45, 1), False), ((3, 50, 4), False),
        ((3, 50, 7), True), ((3, 51, 0), False), ((3, 51, 2), False), ((3, 51, 3), True), ((3, 54, 1), True),
        ((4, 0, 0), True),
    ],
)  # fmt: skip
def test_the_gate_knows_the_fixed_versions(version: tuple[int, ...], is_safe: bool) -> None:
    assert is_safe_engine(version) is is_safe


def test_an_unfixed_engine_is_refused_before_the_file_is_touched(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apsw, "sqlitelibversion", lambda: "3.50.4")
    with pytest.raises(UnsafeEngine, match=r"3\.50\.4") as refusal:
        Database.open(home)
    assert refusal.value.exit_code == 7
    assert "apsw" in refusal.value.hint
    assert not home.database.exists()


@pytest.mark.parametrize("suffix", ["", "-shm"])
@pytest.mark.parametrize("way", ["open", "os.open", "copy", "symlink", "bytes"])
def test_nobody_opens_the_file_beside_us(database: Database, tmp_path: Path, suffix: str, way: str) -> None:
    path = Path(f"{database.path}{suffix}")
    link = tmp_path / ("link.db" if not suffix else "link-shm")
    link.symlink_to(path)
    with database.read() as rows:
        rows.rooms()
    with pytest.raises(UnsafeEngine, match="second way"):  # noqa: PT012 - one of five calls
        match way:
            case "open":
                open(path, "rb")  # noqa: SIM115 - it is to fail
            case "os.open":
                os.open(path, os.O_RDONLY)
            case "copy":
                shutil.copy(path, tmp_path / "copy")
            case "symlink":
                open(link, "rb")  # noqa: SIM115 - it is to fail
            case "bytes":
                open(os.fsencode(path), "rb")  # noqa: SIM115 - it is to fail


@pytest.mark.parametrize("name", ["{}", "file:{}", "file:{}?mode=ro"])
def test_no_second_library_opens_the_file(database: Database, name: str) -> None:
    with pytest.raises(UnsafeEngine):
        sqlite3.connect(name.format(database.path), uri=name.startswith("file:"))


def test_after_closing_the_file_may_be_read_and_other_files_always(database: Database, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    other.write_bytes(b"not ours")
    assert other.read_bytes() == b"not ours"
    database.close()
    assert database.path.read_bytes().startswith(b"SQLite format 3\0")


def test_closing_one_of_two_keeps_the_guard(database: Database, home: Home) -> None:
    second = Database.open(home)
    with second.read() as rows:
        rows.rooms()
    with database.read() as rows:
        rows.rooms()
    second.close()
    with pytest.raises(UnsafeEngine):
        open(database.path, "rb")  # noqa: SIM115 - it is to fail


MOUNTS = """\
22 1 0:20 / / rw - ext4 /dev/sda1 rw
23 22 0:21 / /net rw - nfs4 server:/export rw
24 22 0:22 / /net/with\\040space rw - tmpfs tmpfs rw
25 22 0:23 / /home/sshfs rw - fuse.sshfs host: rw
26 22 0:24 / /over rw - nfs server:/old rw
27 22 0:25 / /over rw - ext4 /dev/sdb1 rw
28 22 0:26 / /mnt/c rw - 9p C: rw
29 22 0:27 / /Network rw - CIFS //server/share rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me", "ext4"), ("/net/home", "nfs4"), ("/network/home", "ext4"), ("/net/with space/x", "tmpfs"),
        ("/home/sshfs/x/y", "fuse.sshfs"), ("/over/x", "ext4"), ("/mnt/c/x", "9p"), ("/Network", "CIFS"),
    ],
)  # fmt: skip
def test_the_file_system_of_a_path_is_known(path: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystems, "_mount_table", lambda: MOUNTS)
    monkeypatch.setattr(sys, "platform", "linux")
    assert filesystems.filesystem_type(Path(path)) == kind
    if kind in ("ext4", "tmpfs"):
        filesystems.require_local_filesystem(Path(path))
    else:
        with pytest.raises(UnsafeFilesystem, match=kind) as refusal:
            filesystems.require_local_filesystem(Path(path))
        assert "WEZTERM_PARALLEL_HOME" in refusal.value.hint


def test_a_home_on_a_network_file_system_is_refused(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystems, "filesystem_type", lambda path: "nfs4")
    with pytest.raises(UnsafeFilesystem):
        Database.open(home)
    assert not home.database.exists()


def test_elsewhere_the_mounts_are_asked_of_psutil(monkeypatch: pytest.MonkeyPatch) -> None:
    import psutil  # noqa: F401 - as on this machine, before the platform is another

    monkeypatch.setattr(sys, "platform", "darwin")
    assert filesystems.filesystem_type(Path("/")) != ""


def test_a_mount_table_that_cannot_be_read_is_no_reason_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> str:
        raise PermissionError

    monkeypatch.setattr(filesystems, "_mount_table", fail)
    assert filesystems.filesystem_type(Path("/")) == "unknown"


def test_tui_stands_on_core_and_core_on_storage() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--config", "pyproject.toml", "--no-cache"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    "module", ["storage", "storage.database", "core.execute", "core.operations.task", "core.history"]
)
def test_headless_modules_load_neither_screen_nor_migrations(module: str) -> None:
    heavy = ("textual", "rich", "psutil", "playhouse.migrations")
    source = f"import {module}, sys; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", source], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_error_of_sqlite_that_we_do_not_know_is_still_ours(board: User) -> None:
    with pytest.raises(StorageError, match="no such table") as failure, board.database.read() as rows:
        list(rows.stream("SELECT * FROM missing"))
    assert failure.value.exit_code == 7
