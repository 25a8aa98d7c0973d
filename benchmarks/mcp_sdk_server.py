"""The same tools on the official SDK, for comparison: its low-level server over our operations."""

import asyncio
import os

from figures import REPOSITORY  # noqa: F401  puts our packages on the path
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp_types import CallToolResult, ListToolsResult

from core.doors.mcp.caller import Caller
from core.doors.mcp.tools import Tools


async def main() -> None:
    tools = Tools(Caller(None, os.environ))

    async def list_tools(_context: object, _params: object) -> ListToolsResult:
        return ListToolsResult.model_validate({"tools": tools.definitions()})

    async def call_tool(_context: object, params: object) -> CallToolResult:
        return CallToolResult.model_validate(tools.call(params.name, params.arguments or {}))

    server: Server = Server("wezterm-parallel", on_list_tools=list_tools, on_call_tool=call_tool)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


if __name__ == "__main__":
    asyncio.run(main())
    os._exit(0)
