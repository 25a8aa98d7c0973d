"""Boards in and out: import one that was read from a file, look what that would do, export."""

from dataclasses import dataclass

from core.operation import operation
from core.transfer import ExportFormat, ImportedBoard, ImportSummary, apply_board, plan_import, written_board
from core.work import Work
from storage import Role

_READS_A_FILE = {
    "cli": "wzp import reads the file and shows the summary first",
    "palette": "a file is chosen and looked at first: wzp import",
    "mcp": "a person's decision",
    "socket": "the argument is a whole board, read by wzp import",
    "websocket": "the argument is a whole board, read by wzp import",
}


@dataclass(frozen=True, slots=True)
class ExportedBoard:
    """A board as text, in one of the formats."""

    format: ExportFormat
    text: str


@operation(role=Role.OPERATOR, changes=True, undoable=True, command="import", not_at=_READS_A_FILE)
def import_board(work: Work, board: ImportedBoard) -> ImportSummary:
    """Add all tasks of a board from elsewhere, as one change that one undo archives again.

    Raises:
        InvalidData: there is nothing to import.
        WipLimit: a column would be too full and the room refuses.
    """
    return apply_board(work, board)


@operation(role=Role.VIEWER, changes=False, command="import preview", not_at=_READS_A_FILE)
def preview_import(work: Work, board: ImportedBoard) -> ImportSummary:
    """Say what importing a board would do. Nothing is changed."""
    return plan_import(work.rows, work.room, board).summary


@operation(
    role=Role.VIEWER, changes=False, command="export",
    not_at={"cli": "wzp export writes it to a file or to stdout", "palette": "wzp export writes it to a file"},
)  # fmt: skip
def export_board(work: Work, *, format: ExportFormat = ExportFormat.JSON, archived: bool = False) -> ExportedBoard:
    """Write the board down. JSON and CSV are complete and can be imported again; Markdown is for reading.

    Args:
        archived: whether Markdown tells the archive too.
    """
    return ExportedBoard(format, written_board(work.rows, work.room, format, archived=archived))
