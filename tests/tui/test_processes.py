"""The process screen: what runs, live, and what the person does to it."""

import itertools
import os
from pathlib import Path
from typing import Any, cast

import pytest
from textual.pilot import Pilot

from core.operations import load
from storage import Desired, Process, ProcessId, ProcessState
from tests.support.app import app_of, caught_up, open_app, screen_text, shown, until
from tests.support.fleet import Fleet
from tests.support.users import User
from tui.dialogs import AskLine, Confirm, Pick, ProcessForm, QuitDialog, TrustDialog
from tui.palette import commands_of
from tui.processes.view import Order
from tui.screens.processes import ProcessesScreen
from tui.translation import set_language
from tui.widgets.process_table import ProcessTable

ROOM_YAML = """\
processes:
  - name: web
    command: npm run dev
    env: {API_TOKEN: hunter2}
  - name: check
    command: [python, "-m", "[b]検証[/b]"]
    autostart: false
"""


@pytest.fixture
def fleet(board: User) -> Fleet:
    return Fleet(board)


async def open_processes(pilot: Pilot[Any], *texts: str) -> ProcessesScreen:
    await pilot.press("5")
    await until(pilot, lambda: isinstance(pilot.app.screen, ProcessesScreen))
    await shown(pilot, *texts)
    assert isinstance(pilot.app.screen, ProcessesScreen)
    return pilot.app.screen


def names(pilot: Pilot[Any]) -> list[str]:
    """What the table lists, headings as they are."""
    screen = pilot.app.screen
    assert isinstance(screen, ProcessesScreen)
    processes = app_of(pilot).state.processes
    return [processes[ProcessId(each)].name if ProcessId(each) in processes else each for each in screen.ids]


def stored(board: User, name: str) -> Process:
    found: Process = next(each.process for each in board.call("list_processes") if each.process.name == name)
    return found


async def told(pilot: Pilot[Any], *texts: str) -> None:
    """Wait until the app has told all of these."""
    await until(
        pilot, lambda: all(any(text in f"{note.text} {note.hint}" for note in app_of(pilot).notes) for text in texts)
    )


async def dialog(pilot: Pilot[Any], kind: type) -> Any:
    await until(pilot, lambda: isinstance(pilot.app.screen, kind) and pilot.app.screen.focused is not None)
    return pilot.app.screen


async def test_an_empty_room_says_what_to_do(board: User) -> None:
    for size in ((80, 24), (200, 50)):
        async with open_app(board, size=size) as pilot:
            await open_processes(pilot, "Nothing runs for this room yet.", "processes:", "n  adds one without a file.")


async def test_rows_show_state_reason_and_pid_and_count_what_has_failed(board: User, fleet: Fleet) -> None:
    fleet.add("web", ProcessState.READY)
    fleet.add("tunnel", ProcessState.FAILED, fields={"reason": "exited with 1", "restarts": 6})
    fleet.add("検証サーバー")
    async with open_app(board, size=(140, 40)) as pilot:
        await open_processes(pilot, "× 1 failed", "● 1 ready", str(os.getpid()), "exited with 1", "↻6", "検証サーバー")
        assert names(pilot) == ["tunnel", "web", "検証サーバー"]
        for line in screen_text(pilot).splitlines():
            assert len(line) <= 140


async def test_what_is_observed_appears_by_itself_and_the_cursor_stays_on_its_process(
    board: User, fleet: Fleet
) -> None:  # fmt: skip
    web, db = fleet.add("web"), fleet.add("db")
    async with open_app(board, size=(120, 30)) as pilot:
        screen = await open_processes(pilot, "web", "db")
        await pilot.press("o")
        screen.select(web)
        assert names(pilot) == ["db", "web"]
        fleet.observe(web, state=ProcessState.FAILED, reason="exited with 3")
        await shown(pilot, "× 1 failed", "exited with 3")
        assert (names(pilot), screen.selected) == (["web", "db"], web)
        fleet.observe(db, removed=True)
        await until(pilot, lambda: names(pilot) == ["web"])


async def test_only_rows_that_read_otherwise_are_drawn_again(board: User, fleet: Fleet) -> None:
    ids = [fleet.add(f"process.{number}", up_s=100_000) for number in range(12)]
    async with open_app(board, size=(120, 50)) as pilot:
        screen = await open_processes(pilot, "process.11")
        await caught_up(pilot)
        table = screen.query_one(ProcessTable)
        lines: list[int] = []
        render = table.render_line
        table.render_line = lambda y: (lines.append(y), render(y))[1]  # type: ignore[method-assign,func-returns-value]
        fleet.observe(ids[3], reason="listens on port 3000", state=ProcessState.UNHEALTHY)
        await shown(pilot, "unhealthy")
        assert set(lines) == {3}


