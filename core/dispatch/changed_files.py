"""Which files a command has changed: by git where the folder is in a repository, else by their times of change.

Used by the worker's keeper, by path and on the standard library alone.
"""

import os
import subprocess
from typing import Any

GIT_TIMEOUT_S = 30
MOST_LOOKED_AT = 200_000
MOST_TOLD = 1_000
MOST_TOLD_CHARACTERS = 200_000
"""Of their names together: each may take six bytes on its way, and a line to the dispatcher has its bound."""

Stamp = tuple[int, int, int]
"""What tells one content of a file from another: time of change, size, inode."""


def snapshot(cwd: str) -> dict[str, Any]:
    """What stands before the command; opaque, for `changed`."""
    dirty = _dirty(cwd)
    if dirty is None:
        return {"git": False, "stamps": _stamps(cwd)}
    return {"git": True, "head": _git(cwd, "rev-parse", "-q", "--verify", "HEAD"), "dirty": dirty}


def changed(cwd: str, before: dict[str, Any]) -> list[str]:
    """The paths below `cwd` that differ from the snapshot, sorted; those that are gone too."""
    if not before["git"]:
        stamps = _stamps(cwd)
        differing = {
            path for path in before["stamps"].keys() | stamps if before["stamps"].get(path) != stamps.get(path)
        }
        return _told(differing)
    dirty = _dirty(cwd) or {}
    differing = {path for path in before["dirty"].keys() | dirty if before["dirty"].get(path) != dirty.get(path)}
    head = _git(cwd, "rev-parse", "-q", "--verify", "HEAD")
    if head and head != before["head"]:
        since = before["head"] or b"4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # the empty tree
        committed = _git(cwd, "diff", "--name-only", "--relative", "-z", since.strip().decode(), "HEAD") or b""
        differing |= {os.fsdecode(path) for path in committed.split(b"\0") if path}
    return _told(differing)


def _told(paths: set[str]) -> list[str]:
    """The first of them, sorted, as far as there is room."""
    told: list[str] = []
    size = 0
    for path in sorted(paths)[:MOST_TOLD]:
        size += len(path)
        if size > MOST_TOLD_CHARACTERS:
            break
        told.append(path)
    return told


def _dirty(cwd: str) -> dict[str, Stamp | None] | None:
    """What git calls changed or new below a folder, each with its stamp; None where there is no repository."""
    told = _git(cwd, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", ".")
    prefix = _git(cwd, "rev-parse", "--show-prefix")
    if told is None or prefix is None:
        return None
    start = prefix.rstrip(b"\n")
    paths = [entry[3:] for entry in told.split(b"\0") if len(entry) > 3]
    inside = [os.fsdecode(path[len(start) :] if path.startswith(start) else path) for path in paths]
    return {path: _stamp(os.path.join(cwd, path)) for path in inside}


def _git(cwd: str, *arguments: str) -> bytes | None:
    """What git prints; None where it fails or is not there."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=cwd, env=environment, capture_output=True, check=False, timeout=GIT_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _stamps(cwd: str) -> dict[str, Stamp | None]:
    """The stamps of the files below a folder, hidden folders left out."""
    found: dict[str, Stamp | None] = {}
    for folder, folders, names in os.walk(cwd):
        folders[:] = [name for name in folders if not name.startswith(".") and name != "node_modules"]
        for name in names:
            path = os.path.join(folder, name)
            found[os.path.relpath(path, cwd)] = _stamp(path)
            if len(found) >= MOST_LOOKED_AT:
                return found
    return found


def _stamp(path: str) -> Stamp | None:
    """What tells one content of a file from another, without reading it; None where there is none."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
