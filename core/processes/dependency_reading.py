"""What a process depends on: how it is read, whether it is there and can be waited for, and that nothing goes round."""

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from core.processes.yaml_reading import Entries, Invalid, Problems, is_empty, items, one_of, several, text
from storage import Condition, ProcessSpec, RestartPolicy


def dependencies_of(node: Node, problems: Problems) -> Mapping[str, str]:
    """Names with the conditions on which they are waited for; a name alone is waited for until it has started."""
    condition = one_of(Condition, what="condition")
    if not isinstance(node, MappingNode):
        return dict.fromkeys(several(text, most=100, what="names")(node), str(Condition.STARTED))

    def of(value: Node) -> str:
        if is_empty(value):
            return str(Condition.STARTED)
        if isinstance(value, MappingNode):
            inner = Entries(value, "dependency", ("condition",), problems)
            return inner.read("condition", of, str(Condition.STARTED))
        try:
            return condition(value)
        except Invalid as error:
            names = ", ".join(Condition)
            raise Invalid(value, error.message, f"Write one of {names}.") from error

    return {name: problems.take(of, value, str(Condition.STARTED)) for name, _, value in items(node, problems)}


def check_dependencies(name: str, entries: Entries, specs: Mapping[str, ProcessSpec], problems: Problems) -> None:
    """Note which dependencies of a process are not there, or can never fulfil their condition."""
    node = entries.value("depends_on")
    for need, condition in specs[name].depends_on.items():
        place = _place_of(need, node) or entries.key("depends_on")
        if need not in specs:
            known = ", ".join(each for each in specs if each != name)
            problems.note(place, f"{name} depends on {need!r}, which is not there.",
                          f"There are: {known}." if known else "Declare it too.")  # fmt: skip
        elif condition == Condition.HEALTHY and specs[need].readiness is None:
            problems.note(
                place, f"{name} waits until {need} is healthy, and nothing tells that.",
                f"Give {need} a `readiness`, or wait for `started`.",
            )  # fmt: skip
        elif condition.startswith(Condition.COMPLETED) and specs[need].restart.policy is RestartPolicy.ALWAYS:
            problems.note(
                place, f"{name} waits until {need} is completed, and that is always started again.",
                f"Give {need} another restart policy, or wait for `started`.",
            )  # fmt: skip


def _place_of(name: str, node: Node | None) -> Node | None:
    if isinstance(node, MappingNode):
        return next((key for key, _ in node.value if key.value == name), None)
    nodes = node.value if isinstance(node, SequenceNode) else [node]
    return next((each for each in nodes if each is not None and each.value == name), None)


def check_cycles(specs: Mapping[str, ProcessSpec], places: Mapping[str, Entries], problems: Problems) -> None:
    """Note a cycle among the dependencies."""
    graph = {name: [need for need in spec.depends_on if need in specs] for name, spec in specs.items()}
    if (cycle := cycle_in(graph)) is None:
        return
    first = min((name for name in cycle[:-1] if name in places), key=list(specs).index, default=cycle[0])
    if first not in places:  # among others that were there before
        return
    turned = [*cycle[:-1][cycle.index(first) :], *cycle[:-1][: cycle.index(first)], first]
    problems.note(
        places[first].key("depends_on"), f"These wait for each other: {' → '.join(turned)}.",
        "Take one of these dependencies away.",
    )  # fmt: skip


def cycle_in(graph: Mapping[str, Any]) -> list[str] | None:
    """A cycle of what needs what: each needs the next, the last is the first again; None if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return None