async def test_starting_shows_as_asked_until_it_is_observed(board: User, fleet: Fleet) -> None:
    web = fleet.add("web", ProcessState.STOPPED)
    async with open_app(board) as pilot:
        await open_processes(pilot, "stopped")
        await pilot.press("s")
        await shown(pilot, "start asked")
        asked = fleet.see(web)
        assert asked.desired is Desired.RUNNING
        fleet.observe(web, state=ProcessState.RUNNING, observed_generation=asked.generation)
        await until(pilot, lambda: "asked" not in screen_text(pilot))
        await pilot.press("r")
        await shown(pilot, "restart asked")
        await pilot.press("x")
        await shown(pilot, "stop asked")
        assert fleet.see(web).desired is Desired.STOPPED


async def test_how_they_are_looked_at_is_told_at_80_cells_too(board: User, fleet: Fleet) -> None:
    states = [each for each in ProcessState if each is not ProcessState.UNKNOWN]
    for state in states:
        fleet.add(str(state), state)
    async with open_app(board, size=(80, 24)) as pilot:
        await open_processes(pilot, "×1 ◆1 ◔1 ◐1 ◑1 ●2 ✓1 ○1")
        await pilot.press("asterisk", "O", "slash", *"sleep", "enter")
        await shown(
            pilot, f"{len(states)} selected", f"filter “sleep”: {len(states)}", "by name", "×1 ◆1 ◔1 ◐1 ◑1 ●2 ✓1 ○1"
        )
        await pilot.resize_terminal(200, 50)
        await shown(pilot, "× 1 failed", "● 1 running", "● 1 ready")


async def test_what_is_done_is_done_to_all_that_are_selected(board: User, fleet: Fleet) -> None:
    ids = {name: fleet.add(name) for name in ("a", "b", "c", "d")}
    async with open_app(board) as pilot:
        screen = await open_processes(pilot, "● 4 running")
        await pilot.press("space", "j", "V")
        await shown(pilot, "3 selected")
        await pilot.press("x")
        await until(pilot, lambda: fleet.see(ids["c"]).desired is Desired.STOPPED)
        assert [fleet.see(each).desired.value for each in ids.values()] == ["stopped", "stopped", "stopped", "running"]
        await pilot.press("escape")
        await until(pilot, lambda: not screen.marked)


async def test_killing_asks_first(board: User, fleet: Fleet) -> None:
    web = fleet.add("web")
    async with open_app(board) as pilot:
        await open_processes(pilot, "web")
        await pilot.press("K")
        await dialog(pilot, Confirm)
        await pilot.press("n")
        await until(pilot, lambda: not pilot.app.screen.is_modal)
        assert fleet.see(web).desired is Desired.RUNNING
        await pilot.press("K")
        await dialog(pilot, Confirm)
        await pilot.press("y")
        await shown(pilot, "kill asked")
        assert fleet.see(web).desired is Desired.KILLED


async def test_they_are_sorted_filtered_and_grouped(board: User, fleet: Fleet) -> None:
    fleet.add("web.10", labels=("front",))
    fleet.add("web.2", labels=("front",), fields={"restarts": 2})
    fleet.add("db", ProcessState.STOPPED, labels=("back",))
    fleet.add("misc")
    async with open_app(board, size=(120, 30)) as pilot:
        screen = await open_processes(pilot, "misc")
        assert names(pilot) == ["db", "misc", "web.2", "web.10"]
        await pilot.press("O")
        assert names(pilot) == ["web.10", "web.2", "misc", "db"]
        await pilot.press("O", "o", "o", "o", "o")
        assert names(pilot)[0] == "web.2"
        await pilot.press("o", "o", "z")
        assert names(pilot) == ["label:back", "db", "label:front", "web.2", "web.10", "label:", "misc"]
        await shown(pilot, "@front", "2 processes", "no label")
        await pilot.press("slash", *"@fro", "enter")
        await until(pilot, lambda: names(pilot) == ["label:front", "web.2", "web.10"])
        await pilot.press("home", "x")
        await until(pilot, lambda: stored(board, "web.10").desired is Desired.STOPPED)
        assert stored(board, "web.2").desired is Desired.STOPPED
        await pilot.press("escape")
        await until(pilot, lambda: len(screen.ids) == 7)


