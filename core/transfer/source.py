"""Reading a board from a file or folder, whichever of the known formats it has."""

import json
from pathlib import Path
from typing import Any, Final

from core.transfer.board import BadSource, ImportedBoard, SourceFormat

STDIN: Final = "-"

LARGEST_BYTES: Final = 128 * 1024 * 1024
"""More is no board; a device, for one, has no end."""


def read_board(path: Path, format: SourceFormat | None = None, *, text: str | None = None) -> ImportedBoard:
    """The board in a file or folder. Nothing is changed anywhere.

    Args:
        format: read it as this; found out if omitted.
        text: the content, where `path` only says where it came from.

    Raises:
        BadSource: it is not there, not readable, or in none of the known formats.
    """
    if text is None and not path.exists():
        raise BadSource(f"There is no file {path}.", "Give the path of the file or folder to import.", file=str(path))
    if text is None and path.is_dir():
        return _read_folder(path, format)
    content = read_text(path) if text is None else text
    chosen = format or _format_of(path, content)
    if chosen is SourceFormat.BACKLOG:
        raise BadSource(f"{path} is a file; a Backlog.md board is a folder.", "Give the folder.", file=str(path))
    if chosen is SourceFormat.CSV:
        from core.transfer import table

        return table.read(path, content)
    data = parse_json(path, content)
    if format is None and not is_own(data):
        chosen = SourceFormat.TASKMASTER
    if chosen is SourceFormat.TASKMASTER:
        from core.transfer import taskmaster

        return taskmaster.read(path, data)
    from core.transfer import own

    return own.read(path, data)


def is_own(data: Any) -> bool:
    """Whether a JSON value is an export of ours."""
    from core.transfer.write import FORMAT_NAME

    return isinstance(data, dict) and data.get("format") == FORMAT_NAME


def read_text(path: Path) -> str:
    """A file's text.

    Raises:
        BadSource: it cannot be read, or is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
        if len(content) > LARGEST_BYTES:
            raise BadSource(f"{path} has more than {LARGEST_BYTES:,} bytes.", "Import it in parts.", file=str(path))
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise BadSource(
            f"{path}, line {line}: this is not UTF-8.", "Save the file as UTF-8, then import it.",
            file=str(path), line=line,
        ) from error  # fmt: skip
    except OSError as error:
        raise BadSource(f"{path} cannot be read: {error.strerror}.", "Check the path.", file=str(path)) from error


def parse_json(path: Path, content: str) -> Any:
    """A JSON text's value.

    Raises:
        BadSource: it is not JSON; says where.
    """
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        raise BadSource(
            f"{path}, line {error.lineno}, column {error.colno}: this is not JSON ({error.msg}).",
            "Correct the file, or say what it is with --from.",
            file=str(path), line=error.lineno, column=error.colno,
        ) from error  # fmt: skip
    except RecursionError as error:
        raise BadSource(f"{path} is nested too deeply.", "Is it a board?", file=str(path)) from error


def _format_of(path: Path, content: str) -> SourceFormat:
    if path.suffix.lower() in (".csv", ".tsv"):
        return SourceFormat.CSV
    if path.suffix.lower() == ".json" or content.lstrip()[:1] in ("{", "["):
        return SourceFormat.JSON
    return SourceFormat.CSV


def _read_folder(path: Path, format: SourceFormat | None) -> ImportedBoard:
    from core.transfer.backlog import folder_in
    from core.transfer.backlog import read as read_folder

    tasks_json = path / ".taskmaster" / "tasks" / "tasks.json"
    if format in (None, SourceFormat.BACKLOG) and (folder := folder_in(path)) is not None:
        return read_folder(folder)
    if format in (None, SourceFormat.TASKMASTER) and tasks_json.is_file():
        return read_board(tasks_json, SourceFormat.TASKMASTER)
    raise BadSource(
        f"{path} is a folder without a Backlog.md board (tasks/*.md) or a .taskmaster/tasks/tasks.json.",
        "Give the file or folder that holds the board.",
        file=str(path),
    )
