"""What the conformance suite expects to find: its fixture tools, prompts and resources, in place of our board.

The names, texts and shapes are the suite's (SERVER_REQUIREMENTS.md of modelcontextprotocol/conformance). What it wants
of features that the dispatcher does not have (requests to the client, logging) is not here; see
tests/system/conformance.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from core.doors.mcp.offer import Exchange, Wire
from core.doors.mcp.wire import INVALID_PARAMS, RpcError
from tests.support import mcp_rounds

PIXEL: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
"""A PNG of one pixel."""
SILENCE: Final = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAAAAA=="
"""A WAV of one sample."""

STATIC_TEXT: Final = "test://static-text"
STATIC_BINARY: Final = "test://static-binary"
WATCHED: Final = "test://watched-resource"

_PAUSE_S: Final = 0.05


class Fixtures:
    """The suite's `Offer`."""

    def __init__(self) -> None:
        self.capabilities: Wire = {"tools": {}, "prompts": {}, "resources": {"subscribe": True}, "completions": {}}
        self.instructions = "Fixtures of the conformance suite."
        self.server_info: Wire = {"name": "wezterm-parallel-conformance", "version": "1.0.0"}
        self._watchers: list[Callable[[Sequence[str]], None]] = []
        self._lock = threading.Lock()

    def introduce(self, client: Mapping[str, Any]) -> None:
        """Nobody is remembered."""

    def tools(self) -> Sequence[Wire]:
        return [
            {"name": name, "description": f"Fixture {name}.", "inputSchema": {"type": "object", "properties": {}}}
            for name in _TOOLS
        ]

    def call_tool(self, name: str, arguments: Mapping[str, Any], exchange: Exchange) -> Wire:
        if name not in _TOOLS:
            raise RpcError(INVALID_PARAMS, f"Unknown tool: {name}")
        return _TOOLS[name](exchange)

    def prompts(self) -> Sequence[Wire]:
        return _PROMPTS

    def get_prompt(self, name: str, arguments: Mapping[str, Any], exchange: Exchange) -> Wire:
        match name:
            case "test_simple_prompt":
                return _prompt(_text("This is a simple prompt for testing."))
            case "test_prompt_with_arguments":
                said = f"Prompt with arguments: arg1='{arguments.get('arg1')}', arg2='{arguments.get('arg2')}'"
                return _prompt(_text(said))
            case "test_prompt_with_embedded_resource":
                embedded = _embedded(
                    str(arguments.get("resourceUri")), "text/plain", "Embedded resource content for testing."
                )
                return _prompt(embedded, _text("Please process the embedded resource above."))
            case mcp_rounds.PROMPT:
                return mcp_rounds.prompt(exchange)
            case "test_prompt_with_image":
                return _prompt(_image(), _text("Please analyze the image above."))
        raise RpcError(INVALID_PARAMS, f"Unknown prompt: {name}")

    def resources(self) -> Sequence[Wire]:
        return _RESOURCES

    def resource_templates(self) -> Sequence[Wire]:
        return [
            {
                "uriTemplate": "test://template/{id}/data", "name": "Resource Template", "mimeType": "application/json",
                "description": "A resource template with parameter substitution",
            }
        ]  # fmt: skip

    def read_resource(self, uri: str, exchange: Exchange) -> Wire:
        if uri.startswith("test://template/") and uri.endswith("/data"):
            number = uri.removeprefix("test://template/").removesuffix("/data")
            text = f'{{"id":"{number}","templateTest":true,"data":"Data for ID: {number}"}}'
            return {"contents": [{"uri": uri, "mimeType": "application/json", "text": text}]}
        match uri:
            case "test://static-text":
                text = "This is the content of the static text resource."
                return {"contents": [{"uri": uri, "mimeType": "text/plain", "text": text}]}
            case "test://static-binary":
                return {"contents": [{"uri": uri, "mimeType": "image/png", "blob": PIXEL}]}
            case "test://watched-resource":
                return {"contents": [{"uri": uri, "mimeType": "text/plain", "text": "Watched resource content"}]}
        raise RpcError(INVALID_PARAMS, f"Resource not found: {uri}", {"uri": uri})

    def complete(self, reference: Mapping[str, Any], argument: str, begun: str) -> Sequence[str]:
        return [word for word in ("paris", "party", "test", "testing") if word.startswith(begun)]

    def has_resource(self, uri: str) -> bool:
        return uri.startswith("test://")

    def watch(self, changed: Callable[[Sequence[str]], None]) -> Callable[[], None]:
        with self._lock:
            self._watchers.append(changed)
        return lambda: self._watchers.remove(changed)


def _text(text: str) -> Wire:
    return {"type": "text", "text": text}


def _image() -> Wire:
    return {"type": "image", "data": PIXEL, "mimeType": "image/png"}


def _embedded(uri: str, mime_type: str, text: str) -> Wire:
    return {"type": "resource", "resource": {"uri": uri, "mimeType": mime_type, "text": text}}


def _prompt(*contents: Wire) -> Wire:
    return {"messages": [{"role": "user", "content": content} for content in contents]}


def _giving(*contents: Wire) -> Callable[[Exchange], Wire]:
    return lambda _: {"content": list(contents)}


def _with_progress(exchange: Exchange) -> Wire:
    for done in (0, 50, 100):
        exchange.progress(done, 100)
        time.sleep(_PAUSE_S)
    return {"content": [_text("Tool with progress executed.")]}


def _failing(_: Exchange) -> Wire:
    return {"content": [_text("This tool intentionally returns an error for testing")], "isError": True}


_TOOLS: Final[Mapping[str, Callable[[Exchange], Wire]]] = {
    "test_simple_text": _giving(_text("This is a simple text response for testing.")),
    "test_image_content": _giving(_image()),
    "test_audio_content": _giving({"type": "audio", "data": SILENCE, "mimeType": "audio/wav"}),
    "test_embedded_resource": _giving(
        _embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")
    ),
    "test_multiple_content_types": _giving(
        _text("Multiple content types test:"),
        _image(),
        _embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
    ),
    "test_tool_with_progress": _with_progress,
    "test_error_handling": _failing,
    "test_logging_tool": _giving(_text("Nothing was logged to the client.")),
    **mcp_rounds.TOOLS,
}

_PROMPTS: Final[Sequence[Wire]] = (
    {"name": "test_simple_prompt", "description": "A prompt without arguments"},
    {
        "name": "test_prompt_with_arguments", "description": "A prompt with required arguments",
        "arguments": [
            {"name": "arg1", "description": "First test argument", "required": True},
            {"name": "arg2", "description": "Second test argument", "required": True},
        ],
    },
    {
        "name": "test_prompt_with_embedded_resource", "description": "A prompt with a resource in it",
        "arguments": [{"name": "resourceUri", "description": "URI of the resource to embed", "required": True}],
    },
    {"name": "test_prompt_with_image", "description": "A prompt with an image in it"},
    {"name": mcp_rounds.PROMPT, "description": "A prompt that asks for its context"},
)  # fmt: skip

_RESOURCES: Final[Sequence[Wire]] = (
    {
        "uri": STATIC_TEXT, "name": "Static Text Resource", "mimeType": "text/plain",
        "description": "A static text resource for testing",
    },
    {
        "uri": STATIC_BINARY, "name": "Static Binary Resource", "mimeType": "image/png",
        "description": "A static binary resource (image) for testing",
    },
    {
        "uri": WATCHED, "name": "Watched Resource", "mimeType": "text/plain",
        "description": "A resource that can be subscribed to",
    },
)  # fmt: skip
