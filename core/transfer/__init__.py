"""Boards from elsewhere and boards to take away: readers of each format, the plan that applies, the writers."""

from typing import TYPE_CHECKING

from storage import face

if TYPE_CHECKING:
    from core.transfer.apply import apply_board as apply_board
    from core.transfer.board import BadSource as BadSource
    from core.transfer.board import ImportedAgent as ImportedAgent
    from core.transfer.board import ImportedBoard as ImportedBoard
    from core.transfer.board import ImportedComment as ImportedComment
    from core.transfer.board import ImportedTask as ImportedTask
    from core.transfer.board import ImportSummary as ImportSummary
    from core.transfer.board import SourceFormat as SourceFormat
    from core.transfer.board import Unmapped as Unmapped
    from core.transfer.plan import plan_import as plan_import
    from core.transfer.source import read_board as read_board
    from core.transfer.write import ExportFormat as ExportFormat
    from core.transfer.write import written_board as written_board

__getattr__ = face(
    __name__,
    {
        "core.transfer.apply": "apply_board",
        "core.transfer.board": "BadSource ImportedAgent ImportedBoard ImportedComment ImportedTask ImportSummary "
        "SourceFormat Unmapped",
        "core.transfer.plan": "plan_import",
        "core.transfer.source": "read_board",
        "core.transfer.write": "ExportFormat written_board",
    },
)