async def test_a_filter_that_hides_what_the_cursor_was_on_takes_it_to_the_first_that_fits(
    board: User, fleet: Fleet
) -> None:  # fmt: skip
    ids = {name: fleet.add(name) for name in ("a1", "a2", "b1", "b2")}
    fleet.observe(ids["b2"], state=ProcessState.FAILED, exit_code=3, ended_at=fleet.see(ids["b2"]).state_at)
    async with open_app(board, size=(120, 30)) as pilot:
        screen = await open_processes(pilot, "b2")
        screen.select(ids["a2"])
        await pilot.press("slash", "2")
        await until(pilot, lambda: names(pilot) == ["a2", "b2"])
        assert screen.selected == ids["a2"]
        *_, typed, _keys = screen_text(pilot).splitlines()
        assert typed.split() == ["/", "2", "2", "of", "4"]
        await pilot.press("backspace", "b")
        await until(pilot, lambda: names(pilot) == ["b1", "b2"])
        assert screen.selected == ids["b1"]
        await pilot.press("escape", "slash", "b", "2")
        await until(pilot, lambda: screen.selected == ids["b2"])
        await shown(pilot, "How it has ended", "exited with 3")
        await pilot.press("escape", "z", "slash", "a", "1")
        await until(pilot, lambda: names(pilot) == ["label:", "a1"])
        assert screen.selected == ids["a1"], "a key would mean the whole group"


async def test_where_the_cursor_comes_to_another_by_a_filter_its_details_are_read_from_their_head(
    board: User, fleet: Fleet
) -> None:  # fmt: skip
    for name in ("api", "web"):
        fleet.add(name, env={f"NAME_{number}": "x" for number in range(60)})
    async with open_app(board, size=(80, 24)) as pilot:
        screen = await open_processes(pilot, "api", "web")
        detail = screen.query_one("#detail")
        await pilot.press("enter", "G")
        await until(pilot, lambda: detail.scroll_offset.y > 0)
        await pilot.press("escape", "slash", *"web", "enter")
        await until(pilot, lambda: names(pilot) == ["web"])
        await until(pilot, lambda: detail.scroll_offset.y == 0)


async def test_the_heading_is_told_in_signs_where_its_words_would_touch_the_edge(board: User, fleet: Fleet) -> None:
    for name, state in (("a", ProcessState.FAILED), ("b", ProcessState.RUNNING), ("c", ProcessState.EXITED)):
        fleet.add(name, state)
    async with open_app(board, size=(80, 24)) as pilot:
        screen = await open_processes(pilot, "a", "b", "c")
        whole = screen.heading().cell_length
    for wider in range(3):
        async with open_app(board, size=(whole + wider, 24)) as pilot:
            screen = await open_processes(pilot, "a", "b", "c")
            assert screen.heading().cell_length <= screen.query_one("#heading").content_size.width


async def test_a_click_on_a_title_sorts_and_one_beside_the_sign_selects(board: User, fleet: Fleet) -> None:
    for name, restarts in (("a", 1), ("b", 5), ("c", 3)):
        fleet.add(name, fields={"restarts": restarts})
    async with open_app(board, size=(120, 30)) as pilot:
        screen = await open_processes(pilot, "a")
        titles = next(line for line in screen_text(pilot).splitlines() if "CPU %" in line)
        await pilot.click("#columns", offset=(titles.index("↻"), 0))
        await until(pilot, lambda: names(pilot) == ["b", "c", "a"])
        await pilot.click("#columns", offset=(titles.index("↻"), 0))
        await until(pilot, lambda: names(pilot) == ["a", "c", "b"])
        await pilot.click("#rows", offset=(0, 1))
        await until(pilot, lambda: [fleet.see(each).name for each in screen.marked] == ["c"])
        await pilot.click("#rows", offset=(20, 2))
        await until(pilot, lambda: screen.process is not None and screen.process.name == "b")


