"""What a shell is answered when it asks how a line may go on."""

import pytest

from storage import Home


@pytest.fixture
def completions(wzp, monkeypatch: pytest.MonkeyPatch):
    def ask(line: str) -> list[str]:
        words = line.split(" ")
        monkeypatch.setenv("_WZP_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        answer = wzp()
        monkeypatch.delenv("_WZP_COMPLETE")
        assert answer.code == 0
        return [each.split(",", 1)[1] for each in answer.out.splitlines() if each]

    return ask


def test_tasks_agents_columns_and_rooms_are_completed(wzp, room, completions):
    wzp("task", "add", "Fix")
    wzp("agent", "add", "claude")
    assert "1" in completions("wzp task show ")
    assert completions("wzp task assign 1 c") == ["claude"]
    assert {"me", "nobody"} <= set(completions("wzp task assign 1 "))
    assert completions("wzp task move 1 in") == ["in_progress"]
    assert completions("wzp task list --status todo,b") == ["todo,backlog", "todo,blocked"]
    assert completions("wzp task edit 1 --assignee cl") == ["claude"]
    assert completions("wzp --room d") == ["demo"]
    assert completions("wzp room create x --root /s") == ["/s"]


def test_commands_and_options_are_completed(completions):
    assert completions("wzp ta") == ["task"]
    assert "move-many" in completions("wzp task m")
    assert "--priority" in completions("wzp task add --p")


def test_where_nothing_can_be_asked_nothing_is_offered(completions, home: Home):
    assert completions("wzp task show ") == []
    home.create()
    home.database.write_bytes(b"damaged" * 1000)
    assert completions("wzp task show ") == []


def test_an_unknown_shell_is_refused(wzp, monkeypatch):
    monkeypatch.setenv("_WZP_COMPLETE", "nushell_complete")
    assert wzp().code == 1


def test_a_command_that_there_is_not_completes_to_nothing(wzp, room, monkeypatch):
    for name, value in {"_WZP_COMPLETE": "bash_complete", "COMP_WORDS": "wzp nosuch ", "COMP_CWORD": "2"}.items():
        monkeypatch.setenv(name, value)
    result = wzp()
    assert result.code == 0
    assert result.err == ""
