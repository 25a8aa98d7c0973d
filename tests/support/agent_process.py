"""An agent's program, as a room declares it: the official SDK's client on a `wzp mcp` of its own, which does at once
what the titles of its tasks say. A program, run as a process of kind `agent`."""

import asyncio
import os
import sys

from mcp import Client, StdioServerParameters


async def work() -> None:
    """Do what comes, until ended."""
    server = StdioServerParameters(command=sys.executable, args=[sys.argv[1], "mcp"], env=dict(os.environ))
    async with Client(server) as client:

        async def call(tool: str, **arguments: object) -> dict:
            answer = (await client.call_tool(tool, arguments)).structured_content
            print(tool, arguments, answer.get("error", "done"), flush=True)
            return answer

        await call("session_start")
        while True:
            for handoff in (await call("list_handoffs"))["handoffs"]:
                taken = await call("acknowledge_handoff", handoff=handoff["id"])
                await call("finish_task", task=taken["task"]["number"], finish="complete", summary="Done after all.")
            for task in (await call("list_tasks", assignee="me", status=["in_progress"]))["tasks"]:
                number, what = task["number"], task["title"].split()[0]
                if what in ("complete", "fail", "give_back"):
                    await call("finish_task", task=number, finish=what, summary=f"So I did: {what}.")
                elif what == "hand":
                    await call("create_handoff", task=number, summary="Half of it.", to_agent=task["title"].split()[-1])
                elif what == "die":
                    os.abort()
            await asyncio.sleep(0.2)


if __name__ == "__main__":
    asyncio.run(work())