async def test_the_details_mask_secrets_and_draw_what_depends_on_what(board: User, fleet: Fleet) -> None:
    fleet.add("db", ProcessState.FAILED)
    web = fleet.add(
        "web", env={"PORT": "3000", "API_KEY": "hunter2"}, secret_env=("DB_PASSWORD",), depends_on={"db": "healthy"}
    )
    fleet.add("e2e", ProcessState.PENDING, depends_on={"web": "started"})
    fleet.observe(web, state=ProcessState.EXITED, exit_code=3, ended_at=fleet.see(web).state_at)
    async with open_app(board, size=(120, 60)) as pilot:
        screen = await open_processes(pilot, "web")
        screen.select(web)
        await pilot.press("enter")
        await shown(
            pilot, "PORT  3000", "API_KEY  ••••••", "DB_PASSWORD  ••••••", "depends on", "× db failed  healthy",
            "needed by", "◔ e2e pending  started", "How it has ended", "exited with 3", "command  sleep 1000",
        )  # fmt: skip
        assert "hunter2" not in screen_text(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: not screen.is_in_detail)


async def test_a_process_is_added_edited_scaled_and_removed(board: User) -> None:
    async with open_app(board, size=(120, 50)) as pilot:
        await open_processes(pilot, "Nothing runs")
        await pilot.press("n")
        await dialog(pilot, ProcessForm)
        await pilot.press(*"web", "tab", "tab", *"npm run dev", "ctrl+s")
        await told(pilot, "Added web.")
        await shown(pilot, "start asked")
        web = stored(board, "web")
        await until(pilot, lambda: cast("ProcessesScreen", pilot.app.screen).selected == web.id)
        assert (web.spec.command, web.is_declared) == (("npm", "run", "dev"), False)
        await caught_up(pilot)
        await pilot.press("e")
        form = await dialog(pilot, ProcessForm)
        form.query_one("#labels").value = "front"
        form.query_one("#ready_tcp").value = "127.0.0.1:3000"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: stored(board, "web").spec.labels == ("front",))
        edited = stored(board, "web").spec
        assert edited.readiness is not None
        assert (edited.readiness.tcp, edited.command) == ("127.0.0.1:3000", ("npm", "run", "dev"))
        await until(pilot, lambda: not pilot.app.screen.is_modal)
        await caught_up(pilot)
        await pilot.press("plus")
        await dialog(pilot, AskLine)
        await pilot.press("3", "enter")  # in the place of the 1, rather than thirteen
        await until(pilot, lambda: len(names(pilot)) == 3)
        await pilot.press("D")
        await dialog(pilot, Confirm)
        await pilot.press("y")
        await shown(pilot, "Nothing runs for this room yet.")


async def test_the_cursor_goes_to_what_was_added_whatever_is_filtered(board: User, fleet: Fleet) -> None:
    for name in ("a", "z"):
        fleet.add(name)
    async with open_app(board, size=(120, 50)) as pilot:
        screen = await open_processes(pilot, "● 2 running")
        await pilot.press("slash", "z", "enter", "n")
        form = await dialog(pilot, ProcessForm)
        form.query_one("#name").value = "m"
        form.query_one("#command").value = "sleep 1"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: screen.process is not None and screen.process.name == "m")
        assert names(pilot) == ["a", "m", "z"]


async def test_editing_and_scaling_mean_the_process_under_the_cursor_whatever_is_selected(
    board: User, fleet: Fleet
) -> None:  # fmt: skip
    for name in ("a", "b", "c"):
        fleet.add(name, declared=False)
    async with open_app(board, size=(120, 50)) as pilot:
        await open_processes(pilot, "● 3 running")
        await pilot.press("space", "space", "plus")
        assert await dialog(pilot, AskLine)
        await shown(pilot, "How many instances of c?")
        await pilot.press("escape")
        await until(pilot, lambda: not pilot.app.screen.is_modal)
        await pilot.press("e")
        await dialog(pilot, ProcessForm)
        await shown(pilot, "Edit c")


async def test_the_details_scroll_by_pages_and_nothing_of_the_hidden_list_is_selected(
    board: User, fleet: Fleet
) -> None:  # fmt: skip
    ids = [fleet.add(name, env={f"NAME_{number}": "x" for number in range(40)}) for name in ("a", "b")]
    async with open_app(board, size=(80, 24)) as pilot:
        screen = await open_processes(pilot, "● 2 running")
        await pilot.press("enter")
        await until(pilot, lambda: screen.is_in_detail)
        detail = screen.query_one("#detail")
        await pilot.press("pagedown")
        await until(pilot, lambda: detail.scroll_offset.y > 10)
        await pilot.press("G")
        await until(pilot, lambda: detail.scroll_offset.y == detail.max_scroll_y)
        await pilot.press("home", "space", "asterisk", "o", "slash")
        await until(pilot, lambda: detail.scroll_offset.y == 0)
        await caught_up(pilot)
        assert (screen.selected, screen.marked, screen.view.order) == (ids[0], set(), Order.NAME)


