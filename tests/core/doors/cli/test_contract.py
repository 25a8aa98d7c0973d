"""The contract that scripts rely on: shapes, exit codes, how things are named, where the room comes from."""

import re
from pathlib import Path

import pytest

from core.doors.cli import context, guard
from storage import Home, Room
from tests.support.users import User

TASK_KEYS = {"id", "number", "title", "status", "priority", "position", "version", "created_at", "updated_at"}


def test_add_show_and_move_each_print_one_task(wzp, room):
    added = wzp("task", "add", "Fix login", "--json").json
    shown = wzp("task", "show", "1", "--json").json
    moved = wzp("task", "move", "1", "todo", "--if-version", "1", "--json").json
    for task in (added, shown, moved):
        assert task.keys() >= TASK_KEYS
        assert (task["id"], task["number"], task["title"]) == (added["id"], 1, "Fix login")
    assert (added["status"], moved["status"], moved["version"]) == ("backlog", "todo", 2)


def test_list_prints_an_array_with_positions_from_zero(wzp, room):
    assert wzp("task", "list", "--json").json == []
    for title in ("one", "two", "three"):
        wzp("task", "add", title)
    wzp("task", "move", "3", "backlog", "--before", "1")
    listed = wzp("task", "list", "--json").json
    assert [(task["title"], task["position"]) for task in listed] == [("three", 0), ("one", 1), ("two", 2)]


def test_a_task_is_named_by_number_hash_number_id_or_unique_suffix(wzp, room):
    task = wzp("task", "add", "Fix login", "--json").json
    for name in ("1", "#1", task["id"], task["id"][-12:]):
        assert wzp("task", "show", name, "--json").json["id"] == task["id"]


