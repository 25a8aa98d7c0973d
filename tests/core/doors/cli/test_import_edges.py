"""What an import refuses, leaves out and lists, and takes along."""


def test_a_source_without_end_is_refused(wzp, room):
    result = wzp("import", "/dev/zero", "--yes", "--json")
    assert (result.code, result.error["code"]) == (2, "invalid_data")


def test_text_that_is_no_unicode_is_left_out_and_listed(wzp, room, tmp_path):
    file = tmp_path / "tasks.json"
    file.write_text('{"tasks": [{"id": 1, "title": "cut \\ud83d"}, {"id": 2, "title": "whole"}]}')
    summary = wzp("import", str(file), "--yes", "--json").json
    assert summary["tasks"] == 1
    assert "cut" in summary["unmapped"][0]["value"]
    assert [task["title"] for task in wzp("task", "list", "--json").json] == ["whole"]


def test_limits_come_along_where_the_room_has_none(wzp, room, tmp_path):
    wzp("task", "add", "Fix")
    wzp("room", "edit", "--wip", "review=2", "--wip-mode", "refuse")
    file = tmp_path / "board.json"
    wzp("export", "-o", str(file))
    (tmp_path / "other").mkdir()
    wzp("room", "create", "other", "--root", str(tmp_path / "other"))
    assert wzp("--room", "other", "import", str(file), "--yes", "--json").json["unmapped"] == []
    came = wzp("--room", "other", "room", "show", "--json").json
    assert (came["wip_limits"], came["wip_mode"]) == ({"review": 2}, "refuse")
    wzp("--room", "other", "undo")
    assert wzp("--room", "other", "room", "show", "--json").json["wip_limits"] == {}
    wzp("--room", "other", "room", "edit", "--wip", "todo=5")
    left_out = wzp("--room", "other", "import", str(file), "--yes", "--json").json["unmapped"]
    assert [each["field"] for each in left_out] == ["wip_limits"]
    assert wzp("--room", "other", "room", "show", "--json").json["wip_limits"] == {"todo": 5}
