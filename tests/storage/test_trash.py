"""The trash: what goes of it, and what never does."""

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from storage import Home, new_trash_folder, remove_trashed, trashed, utc_now
from storage.backup import exclusively
from storage.trash import move_to_trash


def thrown(home: Home, days: float, **files: int) -> Path:
    """A folder of the trash as it is after so many days, with files of so many bytes."""
    at = utc_now() - timedelta(days=days)
    folder = home.trash / at.strftime("%Y-%m-%dT%H-%M-%S.%fZ")
    folder.mkdir(parents=True)
    for name, size in files.items():
        (folder / name).write_bytes(b"x" * size)
    os.utime(folder, (at.timestamp(), at.timestamp()))
    return folder


@pytest.fixture
def home(home: Home) -> Home:
    home.create()
    return home


def test_what_is_thrown_away_is_told_with_its_moment_and_size(home: Home):
    assert trashed(home) == []
    before = utc_now()
    (home.path / "old").write_bytes(b"x" * 7)
    folder = move_to_trash(home, [home.path / "old", home.path / "never-was"])
    older = thrown(home, 3, state=5, wal=6)
    first, second = trashed(home)
    assert (first.path, first.size) == (older, 11)
    assert (second.path, second.size) == (folder, 7)
    assert before <= second.at <= utc_now()


def test_it_is_removed_with_its_files_but_for_the_newest(home: Home):
    folders = [thrown(home, days, file=3) for days in (40, 30, 20)]
    assert remove_trashed(home, folders) == folders[:2]
    assert [each.exists() for each in folders] == [False, False, True]


def test_what_has_just_changed_stays(home: Home):
    older = thrown(home, 40, file=3)
    thrown(home, 1)
    os.utime(older, None)  # as when another file has been put into it
    assert remove_trashed(home, [older]) == []
    os.utime(older, (time.time() - 7200,) * 2)
    assert remove_trashed(home, [older]) == [older]


def test_nothing_goes_while_a_restore_writes(home: Home, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("storage.trash.LOCK_DEADLINE_S", 0.05)
    older = thrown(home, 40, file=3)
    new_trash_folder(home)
    with exclusively(home, "restore backup"):
        assert remove_trashed(home, [older]) == []
        assert (older / "file").exists()
    assert remove_trashed(home, [older]) == [older]


@pytest.mark.parametrize("name", ["mine", "2026-01-01", "2026-1-1T0-0-0.0Z", "2026-01-01T00-00-00.000000Z.bak"])
def test_a_folder_that_we_have_not_named_is_not_ours(home: Home, name: str):
    foreign = home.trash / name
    foreign.mkdir(parents=True)
    (foreign / "file").touch()
    os.utime(foreign, (0, 0))
    thrown(home, 1)
    assert foreign not in [each.path for each in trashed(home)]
    assert remove_trashed(home, [foreign]) == []
    assert (foreign / "file").exists()


def test_links_and_what_they_lead_to_stay(home: Home, tmp_path: Path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("wanted")
    os.utime(precious, (0, 0))
    link = home.trash / "2026-01-01T00-00-00.000000Z"
    home.trash.mkdir()
    link.symlink_to(precious)
    holding = thrown(home, 40, file=3)
    (holding / "link").symlink_to(precious / "file")
    nested = thrown(home, 39)
    (nested / "folder").mkdir()
    for each in (holding, nested):
        os.utime(each, (0, 0))
    a_file = home.trash / "2026-01-02T00-00-00.000000Z"
    a_file.touch()
    newest = thrown(home, 1)
    assert [each.path for each in trashed(home)] == [newest]
    assert remove_trashed(home, [link, holding, nested, a_file]) == []
    assert (precious / "file").read_text() == "wanted"
    assert all(each.exists() for each in (link, holding / "link", holding / "file", nested / "folder", a_file))


def test_a_trash_that_is_kept_elsewhere_is_left_alone(home: Home, tmp_path: Path):
    thrown(home, 40, file=3)
    thrown(home, 1)
    home.trash.rename(tmp_path / "elsewhere")
    home.trash.symlink_to(tmp_path / "elsewhere")
    folders = list((tmp_path / "elsewhere").iterdir())
    assert trashed(home) == []
    assert remove_trashed(home, [home.trash / each.name for each in folders]) == []
    assert all(each.exists() for each in folders)


def test_what_comes_to_lie_there_while_it_is_removed_stays(home: Home, monkeypatch: pytest.MonkeyPatch):
    older = thrown(home, 40, file=3)
    thrown(home, 1)
    unlink = os.unlink

    def and_another_comes(name: str, *, dir_fd: int | None = None) -> None:
        unlink(name, dir_fd=dir_fd)
        (older / "another").touch()

    monkeypatch.setattr("os.unlink", and_another_comes)
    assert remove_trashed(home, [older]) == []
    assert [each.name for each in older.iterdir()] == ["another"]