def test_room_and_json_stand_before_or_after_the_command(wzp, room, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert wzp("--room", "demo", "--json", "task", "list").json == []
    assert wzp("task", "--room", "demo", "list", "--json").json == []
    assert wzp("task", "list", "--room", "demo", "--json").json == []


def test_without_a_room_it_exits_3_and_tells_the_command_that_makes_one(wzp, project):
    result = wzp("task", "list", "--json")
    assert result.code == 3
    assert result.error["code"] == "not_found"
    assert "wzp room create" in result.error["hint"]
    assert str(project) in result.error["hint"]


def test_the_environment_names_the_home(wzp, room, tmp_path, monkeypatch):
    monkeypatch.setenv("WEZTERM_PARALLEL_HOME", str(tmp_path / "another"))
    assert wzp("room", "list", "--json").json == []
    assert (tmp_path / "another" / "state.db").exists()


@pytest.mark.parametrize(
    ("words", "exit_code", "code"),
    [
        (("task", "move", "1", "nowhere"), 2, "invalid_data"),
        (("task", "add", ""), 2, "invalid_data"),
        (("task", "add"), 2, "usage"),
        (("task", "list", "--bogus"), 2, "usage"),
        (("tusk",), 2, "usage"),
        (("task",), 2, "usage"),
        (("task", "show", "99"), 3, "not_found"),
        (("--room", "nowhere", "task", "list"), 3, "not_found"),
        (("task", "assign", "1", "stranger"), 3, "not_found"),
        (("task", "move", "1", "todo", "--if-version", "7"), 4, "version_conflict"),
        (("task", "move", "1", "review"), 5, "invalid_transition"),
        (("undo", "chg_nothing"), 3, "not_found"),
        (("redo",), 5, "undo_refused"),
    ],
)
def test_each_kind_of_error_has_its_exit_code_and_is_one_object_on_stderr(wzp, room, words, exit_code, code):
    wzp("task", "add", "Fix login")
    result = wzp(*words, "--json")
    assert (result.code, result.out) == (exit_code, "")
    assert result.error["code"] == code
    assert result.error.keys() >= {"code", "message", "hint"}
    assert all(result.error[name] for name in ("message", "hint"))
    for_people = wzp(*words)
    assert (for_people.code, for_people.out) == (exit_code, "")
    assert "Traceback" not in for_people.err


def test_open_dependencies_and_circles_exit_5(wzp, room):
    wzp("task", "add", "first")
    wzp("task", "add", "second", "--dependency", "1")
    assert wzp("task", "move", "2", "done", "--json").error["code"] == "open_dependencies"
    circle = wzp("task", "depend", "1", "2", "--json")
    assert (circle.code, circle.error["code"]) == (5, "dependency_cycle")
    assert wzp("task", "move", "2", "done", "--despite-dependencies").code == 0


def test_a_conflict_carries_the_present_row_and_the_changes_since(wzp, room):
    wzp("task", "add", "Fix login")
    wzp("task", "move", "1", "todo", "--reason", "it is urgent")
    error = wzp("task", "move", "1", "done", "--if-version", "1", "--json").error
    assert error["current"].keys() >= TASK_KEYS
    assert (error["current"]["status"], error["current"]["version"]) == ("todo", 2)
    (change,) = error["changes"]
    assert (change["version"], change["reason"], change["before"]["status"]) == (2, "it is urgent", "backlog")
    assert change["agent_name"]


def test_an_agent_may_not_do_what_its_role_forbids(wzp, room, monkeypatch):
    monkeypatch.setenv("CLAUDECODE", "1")
    result = wzp("room", "edit", "--name", "mine", "--json")
    assert (result.code, result.error["code"]) == (6, "permission_denied")
    assert wzp("task", "add", "mine to do").code == 0
    assert wzp("history", "--limit", "1", "--json").json[0]["agent_name"] == "claude"


def test_a_damaged_store_exits_7(wzp, home: Home):
    home.create()
    home.database.write_bytes(b"this is no database" * 1000)
    result = wzp("task", "list", "--json")
    assert (result.code, result.error["code"]) == (7, "corrupted_data")
    assert home.database.read_bytes() == b"this is no database" * 1000


def test_what_is_unexpected_exits_1_with_one_line_and_its_traceback_in_the_log(wzp, room, home, monkeypatch):
    def fail(_self: object) -> Room:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(context.Run, "find_room", fail)
    result = wzp("task", "list")
    assert (result.code, result.out) == (1, "")
    assert "ZeroDivisionError: a defect" in result.err
    assert "Traceback" not in result.err
    log = home.logs / "wzp.log"
    assert str(log) in result.err
    assert "in find_room" in log.read_text() or "in fail" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0
    assert wzp("task", "list", "--json").error["code"] == "unexpected"


def test_without_a_terminal_the_board_does_not_open_and_it_exits_2(wzp, room):
    for words in ((), ("open",), ("--room", "demo")):
        result = wzp(*words)
        assert (result.code, result.out) == (2, "")
        assert "terminal" in result.err


def test_many_tasks_stand_before_the_column(wzp, room):
    for title in ("one", "two", "three"):
        wzp("task", "add", title)
    moved = wzp("task", "move-many", "1", "2", "3", "todo", "--json").json
    assert [task["status"] for task in moved] == ["todo"] * 3
    wzp("undo")
    assert {task["status"] for task in wzp("task", "list", "--json").json} == {"backlog"}
    wzp("redo")
    assert {task["status"] for task in wzp("task", "list", "--json").json} == {"todo"}


def test_several_versions_are_compared_one_a_task(wzp, room):
    wzp("task", "add", "one")
    wzp("task", "add", "two")
    assert wzp("task", "archive-many", "1", "2", "--if-version", "1,2").code == 4
    assert wzp("task", "archive-many", "1", "2", "--if-version", "1", "--if-version", "1").code == 0


def test_an_omitted_option_leaves_a_field_and_none_clears_it(wzp, room):
    fields = ("--due", "2030-01-02", "--label", "a", "--label", "b,c", "--estimate", "30", "--assignee", "me")
    wzp("task", "add", "Fix", *fields)
    kept = wzp("task", "edit", "1", "--title", "Fix it", "--json").json
    assert (kept["due"], kept["labels"], kept["estimate_minutes"]) == ("2030-01-02", ["a", "b", "c"], 30)
    assert kept["assignee_name"]
    cleared = ("--due", "none", "--label", "none", "--estimate-minutes", "", "--assignee", "nobody")
    task = wzp("task", "edit", "1", *cleared, "--json").json
    assert (task["due"], task["labels"], task["estimate_minutes"], task["assignee"]) == (None, [], None, None)


def test_a_filter_by_assignee_knows_me_and_nobody(wzp, room):
    assert wzp("task", "list", "--assignee", "me", "--json").json == []
    wzp("task", "add", "mine", "--assignee", "me")
    wzp("task", "add", "free")
    assert [task["title"] for task in wzp("task", "list", "--assignee", "me", "--json").json] == ["mine"]
    assert [task["title"] for task in wzp("task", "list", "--assignee", "nobody", "--json").json] == ["free"]


def test_wip_limits_are_given_as_column_and_number(wzp, room):
    edited = wzp("room", "edit", "--wip", "todo=1,done=2", "--wip", "in_progress=3", "--json").json
    assert edited["wip_limits"] == {"todo": 1, "in_progress": 3, "done": 2}
    wzp("task", "add", "one", "--status", "todo")
    warned = wzp("task", "add", "two", "--status", "todo")
    assert warned.code == 0
    assert "limit is 1" in warned.err
    assert wzp("task", "add", "three", "--status", "todo", "--json").err == ""


def test_a_key_makes_a_repeated_call_give_the_first_result(wzp, room):
    first = wzp("task", "add", "once", "--key", "k", "--json").json
    assert wzp("task", "add", "once", "--key", "k", "--json").json == first
    assert "once" in wzp("task", "add", "once", "--key", "k").out
    assert wzp("task", "add", "other", "--key", "k").code == 2
    assert len(wzp("task", "list", "--json").json) == 1


def test_each_line_of_stdin_makes_a_task(wzp, room):
    result = wzp("task", "add", "-", "--label", "x", "--json", stdin="one\n\n  \ntwo\r\n日本\n")
    assert result.out.count("\n") == 3
    listed = wzp("task", "list", "--json").json
    assert [(task["title"], task["labels"]) for task in listed] == [("one", ["x"]), ("two", ["x"]), ("日本", ["x"])]


def test_a_keyed_list_of_lines_is_added_once(wzp, room):
    for _ in range(2):
        assert wzp("task", "add", "-", "--key", "k", stdin="one\ntwo\n").code == 0
    assert [task["title"] for task in wzp("task", "list", "--json").json] == ["one", "two"]


def test_a_comment_and_a_description_come_from_stdin(wzp, room):
    wzp("task", "add", "Fix", "--description", "-", stdin="# Why\n\nIt is broken.\n")
    wzp("task", "comment", "1", stdin="piped\n")
    wzp("task", "comment", "1", "-", stdin="dashed")
    shown = wzp("task", "show", "1", "--json").json
    assert shown["description"] == "# Why\n\nIt is broken."
    assert [comment["body"] for comment in shown["comments"]] == ["piped", "dashed"]
    assert wzp("task", "comment", "1", stdin="").code == 2


def test_tasks_come_from_stdin(wzp, room):
    for title in ("one", "two"):
        wzp("task", "add", title)
    assert wzp("task", "archive-many", "-", stdin="#1\n2\n").code == 0
    assert wzp("task", "list", "--json").json == []


@pytest.mark.usefixtures("room")
def test_a_part_tells_what_it_is_a_part_of_and_how_its_command_runs(wzp):
    wzp("task", "add", "Whole")
    wzp("task", "add", "Part", "--command", "make")
    wzp("task", "edit", "2", "--parent", "1", "--attempts", "3", "--idempotent", "on")
    shown = wzp("task", "show", "2").out
    assert re.search(r"part of +#1\n", shown)
    assert re.search(r"runs +3 attempts, again if its worker is lost\n", shown)


@pytest.mark.parametrize("words", [("task", "list", "--text", "\udcff"), ("task", "show", "\udcff\udcff\udcff\udcff")])
def test_what_is_no_unicode_is_invalid_data(wzp, room, words):
    result = wzp(*words, "--json")
    assert (result.code, result.error["code"]) == (2, "invalid_data")


def test_bytes_on_stdin_that_are_no_unicode_are_invalid_data(wzp, room):
    wzp("task", "add", "Fix")
    result = wzp("task", "comment", "1", "--json", stdin=b"\xff\xfe")
    assert (result.code, result.error["code"]) == (2, "invalid_data")


def test_the_cli_shows_what_another_door_has_written(wzp, board: User, project: Path):
    board.add("from the app")
    assert [task["title"] for task in wzp("task", "list", "--json").json] == ["from the app"]


def test_what_reads_no_store_speaks_json_as_well(wzp):
    assert wzp("--version", "--json").json.keys() == {"version"}
    assert "_WZP_COMPLETE" in wzp("completion", "fish", "--json").json["script"]


def test_a_removed_reader_ends_it_silently(wzp, room, monkeypatch):
    def gone(*_: object, **__: object) -> None:
        raise BrokenPipeError

    silenced = []
    monkeypatch.setattr(context, "_write", gone)
    monkeypatch.setattr(guard, "_silence_stdout", lambda: silenced.append(True))
    result = wzp("task", "add", "Fix")
    assert (result.code, result.err, silenced) == (guard.BROKEN_PIPE, "", [True])


def test_an_interrupt_exits_130(wzp, room, monkeypatch):
    def interrupted(_self: object) -> Room:
        raise KeyboardInterrupt

    monkeypatch.setattr(context.Run, "find_room", interrupted)
    result = wzp("task", "list")
    assert (result.code, result.err) == (130, "")


@pytest.mark.parametrize(
    "words",
    [
        ("task", "move", "1", "todo", "--if-version", ""),
        ("task", "edit", "1", "--title", "mine", "--if-version", "none"),
        ("task", "list", "--limit", ""),
    ],
)
def test_an_empty_number_is_refused_rather_than_taken_for_none_given(wzp, room, words):
    wzp("task", "add", "Fix")
    before = wzp("history", "--json").json
    result = wzp(*words, "--json")
    assert (result.code, result.error["code"]) == (2, "invalid_data")
    assert wzp("history", "--json").json == before


def test_an_empty_change_is_not_the_last_one(wzp, room):
    wzp("task", "add", "Fix")
    assert wzp("undo", "", "--json").code == 3
    assert [task["title"] for task in wzp("task", "list", "--json").json] == ["Fix"]


def test_a_directory_that_is_gone_is_told(wzp, room, tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    for words in (("task", "list"), ("room", "create", "another")):
        result = wzp(*words, "--json")
        assert (result.code, result.error["code"]) == (3, "not_found")
    assert wzp("--room", room, "task", "list", "--json").json == []
    monkeypatch.setenv("WEZTERM_PARALLEL_HOME", "relative")
    assert wzp("room", "list", "--json").code == 7


def test_a_time_out_of_range_is_invalid(wzp, room):
    result = wzp("board", "--at", "0001-01-01T00:00:00+14:00", "--json")
    assert (result.code, result.error["code"]) == (2, "invalid_data")


@pytest.mark.parametrize("name", ["me", "Nobody", "none"])
def test_an_agent_cannot_call_itself_by_a_word_of_ours(wzp, room, name, monkeypatch):
    monkeypatch.setenv("WZP_AGENT", name)
    assert wzp("task", "add", "Fix", "--json").error["code"] == "invalid_data"


def test_an_unknown_id_is_not_taken_for_the_name_of_a_new_agent(wzp, room, monkeypatch):
    monkeypatch.setenv("WZP_AGENT", "agt_unknown")
    assert wzp("task", "add", "Fix", "--json").error["code"] == "not_found"


def test_a_description_of_an_agent_is_taken_away_by_an_empty_one(wzp, room):
    wzp("agent", "add", "claude", "--description", "writes code")
    assert wzp("agent", "edit", "claude", "--description", "", "--json").json["description"] == ""


def test_wzp_room_names_the_room_and_the_option_stands_before_it(wzp, room, tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.mkdir()
    wzp("room", "create", "other", "--root", str(other))
    wzp("task", "add", "of demo")
    monkeypatch.chdir(other)
    assert wzp("task", "list", "--json").json == []
    monkeypatch.setenv("WZP_ROOM", "demo")
    assert [task["title"] for task in wzp("task", "list", "--json").json] == ["of demo"]
    assert wzp("--room", "other", "task", "list", "--json").json == []
    monkeypatch.setenv("WZP_ROOM", "nope")
    assert wzp("task", "list").code == 3
