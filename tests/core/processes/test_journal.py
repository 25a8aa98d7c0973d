"""The journal: what cannot be stored does not keep the rest from being stored."""

import asyncio
from dataclasses import replace

import pytest

from core.agents.expiry import PROGRAM
from core.alerts.findings import Finding
from core.execute import Call, execute
from core.processes import journal as journal_module
from core.processes.journal import Journal
from storage import CorruptedData, Database, ProcessState, new_process_id
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


async def test_a_damaged_alert_does_not_silence_what_is_observed(
    database: Database, board: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = execute

    def damaged(database: Database, call: Call) -> object:
        if call.arguments["findings"]:
            raise CorruptedData("an alert holds nonsense", "Restore a backup.")
        return real(database, call)

    monkeypatch.setattr(journal_module, "execute", damaged)
    processes = Supervised(database)
    web = processes.get(processes.add("web"))
    journal = Journal(database, PROGRAM)
    keeping = asyncio.create_task(journal.keep())
    stored = asyncio.Event()
    journal.find(web.room_id, Finding(rule="process_failed", subject=web.id, is_over=True))
    journal.note(web.room_id, replace(web, state=ProcessState.STARTING))
    journal.afterwards(stored.set)
    await asyncio.wait_for(stored.wait(), 20)
    assert processes.get(web.id).state is ProcessState.STARTING
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    journal.close()
