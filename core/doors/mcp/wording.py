"""What an agent reads where a text of the core names a command or an option: its tools and their arguments."""

from functools import cache
from typing import Final

from core.doors.hints import Wording, hint_for, message_for, operation_of
from core.doors.mcp.arguments import REASON, offered_name
from core.operation import Operation
from core.operations import load
from storage import Door, ParallelError


def told(error: ParallelError) -> str:
    """An error in one text, for an answer that has no place for more."""
    return f"{message_for(TOOLS, error.message)} {hint_for(TOOLS, error.hint)}".strip()


def is_tool(operation: Operation) -> bool:
    """Whether agents are offered an operation."""
    return operation.tool is not None and Door.MCP not in operation.not_at


def _tool(operation: Operation | None) -> str | None:
    return f"`{operation.tool_name}`" if operation is not None and is_tool(operation) else None


def _argument(option: str) -> str | None:
    name = _arguments().get(option.partition(" ")[0].replace("-", "_"))
    return f"`{name}`" if name is not None else None


@cache
def _arguments() -> dict[str, str]:
    """What the tools call the operations' parameters."""
    offered = {
        parameter.name: offered_name(parameter)
        for each in load().values() if is_tool(each)
        for parameter in each.parameters if parameter.name not in each.hidden_from_tool
    }  # fmt: skip
    return offered | {REASON: REASON}


TOOLS: Final = Wording(command=lambda words: _tool(operation_of(words)), operation=_tool, option=_argument)
"""The words of the tools."""
