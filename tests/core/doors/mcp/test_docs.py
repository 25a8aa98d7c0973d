"""The page about the server names all that it offers."""

import re
from pathlib import Path

from core.doors.mcp.prompts import Prompts
from core.doors.mcp.resources import Resources
from core.doors.mcp.revisions import HANDSHAKE, STATELESS
from core.doors.mcp.tools import Tools

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "mcp.md").read_text()


def test_each_tool_prompt_resource_and_revision_has_its_place():
    tools = Tools(None)
    names = [each["name"] for each in (*tools.definitions(), *Prompts(tools).definitions())]
    uris = [each["uri"] for each in Resources(tools).definitions()]
    uris += [each["uriTemplate"] for each in Resources(tools).templates()]
    for each in (*names, *uris):
        assert re.search(rf"`{re.escape(each)}`", PAGE), each
    for revision in (*HANDSHAKE, *STATELESS):
        assert revision in PAGE
