"""`wzp logs --disk`: what all logs and the trash of the home take on the disk, and until when they stay."""

from collections.abc import Sequence

from core.doors.cli.context import Run, put_text
from core.doors.cli.drawing import local_time
from core.doors.cli.printing import write_lines
from core.doors.cli.table import Cell, table
from core.logs.retention import Kept, Kind, all_kept
from core.metrics.series import Unit
from core.metrics.units import with_unit
from core.settings import read_settings
from core.text import for_screen
from storage import encode_json, format_time

_HEADERS = ("log", "room", "size", "last written", "stays")


def show_disk(run: Run) -> None:
    """Print them, the largest first; the outputs of runs in one line, since there are many, and so the trash."""
    found = sorted(
        all_kept(run.database, read_settings(run.home.config).settings), key=lambda each: each.size, reverse=True
    )
    if run.wants_json:
        write_lines([_json(each) for each in found], is_json=True)
        return
    rows = [_row(each) for each in found if each.kind not in (Kind.RUN, Kind.TRASH)]
    if runs := [each for each in found if each.kind is Kind.RUN]:
        rows.append(_row_of_many(f"{len(runs)} runs", runs))
    if trash := [each for each in found if each.kind is Kind.TRASH]:
        rows.append(_row_of_many(f"{len(trash)} in the trash", trash))
    put_text(table(_HEADERS, rows, flexible=0))
    put_text(
        f"{_bytes(found)} in all; in {run.home.config} `log_days` and `log_megabytes` bound what is no more, "
        "`trash_days` and `trash_megabytes` the trash."
    )


def _row(each: Kept) -> list[Cell]:
    what = {Kind.PROCESS: "", Kind.REMOVED: " (removed)", Kind.OWN: " (wezterm-parallel)"}[each.kind]
    return [
        Cell(for_screen(each.name) + what), Cell(for_screen(each.room or "")), Cell(_bytes([each])),
        Cell(local_time(format_time(each.last_at))), Cell(_until(each)),
    ]  # fmt: skip


def _row_of_many(what: str, many: Sequence[Kept]) -> list[Cell]:
    last = max(each.last_at for each in many)
    loose = [each for each in many if each.goes_at is not None]
    until = _until(min(loose, key=lambda each: each.last_at)) if loose else ""
    return [
        Cell(what), Cell(""), Cell(_bytes(many)), Cell(local_time(format_time(last))),
        Cell(f"{until}, the oldest" if until else ""),
    ]  # fmt: skip


def _until(each: Kept) -> str:
    return f"until {local_time(format_time(each.goes_at))}" if each.goes_at is not None else ""


def _bytes(kept: Sequence[Kept]) -> str:
    return with_unit(sum(each.size for each in kept), Unit.BYTES)


def _json(each: Kept) -> str:
    wire = {
        "kind": each.kind.value, "name": each.name, "id": each.id, "room": each.room, "bytes": each.size,
        "last_at": format_time(each.last_at), "goes_at": format_time(each.goes_at) if each.goes_at else None,
    }  # fmt: skip
    return encode_json(wire).decode()
