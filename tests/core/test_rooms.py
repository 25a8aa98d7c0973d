"""Which room a directory belongs to, with real git repositories, worktrees and submodules."""

import subprocess
from pathlib import Path

import pytest

from core.rooms import project_of, proposed_name, room_of
from storage import Room, new_room_id, utc_now

SETTINGS = ("user.name=t", "user.email=t@t", "protocol.file.allow=always", "init.defaultBranch=main")
GIT = ["git", *(word for setting in SETTINGS for word in ("-c", setting))]


def git(directory: Path, *words: str) -> None:
    subprocess.run([*GIT, *words], cwd=directory, check=True, capture_output=True)


def repository(directory: Path) -> Path:
    directory.mkdir(parents=True)
    git(directory, "init")
    git(directory, "commit", "--allow-empty", "-m", "begin")
    return directory


def room(root: Path, name: str = "") -> Room:
    now = utc_now()
    return Room(id=new_room_id(), name=name or root.name, root=str(root.resolve()), created_at=now, updated_at=now)


def test_a_directory_belongs_to_the_room_of_its_nearest_ancestor(tmp_path: Path):
    deep = tmp_path / "outer" / "inner" / "deep"
    deep.mkdir(parents=True)
    outer, inner = room(tmp_path / "outer"), room(tmp_path / "outer" / "inner")
    assert room_of(deep, [outer, inner]) == inner
    assert room_of(tmp_path / "outer", [outer, inner]) == outer
    assert room_of(tmp_path, [outer, inner]) is None


def test_a_symlink_leads_to_the_room_of_what_it_points_to(tmp_path: Path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    real = room(tmp_path / "real")
    assert room_of(tmp_path / "link", [real]) == real


def test_a_worktree_belongs_to_the_room_of_its_main_checkout(tmp_path: Path):
    main = repository(tmp_path / "main")
    git(main, "worktree", "add", "-b", "side", str(tmp_path / "elsewhere" / "side"))
    worktree = tmp_path / "elsewhere" / "side"
    (worktree / "sub").mkdir()
    of_main, above = room(main), room(tmp_path / "elsewhere")
    assert room_of(worktree / "sub", [above, of_main]) == of_main
    assert room_of(worktree, [above]) == above, "without a room of the main checkout, what lies above counts"
    assert project_of(worktree / "sub") == main.resolve()


def test_a_room_of_a_worktrees_own_comes_before_its_main_checkouts(tmp_path: Path):
    main = repository(tmp_path / "main")
    git(main, "worktree", "add", "-b", "side", str(tmp_path / "side"))
    own = room(tmp_path / "side")
    assert room_of(tmp_path / "side", [room(main), own]) == own


def test_a_room_below_the_main_checkouts_top_takes_its_part_of_the_worktree(tmp_path: Path):
    main = repository(tmp_path / "main")
    (main / "web").mkdir()
    git(main, "worktree", "add", "-b", "side", str(tmp_path / "side"))
    (tmp_path / "side" / "web").mkdir()
    web = room(main / "web")
    assert room_of(tmp_path / "side" / "web", [room(main), web]) == web


def test_a_submodule_is_a_project_of_its_own(tmp_path: Path):
    library, main = repository(tmp_path / "library"), repository(tmp_path / "main")
    git(main, "submodule", "add", str(library), "vendor")
    assert project_of(main / "vendor") == (main / "vendor").resolve()


def test_a_worktree_of_a_submodule_belongs_to_the_submodule(tmp_path: Path):
    library, main = repository(tmp_path / "library"), repository(tmp_path / "main")
    git(main, "submodule", "add", str(library), "vendor")
    git(main / "vendor", "worktree", "add", "-b", "side", str(tmp_path / "side"))
    of_vendor = room(main / "vendor")
    assert room_of(tmp_path / "side", [room(main), of_vendor]) == of_vendor


def test_a_worktree_of_a_bare_repository_finds_the_room_above_the_repository(tmp_path: Path):
    source = repository(tmp_path / "source")
    (tmp_path / "home").mkdir()
    git(tmp_path, "clone", "--bare", str(source), str(tmp_path / "home" / "project.git"))
    git(tmp_path / "home" / "project.git", "worktree", "add", "-b", "side", str(tmp_path / "side"))
    above = room(tmp_path / "home")
    assert room_of(tmp_path / "side", [above]) == above


@pytest.mark.parametrize("content", ["", "gitdir: /nowhere/at/all\n", "\x00\xff"])
def test_a_broken_git_file_leaves_the_directory_what_it_is(tmp_path: Path, content: str):
    (tmp_path / ".git").write_text(content)
    here = room(tmp_path)
    assert room_of(tmp_path, [here]) == here


@pytest.mark.parametrize(
    ("directory", "taken", "name"),
    [("web", [], "web"), ("web", ["web", "web-2"], "web-3"), (".config", [], "config"), ("a\tb", [], "a-b")],
)
def test_the_proposed_name_is_the_directorys_and_free(tmp_path: Path, directory: str, taken: list[str], name: str):
    assert proposed_name(tmp_path / directory, [room(tmp_path, each) for each in taken]) == name
