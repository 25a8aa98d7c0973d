"""The tools: every operation that declares one, called with what an agent gives, answered with what it can read."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from core.doors.hints import hint_for
from core.doors.mcp.arguments import KEY, REASON, VERSION, Arguments
from core.doors.mcp.connection import report
from core.doors.mcp.present import present, present_error
from core.doors.mcp.seen import Seen
from core.doors.mcp.wire import INVALID_PARAMS, RpcError
from core.doors.mcp.wording import TOOLS, is_tool
from core.errors import VersionConflict
from core.operation import Operation
from core.operations import load
from core.shapes import shape_error
from storage import ParallelError

if TYPE_CHECKING:
    from core.doors.mcp.caller import Caller

Wire = dict[str, Any]

WITH_TOOLS: Final = ("task", "placing", "claim", "handoff", "session")
"""The modules whose operations declare tools; the others are not imported, which a server would wait for."""


LISTED: Final = 200
"""The most of a list that an agent is shown unless it says how many it wants; thousands would fill its context."""
LIMIT: Final = "limit"
"""The argument that says so."""


class Tools:
    """The tools of one connection; it remembers which versions the agent has been shown."""

    def __init__(self, caller: "Caller") -> None:
        self.caller = caller
        self._tools = {each.tool_name: (each, Arguments(each)) for each in load(*WITH_TOOLS).values() if is_tool(each)}
        self._definitions: list[Wire] | None = None
        self._seen = Seen()

    def definitions(self) -> Sequence[Wire]:
        """The tools on the wire, in the order of the operations."""
        if self._definitions is None:
            self._definitions = [_definition(name, *known) for name, known in self._tools.items()]
        return self._definitions

    def call(self, name: str, given: Mapping[str, Any]) -> Wire:
        """Call a tool; what it gave, or what refused it.

        Raises:
            RpcError: there is no such tool.
        """
        if name not in self._tools:
            raise RpcError(INVALID_PARAMS, f"Unknown tool: {name[:80]}. There are: {', '.join(self._tools)}.")
        operation, arguments = self._tools[name]
        try:
            return result_of(self.ask(operation, arguments.read(given), arguments))
        except ParallelError as error:
            return result_of({"success": False, "error": self.explain(error)}, is_error=True)
        except Exception as error:
            report(error)
            refusal = {
                "code": "unexpected", "message": f"{name} failed unexpectedly: {type(error).__name__}.",
                "hint": "Nothing was announced as done. Look at the present state before you repeat it.",
            }  # fmt: skip
            return result_of({"success": False, "error": refusal}, is_error=True)

    def ask(
        self,
        operation: Operation,
        values: Mapping[str, Any],
        arguments: Arguments | None = None,
        part: Callable[[Any], Any] | None = None,
    ) -> Wire:
        """Call an operation with values as `Arguments.read` gives them; its result, or a part, as an agent reads it.

        Raises:
            ParallelError: as the operation declares.
        """
        own = {name: value for name, value in values.items() if name not in (REASON, KEY)}
        presumed: Wire = {}
        subject = arguments.presumes_version_of if arguments is not None else None
        if subject is not None and VERSION not in own:
            version = self._seen.version_of(str(own[subject]))
            presumed = {} if version is None else {VERSION: version}
        if part is None and own.get(LIMIT) is None:
            part = _first
        outcome = self.caller.call(
            operation, own, presumed=presumed, reason=values.get(REASON), idempotency_key=values.get(KEY), part=part
        )
        self._seen.follow(outcome.versions)
        wire = outcome.shaped
        not_shown = len(outcome.value) - len(wire) if isinstance(outcome.value, tuple) else 0
        self._seen.note(wire)
        shown: Wire = {"success": True, **present(wire, operation.returns)}
        if not_shown > 0:
            shown["not_shown"] = not_shown
        if outcome.warnings:
            shown["warnings"] = [hint_for(TOOLS, each) for each in outcome.warnings]
        return shown

    def explain(self, error: ParallelError) -> Wire:
        """An error as an agent reads it; the versions that it shows count as seen."""
        wire = self._shape(error)
        self._seen.note(wire.get("current"))
        return present_error(wire)

    def _shape(self, error: ParallelError) -> Wire:
        if isinstance(error, VersionConflict):
            try:
                with self.caller.database.read() as rows:
                    return shape_error(error, rows)
            except ParallelError:
                return shape_error(error)  # the names are a courtesy; the conflict is the message
        return shape_error(error)


def result_of(shown: Wire, *, is_error: bool = False) -> Wire:
    """A tool's result: the whole of it as text, and the whole of it structured, since clients show one or the other."""
    text = json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
    result: Wire = {"content": [{"type": "text", "text": text}], "structuredContent": shown}
    return {**result, "isError": True} if is_error else result


def _first(result: Any) -> Any:
    """As much of a list as is shown unasked; anything else whole."""
    return result[:LISTED] if isinstance(result, tuple) else result


def _definition(name: str, operation: Operation, arguments: Arguments) -> Wire:
    hints = {"destructiveHint": False} if operation.changes else {"readOnlyHint": True}
    return {
        "name": name, "description": operation.tool, "inputSchema": arguments.schema(), "annotations": hints,
    }  # fmt: skip
