"""The alerts' service on a real home: what begins and ends is recorded, once."""

import asyncio
from datetime import timedelta

import pytest
import time_machine

from core.alerts.service import AlertsService
from core.services import HostLease
from storage import Alert, Database, Home, utc_now
from tests.support.outputs import Printing, add_process
from tests.support.users import User


@pytest.fixture
def service(board: User) -> AlertsService:
    lease = HostLease(board.database)
    assert lease.try_take()
    return AlertsService(board.database, lease)


def alerts(user: User) -> dict[tuple[str, str], Alert]:
    return {(each.rule, each.subject): each for each in user.call("list_alerts")}


def look(service: AlertsService) -> None:
    service._judge_at = 0.0
    service._backups_at = 0.0
    service.look()


def last_sequence(database: Database) -> int:
    with database.read() as rows:
        return rows.last_sequence()


def test_what_lasts_is_one_alert_without_more_events(board: User, service: AlertsService, home: Home):
    home.config.write_text("alerts: {disk_full: {percent: 1, free_mb: 1000000}}\n")
    look(service)
    key = ("disk_full", str(home.path))
    assert key in alerts(board)
    before = last_sequence(board.database)
    for _ in range(5):
        look(service)
    with time_machine.travel(utc_now() + timedelta(minutes=2), tick=True):
        look(service)
    assert last_sequence(board.database) == before
    assert alerts(board)[key].seen_count == 2
    home.config.write_text("alerts: {disk_full: off}\n")
    look(service)
    assert alerts(board) == {}


def test_what_was_resolved_by_hand_stays_so_while_it_lasts(board: User, service: AlertsService, home: Home):
    home.config.write_text("alerts: {disk_full: {percent: 1, free_mb: 1000000}}\n")
    look(service)
    board.call("resolve_alerts", all=True)
    look(service)
    assert alerts(board) == {}


async def test_a_new_host_does_not_raise_again_what_was_resolved_by_hand(
    board: User, service: AlertsService, home: Home
):
    home.config.write_text("alerts: {disk_full: {percent: 1, free_mb: 1000000}}\n")
    look(service)
    board.call("resolve_alerts", all=True)
    look(service)
    await host_for_a_while(service)
    look(service)
    assert ("disk_full", str(home.path)) not in alerts(board)
    home.config.write_text("alerts: {disk_full: {percent: 100}}\n")
    look(service)
    home.config.write_text("alerts: {disk_full: {percent: 1, free_mb: 1000000}}\n")
    await host_for_a_while(service)
    look(service)
    assert ("disk_full", str(home.path)) in alerts(board), "it was over meanwhile"


async def host_for_a_while(service: AlertsService) -> None:
    """Begin as a new host does, with what it finds on the disk."""
    running = asyncio.create_task(service.run())
    await asyncio.sleep(0.1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def test_a_line_that_alert_on_names_raises_an_alert_once(board: User, service: AlertsService, database: Database):
    process = add_process(board, "web")
    with database.write("test") as writer:
        writer._engine.execute_sql(
            "UPDATE process SET spec = json_set(spec, '$.log.alert_on', json('[\"out of memory$\"]')) WHERE id = ?",
            (process.id,),
        )
    look(service)
    output = Printing(board, process)
    output.say("all is well", "\x1b[31mworker 3: out of memory\x1b[0m", "and on")
    look(service)
    alert = alerts(board)["log_pattern", process.id]
    assert alert.message.endswith("worker 3: out of memory")
    assert "wzp logs web" in alert.hint
    look(service)
    assert alerts(board)["log_pattern", process.id].seen_count == 1

    again = AlertsService(database, service._lease)  # another host
    assert service._watch is not None
    service._watch.save(now=True)
    look(again)
    assert alerts(board)["log_pattern", process.id].seen_count == 1
    before = last_sequence(database)
    output.say("worker 4: out of memory")
    look(again)
    assert alerts(board)["log_pattern", process.id].seen_count == 2
    assert last_sequence(database) == before


def test_alerts_of_a_process_end_with_it(board: User, service: AlertsService):
    process = add_process(board, "web")
    look(service)
    Printing(board, process).say(*["ValueError: no"] * 60)
    look(service)
    assert ("error_burst", process.id) in alerts(board)
    board.call("remove_process", process="web")
    look(service)
    assert alerts(board) == {}


def test_what_is_wrong_in_the_settings_is_said_in_the_log_once(
    service: AlertsService, home: Home, caplog: pytest.LogCaptureFixture
):
    def said() -> list[str]:
        told = [each.getMessage() for each in caplog.records if each.name == "core.alerts.service"]
        caplog.clear()
        return told

    home.config.write_text("openmetrics_port: 70000\nalerts:\n  cpu_high: {percent: 900}\n")
    look(service)
    port, percent = said()
    assert port.startswith("config.yaml, line 1, column 1: openmetrics_port")
    assert percent.startswith("config.yaml, line 3, column 14: cpu_high: percent: 900 is out of range")
    look(service)
    assert said() == []
    home.config.write_text("alerts: [\n")
    look(service)
    assert "config.yaml" in said()[0]
    home.config.write_text("alerts: {}\n")
    look(service)
    assert said() == []


async def test_the_service_runs_and_ends_when_told(board: User, service: AlertsService, home: Home):
    import asyncio
    from contextlib import suppress

    home.config.write_text("alerts: {disk_full: {percent: 1, free_mb: 1000000}}\n")
    running = asyncio.create_task(service.run())
    async with asyncio.timeout(30):
        while not await asyncio.to_thread(alerts, board):
            await asyncio.sleep(0.01)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
