"""Every operation has its command, and every command is derived from the words of a declaration."""

import click
import pytest

from core.doors.cli import drawing, words
from core.doors.cli.commands import OperationCommand
from core.doors.cli.program import BY_HAND, DOOR, root
from core.operation import Operation
from core.operations import load, modules_under
from storage import Home

OPERATIONS = list(load().values())
OFFERED = [each for each in OPERATIONS if DOOR not in each.not_at]


def command_of(operation: Operation) -> click.Command | None:
    found: click.Command | None = root()
    context = click.Context(root())
    for word in operation.command.split():
        assert isinstance(found, click.Group)
        found = found.get_command(context, word)
    return found


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_each_operation_is_offered_or_says_why_not(operation: Operation):
    if DOOR in operation.not_at:
        assert operation.not_at[DOOR].strip(), "a reason is a sentence"
        return
    command = command_of(operation)
    assert isinstance(command, OperationCommand)
    assert command.operation is operation
    own = {parameter.name for parameter in operation.parameters}
    offered = {parameter.name for parameter in command.params}
    assert offered >= own | {"wants_json", "room"}
    assert ({"reason", "idempotency_key"} <= offered) is operation.changes


def test_the_commands_of_the_issue_are_there():
    task = "add show list edit move assign depend comment archive restore duplicate move-many edit-many archive-many"
    wanted = {f"task {verb}" for verb in task.split()}
    wanted |= {f"room {verb}" for verb in ("create", "list", "show", "edit")}
    wanted |= {f"agent {verb}" for verb in ("add", "list", "show", "edit")}
    wanted |= {"history", "board", "undo", "redo"}
    assert wanted <= {operation.command for operation in OPERATIONS}


@pytest.mark.parametrize("operation", OFFERED, ids=lambda each: each.name)
def test_a_group_is_found_without_importing_other_modules(operation: Operation):
    first = operation.command.split()[0]
    known = modules_under(first)
    assert operation.module in known or not known, "the group's modules alone are imported for it"


@pytest.mark.parametrize("operation", OFFERED, ids=lambda each: each.name)
def test_no_two_parameters_share_an_option(operation: Operation):
    command = OperationCommand(operation)
    options = [
        option for parameter in command.params if isinstance(parameter, click.Option) for option in parameter.opts
    ]
    assert len(options) == len(set(options))


@pytest.mark.parametrize("operation", OFFERED, ids=lambda each: each.name)
def test_each_result_has_a_drawing(operation: Operation):
    returns = operation.returns
    is_several = getattr(returns, "__origin__", None) is tuple
    name = (returns.__args__[0] if is_several else returns).__name__
    known = drawing.SENTENCES if operation.changes else drawing.LISTS if is_several else drawing.VIEWS
    assert name in known


def test_an_unknown_type_is_refused_when_the_command_is_made():
    with pytest.raises(TypeError, match="complex"):
        words.word_for(complex)


def test_help_names_every_command(wzp):
    shown = wzp("--help")
    assert shown.code == 0
    for operation in OFFERED:
        assert operation.command.split()[0] in shown.out
    for word in BY_HAND:
        assert word in shown.out


@pytest.mark.parametrize("operation", OFFERED, ids=lambda each: each.name)
def test_each_command_has_its_help(wzp, home: Home, operation: Operation):
    shown = wzp(*operation.command.split(), "--help")
    assert shown.code == 0
    assert "--json" in shown.out
    assert not home.database.exists(), "help asks no store"


def test_a_mistyped_command_is_answered_with_the_nearest(wzp):
    assert "'move'" in wzp("task", "mvoe").err
    assert "'task'" in wzp("tsak").err
