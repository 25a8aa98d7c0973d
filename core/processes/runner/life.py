"""The rest of a process's life: its end noticed, what it leaves ended too, and the certainty that nothing is left."""

from __future__ import annotations

import time

from . import tree
from .ending import Ending
from .leader import reap_strays

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .leader import Leader

EMPTY_LOOKS = 5
AGAIN_S = 0.005
"""So often in a row, and so far apart, we look where the kernel cannot say that nobody is left."""


class Life:
    """One process and all that stems from it.

    Args:
        runner: the name under which descendants are marked in their environments.
        is_subreaper: whether orphans come to us.
        stop_signal: what asks it to end.
        grace_s: how long what a dead leader leaves behind has to end.
        stops: is told that the end has begun, and again why it does not come.
        is_over: is told once nothing is left.
    """

    def __init__(
        self, leader: Leader, runner: str, is_subreaper: bool, stop_signal: int, grace_s: float,
        stops: Callable[[str | None], None], is_over: Callable[[], None],
    ) -> None:  # fmt: skip
        self._leader = leader
        self._runner = runner
        self._is_subreaper = is_subreaper
        self._stop_signal = stop_signal
        self._grace_s = grace_s
        self._stops = stops
        self._is_over = is_over
        self._ending: Ending | None = None
        self._empty_looks = 0
        self._has_ended = False
        self.wake_at: float | None = None
        """When (monotonic) to advance again, if nothing happens before."""

    def stop(self, grace_s: float | None = None) -> None:
        """Begin to end it, or nearer than was asked before."""
        if self._has_ended:
            return
        if self._ending is None:
            self._ending = self._new_ending()
        self._ending.begin(self._stop_signal, self._grace_s if grace_s is None else grace_s)
        self._stops(None)
        self.wake_at = time.monotonic()  # who asked is answered first: killing a large tree takes a while

    def advance(self) -> None:
        """Go on as it demands: notice its end, end what is left of it, tell when all is over."""
        if self._has_ended:
            reap_strays()
            return
        self._leader.look()
        if self._leader.is_dead and self._ending is None:
            self._end_by_itself()
        if self._ending is None:
            self.wake_at = None
            return
        self._ending.is_reaped = self._leader.is_reaped
        self.wake_at = self._ending.advance(self._leader.is_dead)
        self._leader.look()
        if self.wake_at is None and self._leader.is_dead:
            if self._is_empty(self._ending):
                self._has_ended = True
                self._is_over()
            else:
                self.wake_at = time.monotonic() + AGAIN_S
        elif self._ending.survivors and self.wake_at is not None:
            self._stops(_told_of(self._ending.survivors))

    def _new_ending(self) -> Ending:
        ending = Ending(self._leader.pid, self._runner, self._is_subreaper)
        ending.is_reaped = self._leader.is_reaped
        return ending

    def _end_by_itself(self) -> None:
        """The leader is dead without having been asked: what it has left behind is ended as a stop would."""
        self._ending = self._new_ending()
        if self._is_subreaper and tree.own_children() == [self._leader.pid]:
            return
        self._ending.begin(self._stop_signal, self._grace_s)
        self._stops(None)

    def _is_empty(self, ending: Ending) -> bool:
        """Whether it is certain that nothing is left, and not only that no look at the machine has found anything:
        who forks and exits meanwhile is in none. The kernel knows whether we have children, once the leader is reaped;
        where a detached one is among them, several looks in a row must do.
        """
        self._leader.reap()
        ending.is_reaped = True
        if not reap_strays():
            return True
        self._empty_looks = self._empty_looks + 1 if not ending.rest() else 0
        return self._empty_looks >= EMPTY_LOOKS


def _told_of(survivors: list[int]) -> str:
    pids = ", ".join(map(str, survivors[:5])) + (", …" if len(survivors) > 5 else "")
    many = f"{len(survivors)} processes do" if len(survivors) > 1 else "1 process does"
    return f"{many} not die ({pids})."
