"""room.yaml: what a room's processes are, as its people have written it, read strictly.

    processes:
      - name: web
        command: npm run dev
        readiness: {http: "http://127.0.0.1:3000/"}
        depends_on: [db]

docs/processes.md has every key. A document is either understood whole or refused, with all that is wrong in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from ruamel.yaml.nodes import Node, SequenceNode

from core.errors import InvalidData, NotApproved, NotFound
from core.processes.dependency_reading import check_cycles, check_dependencies
from core.processes.room_file import FILE as FILE
from core.processes.room_file import SIZE_LIMIT as SIZE_LIMIT
from core.processes.room_file import content_hash as content_hash
from core.processes.room_file import read_room_file as read_room_file
from core.processes.room_file import room_file as room_file
from core.processes.secrets import parted
from core.processes.spec_reading import INSTANCES, KEYS, spec_fields
from core.processes.value_reading import environment, name_in
from core.processes.yaml_reading import Entries, Invalid, Problem, Problems, YamlProblem, compose, is_empty, text
from storage import ProcessSpec, Room, encode_json

PROCESS_LIMIT: Final = 1_000

TOP: Final = ("processes", "layout", "panes")
"""What a room.yaml may have; layouts are read elsewhere. Keys that begin with `x-` hold what anchors refer to."""


@dataclass(frozen=True, slots=True)
class Declared:
    """One entry of `processes:`. `secrets` are the variables that are never stored, with their values."""

    name: str
    instances: int
    spec: ProcessSpec
    secrets: Mapping[str, str]
    line: int


@dataclass(frozen=True, slots=True)
class Declarations:
    """What a room.yaml declares, in its order."""

    processes: tuple[Declared, ...]


class BrokenDeclarations(InvalidData):
    """A room.yaml that cannot be understood. `problems` are all that is wrong with it, in order."""

    def __init__(self, problems: tuple[Problem, ...], name: str = FILE) -> None:
        first = problems[0]
        more = ""
        if len(problems) > 1:
            places = ", ".join(f"line {each.line}" for each in problems[1:6])
            rest = len(problems) - 1
            more = f" ({rest} more problem{'s' if rest > 1 else ''}: {places}{', …' if rest > 5 else ''})"
        super().__init__(
            f"{name}, line {first.line}, column {first.column}: {first.message}{more}",
            first.hint,
            problems=[
                {"line": each.line, "column": each.column, "message": each.message, "hint": each.hint}
                for each in problems
            ],
        )
        self.problems = problems


def read_declarations(content: str | bytes, root: Path | str | None = None) -> Declarations:
    """What a room.yaml declares.

    Args:
        root: the room's, where symbolic links out of it are to be found too.

    Raises:
        BrokenDeclarations: something is wrong with it; the first problem, with line and column, and all of them in
            `problems`.
    """
    try:
        return _read(content.encode() if isinstance(content, str) else content, str(root) if root is not None else None)
    except UnicodeEncodeError as error:
        raise BrokenDeclarations((Problem(1, 1, "It is no valid Unicode.", "Save it as UTF-8."),)) from error


def read_entry(entry: Mapping[str, Any], root: str, others: Mapping[str, ProcessSpec]) -> Declared:
    """One entry that did not come from room.yaml, among others that are there.

    Raises:
        BrokenDeclarations: it would be refused in room.yaml too; the places mean nothing.
    """
    problems = Problems()
    try:
        node = compose(encode_json({"processes": [entry]}).decode())  # every JSON text is YAML
        assert node is not None
        found = _declared(node, root, problems, others)
    except YamlProblem as error:
        raise BrokenDeclarations((error.problem,)) from error
    except Invalid as error:
        problems.note(error.node, error.message, error.hint)
    if problems.found:
        raise BrokenDeclarations(tuple(problems.found))
    return found[0]


_REMEMBERED: Final = 16
"""Approved contents whose secrets are kept in memory, so that a changed file does not keep what crashes from rising."""

_approved: dict[tuple[str, str], dict[str, Mapping[str, str]]] = {}
"""By root and hash: each process's secrets, as this process has read them while the content was the approved one."""


