"""Which room a directory belongs to: the nearest one above it; a git worktree belongs to that of its main checkout."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from core.text import NAME_LIMIT, clean_name
from storage import Room


def room_of(directory: Path, rooms: Sequence[Room]) -> Room | None:
    """The room whose root is `directory` or its nearest ancestor.

    Inside a linked git worktree, a room of the worktree's own comes first, then the room of the main checkout, then
    whatever lies above the worktree.
    """
    by_root = {room.root: room for room in rooms}
    for place in _places(directory.resolve()):
        if (room := by_root.get(str(place))) is not None:
            return room
    return None


def project_of(directory: Path) -> Path:
    """The directory for which a new room would stand: the main checkout of the git repository, or `directory`."""
    directory = directory.resolve()
    top = _checkout_above(directory)
    return directory if top is None else _main_checkout(top) or top


def proposed_name(root: Path, rooms: Sequence[Room]) -> str:
    """A room name for `root` that no other room has: its last part, numbered where that is taken."""
    base = re.sub(r"[^\w .+-]", "-", root.name).lstrip(".- ") or "room"
    base = clean_name(base[: NAME_LIMIT - 4], "room name", NAME_LIMIT)
    taken = {room.name for room in rooms}
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name


def _places(directory: Path) -> Iterator[Path]:
    top = _checkout_above(directory)
    main = _main_checkout(top) if top is not None else None
    if top is None or main is None:
        yield from (directory, *directory.parents)
        return
    inside = [directory, *directory.parents]
    within, above = inside[: inside.index(top) + 1], inside[inside.index(top) + 1 :]
    yield from within
    counterpart = main / directory.relative_to(top)
    yield from (counterpart, *counterpart.parents)
    yield from above


def _checkout_above(directory: Path) -> Path | None:
    """The top of the git checkout that holds `directory`."""
    for place in (directory, *directory.parents):
        if (place / ".git").exists():
            return place
    return None


def _main_checkout(top: Path) -> Path | None:
    """The main checkout of the linked worktree whose top is `top`; None where `top` is no linked worktree.

    Read by hand, since asking git costs ten times as much: gitrepository-layout(5), `gitdir:` and `commondir`.
    """
    pointer = _first_line(top / ".git")
    if not pointer.startswith("gitdir:"):
        return None
    git_directory = top / pointer.removeprefix("gitdir:").strip()
    common = _first_line(git_directory / "commondir")
    if not common:
        return None  # a submodule: a project of its own
    common_directory = (git_directory / common).resolve()
    if common_directory.name == ".git":
        return common_directory.parent
    configured = re.search(r"^\s*worktree\s*=\s*(.+?)\s*$", _text(common_directory / "config"), re.MULTILINE)
    return (common_directory / configured[1].strip('"')).resolve() if configured else common_directory


def _first_line(path: Path) -> str:
    return _text(path).partition("\n")[0].strip()


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="surrogateescape")
    except OSError:
        return ""
