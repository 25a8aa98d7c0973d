"""The journal: what cannot be stored does not keep the rest from being stored."""

import asyncio
from dataclasses import replace

from core.agents.expiry import PROGRAM
from core.processes.journal import Journal
from storage import Database, ProcessState, new_process_id
from tests.support.supervising import Supervised
from tests.support.users import User


async def test_a_record_that_is_refused_for_good_does_not_silence_the_others(database: Database, board: User) -> None:
    processes = Supervised(database)
    web, api = (processes.get(each) for each in processes.add_all([("web", ["true"]), ("api", ["true"])]))
    stranger = replace(web, id=new_process_id(), name="stranger")
    journal = Journal(database, PROGRAM)
    keeping = asyncio.create_task(journal.keep())
    stored = asyncio.Event()
    for each in (web, stranger, api):
        journal.note(each.room_id, replace(each, state=ProcessState.STARTING))
    journal.afterwards(stored.set)
    await asyncio.wait_for(stored.wait(), 20)
    assert [processes.get(each.id).state for each in (web, api)] == [ProcessState.STARTING] * 2
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    journal.close()
