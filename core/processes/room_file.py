"""The file room.yaml: where it lies, how it is read safely, and the hash by which a person approves its content."""

import hashlib
import os
import stat
from pathlib import Path
from typing import Final

from core.errors import InvalidData
from storage import Room

FILE: Final = "room.yaml"
SIZE_LIMIT: Final = 262_144
"""Bytes of a room.yaml; about two thousand processes."""


def room_file(room: Room) -> Path:
    """Where a room's declarations lie."""
    return Path(room.root) / FILE


def content_hash(content: bytes) -> str:
    """What a person approves a content by: its SHA-256."""
    return hashlib.sha256(content).hexdigest()


def read_room_file(room: Room) -> bytes | None:
    """The content of a room's room.yaml; None where there is none.

    Raises:
        InvalidData: it is no plain file, lies outside the room through a link, is too large, or cannot be read.
    """
    path = room_file(room)
    try:
        target = path.resolve(strict=True)
        if not target.is_relative_to(Path(room.root).resolve()):
            raise InvalidData(
                f"{path} is a link to {target}, outside the room.", "Let the file itself lie in the room's root."
            )
        descriptor = os.open(target, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except (OSError, RuntimeError) as error:
        raise InvalidData(f"{path} cannot be read: {error}.", "Mend its permissions, or remove it.") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InvalidData(f"{path} is no plain file.", "Make it one, or remove it.")
    with os.fdopen(descriptor, "rb") as file:
        try:
            content = file.read(SIZE_LIMIT + 1)
        except OSError as error:
            raise InvalidData(f"{path} cannot be read: {error}.", "Mend it, or remove it.") from error
    if len(content) > SIZE_LIMIT:
        raise InvalidData(f"{path} is larger than {SIZE_LIMIT:,} bytes.", "Write less into it.")
    return content


def is_approved(room: Room) -> bool:
    """Whether a room's room.yaml is what the person has approved, or is not there.

    Raises:
        InvalidData: it cannot be read.
    """
    content = read_room_file(room)
    return content is None or content_hash(content) == room.trusted_hash
