"""A thread of its own for a service that blocks: the pools of asyncio and Textual have but a few, and each call through
one wakes the event loop twice."""

import asyncio
import threading
from collections.abc import Callable


async def in_own_thread(name: str, act: Callable[[threading.Event], None]) -> None:
    """Run `act` in a thread until it returns, and raise what it raises.

    When cancelled, the event that `act` was given is set, and its end waited for.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    stopped = threading.Event()

    def end(error: BaseException | None) -> None:
        if not ended.done():
            ended.set_exception(error) if error is not None else ended.set_result(None)

    def run() -> None:
        failure: BaseException | None = None
        try:
            act(stopped)
        except BaseException as error:
            failure = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(end, failure)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        await asyncio.shield(ended)
    finally:
        stopped.set()
        await asyncio.to_thread(thread.join)
