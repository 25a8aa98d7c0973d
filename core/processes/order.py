"""The order among processes: which wait for which at the start, and which have to go first at the end."""

from collections.abc import Iterator, Mapping
from typing import Final

from core.processes.graph import Graph, Name, name_of
from core.processes.unit import ACTIVE, Cause, Outcome, Phase, Unit
from storage import Condition, Desired, ProcessId, ProcessState


class Order:
    """What a process may do, as far as it depends on others."""

    def __init__(self, units: Mapping[ProcessId, Unit]) -> None:
        self._units = units
        self._graph = Graph()

    def learn(self) -> None:
        """Take in that processes have come, gone or been declared otherwise."""
        self._graph = Graph.of(unit.process for unit in self._units.values())

    def around(self, unit: Unit) -> Iterator[ProcessId]:
        """Those for whom it counts how a process stands."""
        for name in self._graph.around(name_of(unit.process)):
            yield from self._graph.instances.get(name, ())

    def leaves(self, unit: Unit) -> bool:
        """Whether a process goes down, or should, on purpose."""
        if not unit.is_wanted or (unit.phase is Phase.STOPPING and unit.cause is Cause.WISH):
            return True
        return (unit.phase in ACTIVE and unit.is_outdated) or self.held_by(unit) is not None

    def see_who_leaves(self, unit: Unit) -> None:
        """Note whether a process goes, and the other instances of it: whether some stay counts for each of them."""
        for each in self._graph.instances.get(name_of(unit.process), ()):
            self._units[each].is_leaving = self.leaves(self._units[each])

    def held_by(self, unit: Unit) -> str | None:
        """What has to be up with a process, and goes."""
        for name in self._graph.outliving(name_of(unit.process)):
            if self._graph.instances.get(name) and self._all_leave(name):
                return name[1]
        return None

    def first_to_go(self, unit: Unit) -> Unit | None:
        """Something active that depends on a process; of several instances only the last to go waits for it."""
        name = name_of(unit.process)
        if not self._all_leave(name):
            return None
        dependants = (each for outlived in self._graph.outlived(name) for each in self._graph.instances[outlived])
        return next((self._units[each] for each in dependants if self._units[each].phase in ACTIVE), None)

    def obstacle(self, unit: Unit) -> str | None:
        """Why a process cannot start yet."""
        name = name_of(unit.process)
        if way := self._graph.cyclic.get(name):
            return f"depends on itself: {' → '.join(way)}"
        for needed, condition in unit.process.spec.depends_on.items():
            instances = self._graph.instances.get((name[0], needed), [])
            if not instances:
                return f"waits for {needed}, which there is not"
            for other in (self._units[each] for each in instances):
                if not _fulfils(other, Condition(condition)):
                    return f"waits for {other.process.name}{_how_it_stands(other)}"
        held_by = self.held_by(unit)
        return f"waits for {held_by}" if held_by else None

    def _all_leave(self, name: Name) -> bool:
        return all(self._units[each].is_leaving for each in self._graph.instances.get(name, ()))


def _fulfils(unit: Unit, condition: Condition) -> bool:
    """Whether a dependency is what a dependant waits for it to be."""
    match condition:
        case Condition.STARTED:
            return unit.phase is Phase.UP or unit.outcome is Outcome.EXITED
        case Condition.HEALTHY:
            well = ProcessState.READY if unit.process.spec.readiness is not None else ProcessState.RUNNING
            return unit.phase is Phase.UP and unit.observation().state is well
        case Condition.COMPLETED:
            return unit.outcome is not None
        case Condition.COMPLETED_SUCCESSFULLY:
            return unit.outcome is Outcome.EXITED


_STANDING: Final[Mapping[Outcome, str]] = {Outcome.FAILED: ", which has failed", Outcome.EXITED: ", which has ended"}


def _how_it_stands(unit: Unit) -> str:
    if unit.process.desired is not Desired.RUNNING:
        return ", which is stopped"
    return _STANDING[unit.outcome] if unit.outcome else ""
