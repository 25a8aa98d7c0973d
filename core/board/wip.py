"""The limit of work in progress of each column: a warning or a refusal, as the room is set."""

from core.errors import WipLimit
from core.work import Work
from storage import Status, WipMode


def check(work: Work, to: Status, *, arriving: int = 1) -> None:
    """Warn or refuse if `arriving` more tasks exceed the limit of column `to`.

    Raises:
        WipLimit: the room refuses.
    """
    limit = work.room.wip_limits.get(to)
    if limit is None or arriving == 0:
        return
    count = work.rows.column_count(work.room.id, to) + arriving
    if count <= limit:
        return
    message = f"{to} would hold {count} tasks; its limit is {limit}."
    if work.room.wip_mode is WipMode.REFUSE:
        raise WipLimit(
            message, f"Finish something in {to} first, or raise the limit with `wzp room edit --wip {to}=N`."
        )
    work.warn(message)
