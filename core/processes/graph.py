"""Which processes of a room depend on which: by declared names, all instances of a name together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from storage import Condition, Process, ProcessId, RoomId

Name = tuple[RoomId, str]
"""A declared name in its room."""

OUTLIVING = (Condition.STARTED, Condition.HEALTHY)
"""The conditions whose dependency has to stay up as long as its dependant; of the others only the end matters."""


@dataclass(slots=True)
class Graph:
    """Who is who and needs what, of all processes that are not removed; made anew where a declaration changes."""

    instances: dict[Name, list[ProcessId]] = field(default_factory=dict)
    needs: dict[Name, Mapping[str, str]] = field(default_factory=dict)
    dependants: dict[Name, set[Name]] = field(default_factory=dict)
    cyclic: dict[Name, tuple[str, ...]] = field(default_factory=dict)
    """The way around, for each name that depends on itself."""

    @classmethod
    def of(cls, processes: Iterable[Process]) -> "Graph":
        """The graph of some processes. Where instances differ for a moment in what they need, the last one counts."""
        graph = cls()
        for process in processes:
            name = name_of(process)
            graph.instances.setdefault(name, []).append(process.id)
            graph.needs[name] = process.spec.depends_on
        for name, needs in graph.needs.items():
            for needed in needs:
                graph.dependants.setdefault((name[0], needed), set()).add(name)
        for name in graph.needs:
            if graph.needs[name] and (way := graph._way_back(name)):
                graph.cyclic[name] = way
        return graph

    def outliving(self, name: Name) -> list[Name]:
        """The names that must be up as long as this one is; none of a cycle, which could never end."""
        if name in self.cyclic:
            return []
        return [(name[0], needed) for needed, condition in self.needs.get(name, {}).items() if condition in OUTLIVING]

    def outlived(self, name: Name) -> list[Name]:
        """The names that must be down before this one stops."""
        return [each for each in self.dependants.get(name, ()) if name in self.outliving(each)]

    def around(self, name: Name) -> set[Name]:
        """The names whose turn it is when something has changed about this one."""
        return self.dependants.get(name, set()) | {(name[0], needed) for needed in self.needs.get(name, ())}

    def _way_back(self, start: Name) -> tuple[str, ...]:
        seen: set[str] = set()
        ways: list[tuple[str, ...]] = [(start[1],)]
        while ways:
            way = ways.pop()
            for needed in self.needs.get((start[0], way[-1]), ()):
                if needed == start[1]:
                    return (*way, needed)
                if needed not in seen:
                    seen.add(needed)
                    ways.append((*way, needed))
        return ()


def name_of(process: Process) -> Name:
    """The declared name of a process, in its room."""
    return process.room_id, process.declared_name