def approved_secrets(room: Room, declared_name: str) -> Mapping[str, str]:
    """The values of a declared process's secret variables, from the room.yaml that the person has approved.

    A file that has changed since can no longer tell them; what this process has read of the approved one before it
    changed still counts.

    Raises:
        NotApproved: the file is not what was approved, and was not read while it was.
        NotFound: the process is not declared in what was approved, or the file is not there any more.
        InvalidData: the file cannot be read.
    """
    key = room.root, room.trusted_hash or ""
    if key not in _approved:
        content = read_room_file(room)
        if content is None:
            raise NotFound(
                f"{room_file(room)} is not there, and {declared_name} has secret variables in it.", "Put it back."
            )
        if content_hash(content) != room.trusted_hash:
            raise NotApproved(
                f"{room_file(room)} has changed, and {declared_name} has secret variables in it.",
                "Look at it and approve it with `wzp room trust`.",
            )
        found = {each.name: each.secrets for each in read_declarations(content, room.root).processes}
        while len(_approved) >= _REMEMBERED:
            _approved.pop(next(iter(_approved)), None)
        _approved[key] = found
    secrets = _approved[key].get(declared_name)
    if secrets is None:
        raise NotFound(f"{room_file(room)} declares no {declared_name}.", "Start it under a name that is declared.")
    return secrets


@lru_cache(maxsize=8)  # who shows a content, approves it and starts from it reads it several times
def _read(content: bytes, root: str | None) -> Declarations:
    try:
        document = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, len(before) - (before.rfind(b"\n") + 1) + 1
        raise BrokenDeclarations((Problem(line, column, "It is no UTF-8.", "Save it as UTF-8."),)) from error
    if len(content) > SIZE_LIMIT:
        raise BrokenDeclarations((Problem(1, 1, f"It is larger than {SIZE_LIMIT:,} bytes.", "Write less into it."),))
    problems = Problems()
    try:
        node = compose(document)
        found = _declared(node, root, problems) if node is not None and not is_empty(node) else []
    except YamlProblem as error:
        raise BrokenDeclarations((error.problem,)) from error
    except (Invalid, RecursionError) as error:
        if isinstance(error, Invalid):
            problems.note(error.node, error.message, error.hint)
        else:
            problems.found.append(Problem(1, 1, "It is nested too deeply.", "Write it flatter."))
        found = []
    if problems.found:
        raise BrokenDeclarations(tuple(sorted(set(problems.found), key=lambda each: (each.line, each.column))))
    return Declarations(tuple(found))


def _declared(
    root_node: Node, root: str | None, problems: Problems, others: Mapping[str, ProcessSpec] | None = None
) -> list[Declared]:
    top = Entries(root_node, "room.yaml", TOP, problems)
    node = top.value("processes")
    if node is None or is_empty(node):
        return []
    if not isinstance(node, SequenceNode):
        raise Invalid(node, "`processes` is a list.", "Begin each process with `- name: NAME`.")
    if len(node.value) > PROCESS_LIMIT:
        raise Invalid(node, f"There are more than {PROCESS_LIMIT:,} processes.", "Use `instances`, or several rooms.")
    found: list[Declared] = []
    places: dict[str, Entries] = {}
    for each in node.value:
        try:
            entries = Entries(each, "process", KEYS, problems)
        except Invalid as error:
            problems.note(error.node, error.message, error.hint)
            continue
        declared = _process(entries, root, problems)
        if declared is None:
            continue
        if declared.name in places:
            line = places[declared.name].key("name").start_mark.line + 1
            problems.note(
                entries.value("name") or each, f"There is a process {declared.name!r} already, in line {line}.",
                "Give it another name; several of one kind are `instances: N`.",
            )  # fmt: skip
            continue
        places[declared.name] = entries
        found.append(declared)
    specs = {**(others or {}), **{each.name: each.spec for each in found}}
    for name, entries in places.items():
        check_dependencies(name, entries, specs, problems)
    check_cycles(specs, places, problems)
    return found


def _process(entries: Entries, root: str | None, problems: Problems) -> Declared | None:
    name_node = entries.value("name")
    if name_node is None or is_empty(name_node):
        problems.note(entries.key("name"), "A process has a name.", "Begin it with `- name: NAME`.")
        name = ""
    else:
        name = problems.take(lambda node: name_in(node, text(node)), name_node, "")
    env: Mapping[str, str] = entries.read("env", lambda node: environment(node, problems), {})
    public, secret = parted(env)
    fields: dict[str, Any] = spec_fields(entries, name, root, problems)
    spec = ProcessSpec(env=public, secret_env=tuple(sorted(secret)), **fields)
    instances = entries.read("instances", INSTANCES, 1)
    line = entries.node.start_mark.line + 1
    return Declared(name, instances, spec, secret, line) if name else None