async def test_the_titles_stand_over_their_columns_after_the_window_was_resized_in_the_details(
    board: User, fleet: Fleet
) -> None:  # fmt: skip
    fleet.add("web")
    async with open_app(board, size=(80, 24)) as pilot:
        screen = await open_processes(pilot, "web")
        await pilot.press("enter")
        await until(pilot, lambda: screen.is_in_detail)
        await pilot.resize_terminal(160, 40)
        await until(pilot, lambda: screen.size.width == 160)
        await pilot.press("escape")
        await shown(pilot, "PID")
        titles, row = next(
            (one, two) for one, two in itertools.pairwise(screen_text(pilot).splitlines()) if "PID" in one
        )
        end = titles.index("PID") + 3
        assert row[:end].endswith(str(os.getpid()))


async def test_at_200_cells_every_column_is_there(board: User, fleet: Fleet) -> None:
    fleet.add("web")
    async with open_app(board, size=(200, 50)) as pilot:
        await open_processes(
            pilot, "State", "Process", "Room", "Agent", "Backend", "PID", "CPU %", "Memory", "Threads", "↻", "Up",
            "Task", "Why · last output", "demo",
        )  # fmt: skip


async def test_titles_are_whole_in_japanese(board: User, fleet: Fleet) -> None:
    fleet.add("web")
    board.database.home.config.write_text("language: ja\n")
    try:
        async with open_app(board, size=(200, 50)) as pilot:
            await open_processes(pilot, "エージェント", "バックエンド", "スレッド", "実行中")
    finally:
        set_language("en")


async def test_the_form_says_what_is_wrong_where_it_is(board: User) -> None:
    async with open_app(board, size=(100, 50)) as pilot:
        await open_processes(pilot, "Nothing runs")
        await pilot.press("n")
        form = await dialog(pilot, ProcessForm)
        form.query_one("#command").value = "echo 'open"
        form.query_one("#capacity").value = "many"
        await shown(pilot, "A number from 1 to 1,000.")
        await pilot.press("ctrl+s")
        await shown(pilot, "A process needs a name.", "A quotation mark is not closed.", "A number from 1 to 1,000.")
        await pilot.press("escape")
        await dialog(pilot, Confirm)
        await pilot.press("y")


async def test_what_room_yaml_declares_is_not_edited_here(board: User, fleet: Fleet) -> None:
    fleet.add("web")
    async with open_app(board) as pilot:
        await open_processes(pilot, "web")
        await pilot.press("e")
        await told(pilot, "web is declared in", "Edit it there")


async def test_what_room_yaml_declares_is_not_removed_here_and_nobody_is_asked_in_vain(
    board: User, fleet: Fleet
) -> None:  # fmt: skip
    web = fleet.add("web")
    Path(fleet.room.root, "room.yaml").write_text(ROOM_YAML)
    async with open_app(board) as pilot:
        await open_processes(pilot, "room.yaml is not approved")
        await pilot.press("D")
        await told(pilot, "web is declared in", "Take it out there")
        assert not pilot.app.screen.is_modal
        assert not fleet.see(web).removed


async def test_room_yaml_is_shown_whole_and_runs_only_after_approval(board: User, fleet: Fleet) -> None:
    file = f"{fleet.room.root}/room.yaml"
    with open(file, "w", encoding="utf-8") as out:
        out.write(ROOM_YAML)
    async with open_app(board, size=(100, 40)) as pilot:
        await open_processes(pilot, "room.yaml is not approved")
        await told(pilot, "waits for your approval")
        await pilot.press("T")
        await dialog(pilot, TrustDialog)
        await shown(pilot, "It declares 2 processes:", "npm run dev", "new", "[b]検証[/b]", "does not start by itself")
        assert not len(pilot.app._notifications), "a toast lies over the file"
        await pilot.press("enter")
        await until(pilot, lambda: not pilot.app.screen.is_modal)
        assert not board.call("list_processes")
        await pilot.press("T")
        await dialog(pilot, TrustDialog)
        await pilot.press("y")
        await until(pilot, lambda: names(pilot) == ["check", "web"])
        await until(pilot, lambda: "not approved" not in screen_text(pilot))
        assert stored(board, "web").desired is Desired.RUNNING
        assert stored(board, "check").desired is Desired.STOPPED
        with open(file, "w", encoding="utf-8") as out:
            out.write(ROOM_YAML.replace("npm run dev", "npm run preview"))
        await shown(pilot, "room.yaml has changed since you approved it")
        await pilot.press("T")
        await dialog(pilot, TrustDialog)
        await shown(pilot, "changed, starts anew", "as before")
        await pilot.press("n")
        await until(pilot, lambda: not pilot.app.screen.is_modal)
        with open(file, "a", encoding="utf-8") as out:
            out.write("  - name: broken\n    comand: x\n")
        await shown(pilot, "room.yaml has changed since you approved it")
        await pilot.press("T")
        await dialog(pilot, TrustDialog)
        await shown(pilot, "It cannot be understood", "line 9")
        await pilot.press("y", "n")
        await until(pilot, lambda: not pilot.app.screen.is_modal)


