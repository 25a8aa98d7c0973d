"""What errors tell at each door: tools and arguments to agents, commands and options to people."""

import ast
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import takewhile
from pathlib import Path
from pkgutil import walk_packages

import click
import pytest

import core
import storage
from core.doors.cli.program import root
from core.doors.hints import ASK, COMMANDS, hint_for, message_for
from core.doors.mcp.wording import TOOLS
from core.operations import load
from storage import ParallelError
from tests.core.doors.conftest import Result

ROOT = Path(core.__file__).parent.parent
OPERATIONS = load()
TOOL_NAMES = {each.tool_name for each in OPERATIONS.values() if each.tool}


def _errors() -> set[str]:
    for package in (core, storage):
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    return {each.__name__ for each in _below(ParallelError)}


def _below(kind: type[ParallelError]) -> Iterator[type[ParallelError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _below(each)


def _modules() -> Iterator[tuple[Path, ast.Module]]:
    for package in (core, storage):
        for path in sorted(Path(package.__path__[0]).rglob("*.py")):
            yield path, ast.parse(path.read_text())


def _texts(written: ast.expr, module: ast.Module, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """Every text that an expression may give, with `x` for what is filled in."""
    match written:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in parts)
        case ast.IfExp(body=body, orelse=orelse):
            yield from _texts(body, module, seen)
            yield from _texts(orelse, module, seen)
        case ast.Dict(values=values):
            for each in values:
                yield from _texts(each, module, seen)
        case ast.Call(func=ast.Attribute(value=ast.Name() as owner)):
            yield from _texts(owner, module, seen)
        case ast.Name(id=name) if name not in seen:
            for statement in ast.walk(module):
                match statement:
                    case ast.Assign(targets=[ast.Name(id=found)], value=value) if found == name:
                        yield from _texts(value, module, seen | {name})
                    case ast.AnnAssign(target=ast.Name(id=found), value=ast.expr() as value) if found == name:
                        yield from _texts(value, module, seen | {name})


def _raised() -> Iterator[tuple[str, str, str]]:
    """Where an error is made or a warning given, whether it is a message, a hint or a warning, and the text."""
    errors = _errors()
    for path, module in _modules():
        for call in ast.walk(module):
            if not isinstance(call, ast.Call):
                continue
            name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
            place = f"{path.relative_to(ROOT)}:{call.lineno}"
            if name in errors:
                hints = [*call.args[1:2], *(each.value for each in call.keywords if each.arg == "hint")]
                yield from ((place, "message", text) for each in call.args[:1] for text in _texts(each, module))
                yield from ((place, "hint", text) for each in hints for text in _texts(each, module))
            elif name == "warn" and call.args:
                yield from ((place, "warning", text) for text in _texts(call.args[0], module))


RAISED = list(_raised())
HINTS = [pytest.param(text, id=place) for place, kind, text in RAISED if kind != "message"]
MESSAGES = [pytest.param(text, id=place) for place, kind, text in RAISED if kind == "message"]


def test_all_kinds_of_texts_are_found() -> None:
    found = {text for _, _, text in RAISED}
    assert "Restore it first with `wzp task restore`." in found, "a hint from a table"
    assert "Say what it waits for: --reason TEXT." in found
    assert "No agent x in room x (there are: x)." in found
    assert len(HINTS) > 120


@pytest.mark.parametrize("text", HINTS)
def test_an_agent_reads_no_command_and_no_option(text: str) -> None:
    shown = hint_for(TOOLS, text)
    assert "wzp " not in shown
    assert "--" not in shown
    assert bool(shown) == bool(text)


@pytest.mark.parametrize("text", HINTS)
def test_a_person_reads_no_tool_and_no_parameter(text: str) -> None:
    shown = hint_for(COMMANDS, text)
    parameters = {each.name for operation in OPERATIONS.values() for each in operation.parameters if "_" in each.name}
    assert not (TOOL_NAMES | parameters) & set(re.findall(r"\w+", shown))


@pytest.mark.parametrize("text", [text for _, kind, text in RAISED if kind == "warning"])
def test_a_warning_is_worded_for_people_who_read_it_untranslated(text: str) -> None:
    assert hint_for(COMMANDS, text) == text


@pytest.mark.parametrize("text", MESSAGES)
def test_a_message_reads_well_everywhere(text: str) -> None:
    assert "wzp " not in text
    assert not TOOL_NAMES & set(re.findall(r"\w+", message_for(COMMANDS, text)))


@pytest.mark.parametrize("text", [each for each in HINTS if "wzp" in str(each.values[0])])
def test_a_command_stands_in_backticks_and_exists(text: str) -> None:
    assert "wzp" not in re.sub(r"`wzp [^`]*`", "", text)
    for written in re.findall(r"`wzp ([^`]+)`", text):
        command: click.Command = root()
        for word in takewhile(lambda word: word.islower() and word.isalpha(), written.split()):
            if isinstance(command, click.Group):
                found = command.get_command(click.Context(command), word)
                assert found is not None, written
                command = found


@pytest.mark.parametrize(
    ("text", "agents", "people"),
    [
        ("See `wzp task list --all`.", "See `list_tasks`.", "See `wzp task list --all`."),
        ("See list_handoffs.", "See `list_handoffs`.", "See `wzp handoff list`."),
        ("Move it: move_task.", "Move it: `update_task_status`.", "Move it: `wzp task move`."),
        ("Give --to-agent NAME.", "Give `to_agent_id`.", "Give --to-agent NAME."),
        ("Wait, or `wzp undo`; it keeps.", "Wait; it keeps.", "Wait, or `wzp undo`; it keeps."),
        ("Use `wzp undo`, or look. Wait.", "Look. Wait.", "Use `wzp undo`, or look. Wait."),
        ("Add it: `wzp agent add 'a, or. B'`.", ASK, "Add it: `wzp agent add 'a, or. B'`."),
        ("Ask archive_task.", ASK, "Ask `wzp task archive`."),
        ("in_progress is full, with 'get_task'.",) * 3,
        ("See /tmp/get_task/x, get_task.py and x-get_task.",) * 3,
    ],
)
def test_a_hint_is_told_in_the_words_of_its_door(text: str, agents: str, people: str) -> None:
    assert (hint_for(TOOLS, text), hint_for(COMMANDS, text)) == (agents, people)


def test_a_message_keeps_what_a_door_does_not_have() -> None:
    text = "archive_task needs the role operator; another agent's get_task, \"get_task\" and 'get_task' do not."
    said = message_for(COMMANDS, text)
    assert said == text.replace("archive_task", "`wzp task archive`").replace("s get_task", "s `wzp task show`")
    assert message_for(TOOLS, text) == text.replace("s get_task", "s `get_task`")


def test_a_person_is_told_the_command_of_what_is_refused(
    wzp: Callable[..., Result], room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert wzp("handoff", "show", "hnd_x", "--json").error["hint"] == "See what there is with `wzp handoff list`."
    monkeypatch.setenv("WZP_AGENT", "claude")
    refused = wzp("agent", "add", "friend", "--json").error["message"]
    assert refused.startswith("`wzp agent add` needs the role ")
    assert "\nwzp: `wzp agent add` needs" in f"\n{wzp('agent', 'add', 'friend').err}"
