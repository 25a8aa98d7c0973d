"""The rules of the board: which way a task may go, in which order, waiting for whom, how many at once."""

from typing import TYPE_CHECKING

from storage import face

if TYPE_CHECKING:
    from core.board.dependencies import CLOSED as CLOSED
    from core.board.transitions import allowed_from as allowed_from

__getattr__ = face(
    __name__,
    {
        "core.board.dependencies": "CLOSED",
        "core.board.transitions": "allowed_from",
    },
)