async def test_what_changes_while_the_person_reads_is_not_approved(board: User, fleet: Fleet) -> None:
    file = f"{fleet.room.root}/room.yaml"
    with open(file, "w", encoding="utf-8") as out:
        out.write(ROOM_YAML)
    async with open_app(board, size=(100, 40)) as pilot:
        await open_processes(pilot, "room.yaml is not approved")
        await pilot.press("T")
        await dialog(pilot, TrustDialog)
        with open(file, "a", encoding="utf-8") as out:
            out.write("  - {name: more, command: rm -rf everything}\n")
        await pilot.press("y")
        await told(pilot, "has changed since you have seen it")
        assert not board.call("list_processes")


async def test_the_board_counts_them_and_what_has_failed(board: User, fleet: Fleet) -> None:
    fleet.add("web")
    db = fleet.add("db", ProcessState.READY)
    async with open_app(board, size=(120, 30)) as pilot:
        await shown(pilot, "● 2 up")
        fleet.observe(db, state=ProcessState.FAILED, reason="exited with 1")
        await shown(pilot, "× 1 failed  ● 1 up")


async def test_quitting_asks_what_becomes_of_what_runs(board: User, fleet: Fleet) -> None:
    web, db = fleet.add("web"), fleet.add("db")
    async with open_app(board, size=(120, 30)) as pilot:
        await shown(pilot, "● 2 up")
        await pilot.press("q")
        await dialog(pilot, QuitDialog)
        await shown(pilot, "2 processes run: db, web")
        await pilot.press("escape")
        await until(pilot, lambda: not pilot.app.screen.is_modal)
        await pilot.press("q")
        await dialog(pilot, QuitDialog)
        await pilot.press("s")
        await shown(pilot, "0 of 2 have stopped; still there: db, web")
        await until(pilot, lambda: fleet.see(web).desired is Desired.STOPPED)
        fleet.observe(web, state=ProcessState.STOPPED, observed_generation=fleet.see(web).generation)
        await shown(pilot, "1 of 2 have stopped; still there: db")
        await pilot.press("K")
        await until(pilot, lambda: fleet.see(db).desired is Desired.KILLED)
        fleet.observe(db, state=ProcessState.STOPPED, observed_generation=fleet.see(db).generation)
        await until(pilot, lambda: pilot.app._exit)


async def test_leaving_them_running_is_one_key(board: User, fleet: Fleet) -> None:
    web = fleet.add("web")
    async with open_app(board) as pilot:
        await shown(pilot, "● 1 up")
        await pilot.press("q")
        await dialog(pilot, QuitDialog)
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app._exit)
    assert fleet.see(web).desired is Desired.RUNNING


async def test_without_a_host_what_nobody_has_recorded_is_unknown_rather_than_running(
    board: User, fleet: Fleet
) -> None:  # fmt: skip
    fleet.add("web")
    fleet.add("gone", fields={"pid_started": 1})
    async with open_app(board, size=(120, 30)) as pilot:
        await open_processes(pilot, "No host watches the processes", "? 1 unknown", "● 1 running", "is gone")


async def test_the_palette_asks_which_processes(board: User, fleet: Fleet) -> None:
    fleet.add("db")
    web = fleet.add("web")
    async with open_app(board, size=(120, 30)) as pilot:
        found = {each.title: each.run for each in commands_of(app_of(pilot), load()["stop_processes"], [])}
        found["Stop processes"]()
        await dialog(pilot, Pick)
        await pilot.press(*"web", "space", "enter")
        await until(pilot, lambda: fleet.see(web).desired is Desired.STOPPED)
