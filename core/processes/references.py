"""What people and agents call processes: by name, all instances by the declared name, by label, by the end of an id."""

from collections.abc import Iterable, Sequence

from core.errors import InvalidData, NotFound
from core.operation import ProcessRef
from storage import Process, Reader, Room

LEAST_SUFFIX = 4
"""Shorter ends of an id are refused: they would fit by chance."""


def processes_meant(rows: Reader, room: Room, references: Iterable[ProcessRef]) -> list[Process]:
    """The room's processes that are meant, each once; `web` means all instances of web, `web.1` the first alone.

    Raises:
        NotFound: a reference fits none, or several by the end of their ids.
    """
    present = rows.processes(room.id)
    found: dict[str, Process] = {}
    for reference in references:
        found.update((each.id, each) for each in _meant(room, present, reference.strip()))
    return list(found.values())


def process_meant(rows: Reader, room: Room, reference: ProcessRef) -> Process:
    """The one process of the room that is meant; `web` is its first instance.

    Raises:
        NotFound: it fits none.
        InvalidData: it fits several.
    """
    present = rows.processes(room.id)
    exact = [each for each in present if each.name == reference.strip()]
    fits = exact or _meant(room, present, reference.strip())
    if len(fits) > 1:
        names = ", ".join(each.name for each in fits)
        raise InvalidData(f"{reference!r} means several processes: {names}.", "Name one of them.")
    return fits[0]


def _meant(room: Room, present: Sequence[Process], reference: str) -> list[Process]:
    if reference.startswith("@"):
        label = reference[1:]
        fits = [each for each in present if label in each.spec.labels]
        if fits:
            return fits
        labels = ", ".join(sorted({label for each in present for label in each.spec.labels})) or "none"
        raise NotFound(
            f"No process of room {room.name} has the label {label!r} (there are: {labels}).", "Name another label."
        )
    for fits in (
        [each for each in present if each.declared_name == reference],
        [each for each in present if reference in (each.name, f"{each.declared_name}.{each.instance}")],
    ):
        if fits:
            return fits
    fits = [each for each in present if len(reference) >= LEAST_SUFFIX and each.id.endswith(reference)]
    if len(fits) == 1:
        return fits
    what = "More than one process ends in" if fits else "No process"
    names = ", ".join(each.name for each in present) or "none yet"
    raise NotFound(
        f"{what} {reference!r} in room {room.name} (there are: {names}).",
        "See them with `wzp ps`; room.yaml declares them, `wzp process add` adds one.",
    )
