"""The link to a runner: what comes over the wire in one piece, and readers who come and go."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from core.processes.link import RunnerLink
from core.processes.wire import text_of
from storage import decode_json, encode_json
from tests.support.runners import PATIENCE_S

STATUS = {
    "state": "running", "pid": 1, "pid_started": 1, "boot_id": "b", "runner_pid": 2, "runner_started": 2,
    "started_at": 1, "ended_at": None, "exit_code": None, "exit_signal": None, "error": None, "token": 1,
    "last_output_at": None, "rows": 24, "columns": 80, "pane": None,
}  # fmt: skip


class Played:
    """A runner that the test plays: it hears what is asked, and says what it is told to, in one write."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[dict] = asyncio.Queue()
        self._writer: asyncio.StreamWriter | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.say({"status": STATUS})
        while line := await reader.readline():
            self.heard.put_nowait(decode_json(line))

    def say(self, *messages: dict) -> None:
        assert self._writer is not None
        self._writer.write(b"".join(encode_json(each) + b"\n" for each in messages))

    async def asked(self) -> dict:
        return await asyncio.wait_for(self.heard.get(), PATIENCE_S)


@pytest.fixture
async def played(tmp_path: Path):
    runner = Played()
    folder = tmp_path / "prc_a" / "run"
    folder.mkdir(parents=True)
    server = await asyncio.start_unix_server(runner.serve, folder / "socket")
    link = await RunnerLink.connect(folder)
    yield runner, link
    link.close()
    server.close()


def output(data: bytes) -> dict:
    return {"output": text_of(data), "end": 0}


async def test_who_is_cancelled_as_the_answer_comes_ends(played: tuple[Played, RunnerLink]):
    _, link = played
    asking = asyncio.create_task(link.refresh())
    await asyncio.sleep(0)
    (number,) = link._waiting
    link._take(encode_json({"id": number, "status": STATUS}))
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_output_that_comes_with_the_answer_is_neither_lost_nor_told_twice(played: tuple[Played, RunnerLink]):
    runner, link = played
    seen: list[bytes] = []

    async def follow() -> None:
        async with contextlib.aclosing(link.output(replay=True)) as chunks:
            async for chunk in chunks:
                seen.append(chunk)
                if chunk == b"last":
                    return

    following = asyncio.create_task(follow())
    asked = await runner.asked()
    runner.say(
        output(b"before: it is in the picture"),
        {"id": asked["id"], "screen": text_of(b"picture"), "rows": 24, "columns": 80, "end": 7},
        output(b"next"), output(b"last"),
    )  # fmt: skip
    await asyncio.wait_for(following, PATIENCE_S)
    assert seen == [b"picture", b"next", b"last"]


async def test_a_reader_that_goes_does_not_silence_one_that_is_just_coming(played: tuple[Played, RunnerLink]):
    runner, link = played
    first = link.output()
    getting = asyncio.create_task(anext(first))
    asked = await runner.asked()
    runner.say({"id": asked["id"], "end": 0}, output(b"one"))
    assert await asyncio.wait_for(getting, PATIENCE_S) == b"one"
    second = link.output(replay=True)
    coming = asyncio.create_task(anext(second))
    asked = await runner.asked()
    assert asked["screen"]
    await first.aclose()
    runner.say({"id": asked["id"], "screen": text_of(b"two"), "rows": 24, "columns": 80, "end": 0})
    assert await asyncio.wait_for(coming, PATIENCE_S) == b"two"
    assert runner.heard.empty(), "nobody is told to be silent while somebody reads"
    await second.aclose()
    assert (await runner.asked())["on"] is False


async def test_a_refused_reader_reads_nothing_and_leaves_nothing(played: tuple[Played, RunnerLink]):
    runner, link = played
    refused = asyncio.create_task(anext(link.output(replay=True)))
    asked = await runner.asked()
    runner.say({"id": asked["id"], "error": "invalid_data", "message": "No."}, output(b"stray"))
    with pytest.raises(Exception, match="No"):
        await asyncio.wait_for(refused, PATIENCE_S)
    assert not link.has_unread_output
