"""What a connection can be given to offer: tools, prompts, resources. All values are as on MCP's wire."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from core.doors.mcp.wire import notification

Wire = dict[str, Any]
Send = Callable[[Wire], None]
"""Sends one message to the client; may be called from any thread."""


class Exchange:
    """One request that is being answered.

    `revision` is the one in which it is answered; `capabilities` are the client's, as far as it has named them;
    `params` the whole parameters, for what no argument below carries.
    """

    __slots__ = ("capabilities", "method", "params", "request_id", "revision", "send")

    def __init__(
        self,
        request_id: Any,
        method: str,
        params: Mapping[str, Any],
        *,
        revision: str,
        capabilities: Mapping[str, Any],
        send: Send,
    ) -> None:
        self.request_id = request_id
        self.method = method
        self.params = params
        self.revision = revision
        self.capabilities = capabilities
        self.send = send

    def notify(self, method: str, params: Wire) -> None:
        """Tell the client something that belongs to this request, before it is answered."""
        self.send(notification(method, params))

    def progress(self, done: float, total: float | None = None, message: str | None = None) -> None:
        """Tell the client how far the request has come, if it has asked for that."""
        meta = self.params.get("_meta")
        token = meta.get("progressToken") if isinstance(meta, Mapping) else None
        if token is not None:
            told: Wire = {"progressToken": token, "progress": done}
            told |= {} if total is None else {"total": total}
            self.notify("notifications/progress", told | ({} if message is None else {"message": message}))


class Offer(Protocol):
    """Tools, prompts and resources behind a connection.

    `server_info`, `capabilities` and `instructions` are answered to the first request and must cost nothing; all else
    may load what it needs. A method may raise `RpcError`; what else it raises becomes an internal error.
    """

    server_info: Wire
    capabilities: Wire
    instructions: str

    def introduce(self, client: Mapping[str, Any]) -> None:
        """Learn who the client is, in its own words: `name`, `version`."""

    def tools(self) -> Sequence[Wire]:
        """The tools, always in the same order."""

    def call_tool(self, name: str, arguments: Mapping[str, Any], exchange: Exchange) -> Wire:
        """Call a tool; the whole result. What the tool refuses is a result with `isError`.

        Raises:
            RpcError: there is no such tool.
        """

    def prompts(self) -> Sequence[Wire]:
        """The prompts."""

    def get_prompt(self, name: str, arguments: Mapping[str, Any], exchange: Exchange) -> Wire:
        """A prompt's messages."""

    def resources(self) -> Sequence[Wire]:
        """The resources that can be listed."""

    def resource_templates(self) -> Sequence[Wire]:
        """The templates of those that cannot."""

    def read_resource(self, uri: str, exchange: Exchange) -> Wire:
        """A resource's contents."""

    def has_resource(self, uri: str) -> bool:
        """Whether there is such a resource, whose changes `watch` would tell."""

    def complete(self, reference: Mapping[str, Any], argument: str, begun: str) -> Sequence[str]:
        """The values of a prompt's or template's argument that begin so, best first."""

    def watch(self, changed: Callable[[Sequence[str]], None]) -> Callable[[], None]:
        """Call `changed` with the URIs of resources, when some have changed, on any thread. Returns the way to stop."""
