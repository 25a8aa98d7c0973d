"""How the processes are looked at: order, filter, groups. Pure: processes in, the subjects of rows out."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from core.text import for_screen
from storage import Process, ProcessId
from tui.processes.counting import is_up
from tui.processes.watch import Usage
from tui.translation import _, mark
from tui.wording import PROCESS_STATES

HEADING: Final = "label:"
"""With what the subject of a heading begins; the label follows."""


class Order(StrEnum):
    """The order of the rows."""

    NAME = "name"
    STATE = "state"
    CPU = "cpu"
    MEMORY = "memory"
    RESTARTS = "restarts"
    UPTIME = "uptime"


ORDER_WORDS: Final[Mapping[Order, str]] = {
    Order.NAME: mark("name"), Order.STATE: mark("state"), Order.CPU: mark("CPU"), Order.MEMORY: mark("memory"),
    Order.RESTARTS: mark("restarts"), Order.UPTIME: mark("uptime"),
}  # fmt: skip

GREATEST_FIRST: Final = frozenset({Order.CPU, Order.MEMORY, Order.RESTARTS})
"""The orders that begin with the greatest: what one looks for there is what uses most."""

_STATE_ORDER: Final = {state: place for place, state in enumerate(PROCESS_STATES)}
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ProcessView:
    """What the person wants to see of the processes."""

    query: str = ""
    order: Order = Order.NAME
    is_reversed: bool = False
    by_label: bool = False

    def next_order(self) -> "ProcessView":
        """The same by the next order."""
        orders = list(Order)
        return replace(self, order=orders[(orders.index(self.order) + 1) % len(orders)], is_reversed=False)


@lru_cache(maxsize=4096)
def natural(name: str) -> tuple[Any, ...]:
    """A name for sorting: `web.10` comes after `web.2`."""
    parts = re.split(r"(\d+)", name.casefold())
    return tuple((1, int(part)) if part.isdigit() else (0, part) for part in parts if part)


def fits(process: Process, query: str) -> bool:
    """Whether a process has every word of a query in its name, state, labels, agent, backend, reason or command.

    `@word` is looked for in the labels alone.
    """
    words = query.casefold().split()
    if not words:
        return True
    spec = process.spec
    labels = [label.casefold() for label in spec.labels]
    text = " ".join(
        (process.name, process.state, _(PROCESS_STATES[process.state][1]), *labels, spec.agent or "", spec.backend,
         spec.kind, process.reason or "", spec.shell or "", *spec.command)
    ).casefold()  # fmt: skip
    return all(
        any(label.startswith(word[1:]) for label in labels) if word.startswith("@") else word in text
        for word in words
    )  # fmt: skip


def ordered(
    processes: Iterable[Process], view: ProcessView, usage: Mapping[ProcessId, Usage]
) -> list[Process]:  # fmt: skip
    """Those processes that the view shows, in its order; the same ones by name."""
    found = sorted((each for each in processes if fits(each, view.query)), key=lambda each: natural(each.name))
    if view.order is not Order.NAME:
        found.sort(key=_key(view.order, usage), reverse=view.is_reversed != (view.order in GREATEST_FIRST))
    elif view.is_reversed:
        found.reverse()
    return found


def _key(order: Order, usage: Mapping[ProcessId, Usage]) -> Callable[[Process], Any]:
    def used(process: Process) -> Usage:
        return usage.get(process.id) or Usage()

    keys: dict[Order, Callable[[Process], Any]] = {
        Order.STATE: lambda each: _STATE_ORDER[each.state],
        Order.CPU: lambda each: used(each).steady_cpu if is_up(each) else -1,
        Order.MEMORY: lambda each: used(each).memory_bytes // 1_048_576 if is_up(each) else -1,
        Order.RESTARTS: lambda each: each.restarts,
        Order.UPTIME: lambda each: each.started_at if is_up(each) and each.started_at else _NEVER,
    }
    return keys[order]


def subjects(processes: Sequence[Process], view: ProcessView) -> list[str]:
    """The rows: a process by its id, a group by the subject of its heading before its members."""
    if not view.by_label:
        return [each.id for each in processes]
    groups: dict[str, list[str]] = {}
    for each in processes:
        groups.setdefault(label_of(each), []).append(each.id)
    rows: list[str] = []
    for label in sorted(groups, key=lambda each: (not each, each.casefold())):
        rows += [HEADING + label, *groups[label]]
    return rows


def label_of(process: Process) -> str:
    """The label under which a process stands: its first by name, empty where it has none."""
    return min(process.spec.labels, key=str.casefold, default="")


def heading_text(subject: str) -> str:
    """What the heading of a group says."""
    label = subject.removeprefix(HEADING)
    return f"@{for_screen(label)}" if label else _("no label")
