"""The supervisor's machine: pure. Events go in, actions come out; it has no clock, does no I/O and waits for nothing.

Of every process it knows what is wanted and where it stands, and with each event brings the two nearer, until a turn
changes nothing more. It keeps to this, whatever comes: a process has one runner at most, and a new one only after the
old one's end was told or proven; what a process depends on is not stopped under it; who was asked to be down is not
started by an old timer; and with each thing that is asked of a runner goes a timer, so that quitting comes to an end.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from core.processes.deeds import Deeds
from core.processes.happenings import (
    Action,
    Adopted,
    Cleared,
    EnvironmentRead,
    Event,
    Fired,
    Forget,
    Found,
    Lost,
    Probed,
    ProbeKind,
    Quit,
    RunnerState,
    Sight,
    StartFailed,
    Timer,
    TimerKind,
    Told,
    Wanted,
)  # fmt: skip
from core.processes.order import Order
from core.processes.restarting import is_restarted
from core.processes.unit import ACTIVE, Cause, Outcome, Phase, Unit
from storage import Desired, Process, ProcessId, RestartPolicy


class Machine:
    """All processes of a home, and their next moves.

    Args:
        random: a number from 0 up to 1, for the jitter of delays.
        new_runner: a short new name for a runner's folder.
    """

    def __init__(self, *, random: Callable[[], float], new_runner: Callable[[], str]) -> None:
        self.units: Final[dict[ProcessId, Unit]] = {}
        self._random = random
        self._deeds = Deeds(new_runner)
        self._order = Order(self.units)
        self._has_left = False
        self._now = 0.0
        self._due: deque[ProcessId] = deque()

    def step(self, event: Event, now: float) -> list[Action]:
        """What follows from an event at a moment in monotonic seconds."""
        if self._has_left:
            return []
        self._now = now
        match event:
            case Adopted(found):
                self._learn(Unit.found(each) for each in found)
            case Wanted(processes):
                self._want(processes)
            case Quit():
                self._leave()
            case Fired(timer):
                self._fire(timer)
            case _:
                unit = self.units.get(event.process)
                if unit is not None and unit.runner == event.runner:
                    self._hear(unit, event)
        self._settle()
        return self._deeds.taken()

    # what is heard

    def _learn(self, units: Iterable[Unit]) -> None:
        learnt = list(units)
        self.units.update((unit.process.id, unit) for unit in learnt)
        self._order.learn()
        for unit in learnt:
            if unit.phase is Phase.CLEARING:
                self._deeds.clear(unit)
        self._reconsider(learnt)

    def _want(self, processes: tuple[Process, ...]) -> None:
        new = [Unit.found(Found(each)) for each in processes if each.id not in self.units and not each.removed]
        known = [(self.units[each.id], each) for each in processes if each.id in self.units]
        has_new_order = bool(new)
        for unit, process in known:
            before, unit.process = unit.process, process
            if before.spec.depends_on != process.spec.depends_on:
                has_new_order = True
                self._wake_around(unit)  # those on whom it depended until now
            if unit.phase is Phase.UP and before.spec != process.spec:
                self._deeds.probe_anew(unit, before)
        if has_new_order:
            self._learn(new)
        self._reconsider(unit for unit, _ in known)

    def _reconsider(self, units: Iterable[Unit]) -> None:
        """Let it be the turn of some; who of them goes is known before the first of them is asked whether it may."""
        wanted = list(units)
        for unit in wanted:
            unit.is_leaving = self._order.leaves(unit)
        self._due.extend(unit.process.id for unit in wanted)

    def _hear(self, unit: Unit, event: Told | Lost | Cleared | StartFailed | Probed | EnvironmentRead) -> None:
        self._due.append(unit.process.id)
        if isinstance(event, EnvironmentRead):
            unit.has_old_environment = event.is_other
            return
        unit.is_unheard = False
        is_there = unit.phase in ACTIVE or unit.phase is Phase.STUCK
        match event:
            case Told(sight=sight) if is_there:
                unit.sight = sight
                if sight.state is RunnerState.EXITED:
                    self._end(unit, unit.how_it_ended())
                elif sight.state is RunnerState.RUNNING and unit.phase is Phase.STARTING:
                    self._deeds.come_up(unit)
                elif sight.error and unit.phase is Phase.STOPPING:
                    unit.reason = sight.error
            case Lost() if is_there and unit.phase is not Phase.CLEARING:
                self._deeds.clear(unit)
            case Cleared(anew=anew) if unit.phase is Phase.CLEARING:
                ended = unit.sight or Sight(RunnerState.EXITED)
                unit.sight = replace(ended, state=RunnerState.EXITED, exit_code=None, exit_signal=None)
                if anew:
                    unit.cause = Cause.WISH  # the machine's new start is no failure of the process
                self._end(unit, "its runner was killed")
            case StartFailed(reason=reason, final=final) if is_there and unit.phase is not Phase.UP:
                unit.sight = None
                self._end(unit, reason, is_final=final)
            case Probed() if unit.phase is Phase.UP:
                self._weigh(unit, event.kind, event.complaint)

    def _fire(self, timer: Timer) -> None:
        unit = self.units.get(timer.process)
        if unit is None or unit.timers.get(timer.kind) != timer:
            return  # a late one
        del unit.timers[timer.kind]
        self._due.append(timer.process)
        match timer.kind:
            case TimerKind.RESTART:
                unit.phase, unit.reason = Phase.DOWN, None
            case TimerKind.STEADY:
                unit.restarts.recover()
                self._deeds.settle_alert(unit)
            case TimerKind.KILL:
                self._deeds.kill(unit)
            case TimerKind.GIVE_UP:
                unit.phase, unit.reason = Phase.STUCK, "it could not be ended, not even killed"
                self._deeds.complain(unit, "process_stuck")

    def _weigh(self, unit: Unit, kind: ProbeKind, complaint: str | None) -> None:
        is_sick = unit.weigh(kind, complaint)
        if is_sick and unit.process.spec.restart.policy is not RestartPolicy.NEVER:
            self._deeds.record(unit)
            self._deeds.stop(unit, Cause.SICK, unit.complaints[kind])

    # whose turn it is

    def _settle(self) -> None:
        while self._due:
            unit = self.units.get(self._due.popleft())
            if unit is None:
                continue
            self._take_turn(unit)
            if unit.process.id not in self.units:
                continue
            self._deeds.record(unit)
            shown = (unit.phase, unit.outcome, unit.is_leaving, unit.is_ready, frozenset(unit.complaints))
            if shown != unit.shown:
                unit.shown = shown
                self._wake_around(unit)

    def _wake_around(self, unit: Unit) -> None:
        self._due.extend(self._order.around(unit))

    def _take_turn(self, unit: Unit) -> None:
        self._order.see_who_leaves(unit)
        match unit.phase:
            case Phase.BACK_OFF:
                if not unit.is_wanted or unit.is_outdated:
                    self._deeds.quiet(unit)
                    unit.phase, unit.reason = Phase.DOWN, None
                    self._rise(unit)
            case Phase.DOWN | Phase.WAITING:
                self._rise(unit)
            case Phase.STARTING | Phase.UP:
                if not unit.is_wanted or unit.is_outdated or self._order.held_by(unit):
                    self._go_down(unit)
                else:
                    self._acknowledge(unit)
                    unit.reason = None
            case Phase.STOPPING:
                if unit.is_outdated or not unit.is_wanted:
                    unit.cause = Cause.WISH
                self._acknowledge(unit)
                if unit.process.desired is Desired.KILLED and not unit.is_killed:
                    self._deeds.kill(unit)

    def _rise(self, unit: Unit) -> None:
        """The turn of one that is down: start it, where it shall run and may."""
        if unit.process.removed:
            self._acknowledge(unit)
            unit.phase, unit.outcome, unit.reason = Phase.DOWN, None, None
            self._deeds.record(unit)
            self._forget(unit)
            return
        if unit.outcome and unit.is_outdated:
            unit.outcome, unit.reason = None, None
        self._acknowledge(unit)
        if not unit.is_wanted:
            unit.phase = Phase.DOWN
            if unit.process.desired is not Desired.RUNNING:
                unit.outcome, unit.reason = None, None
        elif unit.outcome is None:
            obstacle = self._order.obstacle(unit)
            if obstacle:
                unit.phase, unit.reason = Phase.WAITING, obstacle
            else:
                self._deeds.start(unit)

    def _go_down(self, unit: Unit) -> None:
        """The turn of one that is up and has to go, after what depends on it."""
        if unit.process.desired is Desired.KILLED:
            self._acknowledge(unit)
            self._deeds.quiet(unit)
            unit.phase, unit.cause, unit.reason = Phase.STOPPING, Cause.WISH, None
            self._deeds.kill(unit)
            return
        first = self._order.first_to_go(unit)
        if first is not None:
            unit.reason = f"stops after {first.process.name}"
            return
        held_by = self._order.held_by(unit)
        self._acknowledge(unit)
        self._deeds.stop(unit, Cause.WISH, f"{held_by}, on which it depends, goes down" if held_by else None)

    def _end(self, unit: Unit, how: str, *, is_final: bool = False) -> None:
        """It is down, and proven so: what comes of that."""
        cause, sickness = unit.cause, unit.reason
        self._deeds.end(unit)
        if not unit.is_wanted or cause is Cause.WISH or unit.is_outdated or self._order.held_by(unit):
            return  # its turn decides
        if cause is Cause.SICK and sickness:
            how = sickness
        succeeded = cause is None and unit.has_succeeded
        restart = unit.process.spec.restart
        if is_final:
            self._deeds.fail(unit, how)
        elif not is_restarted(restart.policy, succeeded=succeeded):
            if succeeded:
                unit.outcome, unit.reason = Outcome.EXITED, how
            else:
                self._deeds.fail(unit, how)
        elif (delay_s := unit.restarts.next_delay_s(restart, self._now, self._random)) is None:
            self._deeds.give_up(unit, how)
        else:
            self._deeds.back_off(unit, delay_s, how)

    def _acknowledge(self, unit: Unit) -> None:
        """Act upon what somebody has asked for since: what was before does not count any more."""
        if unit.has_new_wish:
            unit.acted = unit.process.generation
            unit.restarts.begin_anew()
            unit.outcome = None
            self._deeds.settle_alert(unit)

    def _forget(self, unit: Unit) -> None:
        self._deeds.settle_alert(unit)
        self._wake_around(unit)
        del self.units[unit.process.id]
        self._order.learn()
        self._deeds.ask(Forget(unit.process.id))

    def _leave(self) -> None:
        for unit in self.units.values():
            self._deeds.quiet(unit)
        self._has_left = True
