"""The endpoint, as prometheus_client's own parser reads it, and who is turned away."""

import http.client
import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from core.metrics.collector import Collector
from core.metrics.endpoint import Endpoint
from core.metrics.openmetrics import Exposition
from core.services.metrics import Exposure
from storage import Home
from tests.support.measured import note_running
from tests.support.users import User

NASTY = 'a "quoted" \\ back\\slash'


@pytest.fixture
def exposition(board: User) -> Iterator[Exposition]:
    """Some seconds of a board with a process of an unusual name, whose tasks are done one after the other."""
    sleeper = subprocess.Popen(["sleep", "300"], start_new_session=True)
    board.call("update_room", name=NASTY)
    board.room = NASTY
    note_running(board, "web", sleeper.pid)
    collector, exposition = Collector(board.database), Exposition()
    collector.begin()
    for second in range(3):
        card = board.add("Fix", status="todo")
        board.move(card, "in_progress")
        board.move(card, "done")
        exposition.take(collector.tick(1_800_000_000 + second))
    yield exposition
    collector._store.close()
    sleeper.kill()
    sleeper.wait()


@pytest.fixture
def endpoint(exposition: Exposition) -> Iterator[Endpoint]:
    endpoint = Endpoint(0, exposition.text)
    yield endpoint
    endpoint.close()


def _ask(port: int, path: str = "/metrics", *, method: str = "GET", host: str | None = None) -> tuple[int, str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.putrequest(method, path, skip_host=host is not None)
    if host is not None:
        connection.putheader("Host", host)
    connection.endheaders()
    answer = connection.getresponse()
    told = answer.status, answer.getheader("Content-Type", ""), answer.read().decode()
    connection.close()
    return told


def test_the_parser_of_prometheus_reads_all_of_it(endpoint: Endpoint) -> None:
    status, kind, text = _ask(endpoint.port)
    assert status == 200
    assert kind.startswith("application/openmetrics-text; version=1.0.0")
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert all(name.startswith("wezterm_parallel_") for name in families)
    assert all(family.documentation for family in families.values())
    done = families["wezterm_parallel_tasks_done"]
    assert (done.type, done.samples[0].value, done.samples[0].labels) == ("counter", 3, {"room": NASTY})
    cycle = {each.name: each.value for each in families["wezterm_parallel_task_cycle_seconds"].samples}
    assert cycle["wezterm_parallel_task_cycle_seconds_count"] == 3
    memory = families["wezterm_parallel_process_resident_memory_bytes"]
    assert (memory.unit, memory.samples[0].labels["process"]) == ("bytes", "web")
    assert memory.samples[0].value > 0
    columns = {each.labels["column"]: each.value for each in families["wezterm_parallel_tasks"].samples}
    assert columns["done"] == 3
    assert families["wezterm_parallel_memory_total_bytes"].samples[0].value > 1e6


def test_before_the_first_second_it_is_empty_and_well_formed() -> None:
    assert Exposition().text() == "# EOF\n"
    assert list(text_string_to_metric_families(Exposition().text())) == []


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"host": "evil.example"}, 403),
        ({"host": "127.0.0.1.evil.example:80"}, 403),
        ({"host": ""}, 403),
        ({"host": "localhost:9999"}, 200),
        ({"host": "127.0.0.1"}, 200),
        ({"path": "/"}, 404),
        ({"path": "/metrics/../etc"}, 404),
        ({"path": "/metrics?name=x"}, 200),
        ({"method": "POST"}, 501),
        ({"method": "HEAD"}, 200),
    ],
)
def test_only_loopback_names_may_ask_and_only_for_the_metrics(
    endpoint: Endpoint, asked: dict[str, Any], status: int
) -> None:
    assert _ask(endpoint.port, **asked)[0] == status


def test_it_listens_on_loopback_alone(endpoint: Endpoint) -> None:
    assert endpoint._server.server_address[0] == "127.0.0.1"


def test_the_settings_open_and_close_it_while_the_service_runs(
    board: User, home: Home, caplog: pytest.LogCaptureFixture, exposition: Exposition
) -> None:
    tick = exposition._tick
    assert tick is not None
    exposure = Exposure(home.config)
    exposure.take(tick)
    assert exposure._endpoint is None, "off by default"
    taken = Endpoint(0, lambda: "")
    _write(home.config, f"openmetrics_port: {taken.port}\n")
    with caplog.at_level(logging.WARNING):
        exposure.take(tick)
    assert "set openmetrics_port to another" in caplog.text
    port = taken.port
    taken.close()
    _write(home.config, "theme: nord\n")
    exposure.take(tick)
    _write(home.config, f"openmetrics_port: {port}\n")
    exposure.take(tick)
    assert _ask(port)[0] == 200
    home.config.unlink()
    exposure.take(tick)
    with pytest.raises(OSError, match="refused"):
        _ask(port)
    exposure.close()


def _write(config: Path, text: str) -> None:
    """As our own writer does it: another file in its place."""
    fresh = config.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(config)
