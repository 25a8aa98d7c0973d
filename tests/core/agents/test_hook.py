"""The hook program: what it notes, what it keeps to itself, and that it never fails or holds up its caller."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from core.agents import hook
from core.agents.sessions import hash_token
from storage import Home
from storage.home import HOME_VARIABLE

HOOK = [sys.executable, "-I", "-S", hook.__file__]
SAID = {"session_id": "s1", "cwd": "/somewhere", "hook_event_name": "UserPromptSubmit", "prompt": "the secret plan"}
PATIENCE_S = 20.0


@pytest.fixture(autouse=True)
def made(home: Home) -> Home:
    home.path.mkdir()
    return home


def noted(home: Home) -> list[dict[str, Any]]:
    """The lines of the spool."""
    files = sorted((home.run / "spool").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_bytes().split(b"\n") if line]


def noted_soon(home: Home) -> list[dict[str, Any]]:
    """The lines of the spool, as soon as there are any."""
    until = time.monotonic() + PATIENCE_S
    while not (lines := noted(home)):
        assert time.monotonic() < until, "nothing was noted"
        time.sleep(0.01)
    return lines


def fire(event: Any, *options: str, **environment: str) -> None:
    """Start the hook as a client does; it must leave with 0 and without a word."""
    payload = event if isinstance(event, bytes) else json.dumps(event).encode()
    ended = subprocess.run(
        [*HOOK, *options], input=payload, capture_output=True, env={**os.environ, **environment}, timeout=PATIENCE_S
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


@contextmanager
def started() -> Iterator[subprocess.Popen[bytes]]:
    """The hook with its input left open."""
    process = subprocess.Popen(HOOK, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    try:
        yield process
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.stdin.close()
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            assert stream.read() == b""
            stream.close()


def put(process: subprocess.Popen[bytes], data: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(data)
    process.stdin.flush()


def test_an_event_becomes_one_line(home: Home):
    fire(SAID)
    (line,) = noted(home)
    assert line["version"] == hook.VERSION
    assert (line["client"], line["event"], line["client_session"]) == ("claude", "UserPromptSubmit", "s1")
    assert line["cwd"] == "/somewhere"
    assert line["at"].endswith("Z")
    assert len(line["at"]) == 27


def test_the_line_names_the_processes_above_the_hook_so_that_a_session_can_be_found(home: Home):
    fire(SAID)
    (line,) = noted(home)
    assert line["ancestors"][0] == f"{os.getpid()}:{hook.started(os.getpid())}"
    assert line["ancestors"][1] == f"{os.getppid()}:{hook.started(os.getppid())}"


def test_a_process_that_is_not_there_has_no_start():
    assert hook.started(2**22 + 1) is None


def test_ps_tells_the_same_parents_as_proc(monkeypatch: pytest.MonkeyPatch):
    from_ps = hook.from_ps()(os.getpid())
    assert from_ps is not None
    assert from_ps[0] == os.getppid()
    monkeypatch.setattr(hook, "processes", hook.from_ps)
    assert hook.ancestors_of(os.getpid())[0].startswith(f"{os.getppid()}:")


def test_neither_prompts_nor_what_tools_are_given_or_answer_is_noted(home: Home):
    fire(SAID)
    secrets = {"tool_input": {"command": "cat secret"}, "tool_response": {"stdout": "secret"}, "message": "secret"}
    for event in ("PreToolUse", "PostToolUse", "Stop", "SessionEnd", "SessionStart"):
        fire({**SAID, **secrets, "last_assistant_message": "secret", "hook_event_name": event, "tool_name": "Bash"})
    lines = noted(home)
    assert len(lines) == 6
    assert "secret" not in json.dumps(lines)
    assert [line.get("tool") for line in lines[1:3]] == ["Bash", "Bash"]


def test_a_token_is_noted_by_its_hash_alone(home: Home):
    fire(SAID, WZP_AGENT="reviewer", WZP_SESSION_TOKEN="wzs_abc", WZP_ROOM="shop")
    (line,) = noted(home)
    assert (line["agent"], line["room"]) == ("reviewer", "shop")
    assert line["token_hash"] == hash_token("wzs_abc")
    assert "wzs_abc" not in json.dumps(line)


@pytest.mark.parametrize(
    ("event", "question"),
    [
        (
            {"hook_event_name": "Notification", "message": "Claude needs\nyour permission"},
            "Claude needs your permission",
        ),
        (
            {"hook_event_name": "PermissionRequest", "tool_name": "Bash", "tool_input": {"command": "make\nrm -rf x"}},
            "May I use Bash: make rm -rf x",
        ),
        (
            {
                "hook_event_name": "PermissionRequest",
                "tool_name": "Bash",
                "tool_input": {"command": "make", "description": "Build it"},
            },
            "May I use Bash: Build it",
        ),
        (
            {
                "hook_event_name": "PermissionRequest",
                "tool_name": "AskUserQuestion",
                "tool_input": {"questions": [{"question": "Tabs or spaces?"}]},
            },
            "Tabs or spaces?",
        ),
        ({"hook_event_name": "PermissionRequest", "tool_name": "ExitPlanMode"}, "May I use ExitPlanMode?"),
    ],
)
def test_an_agent_that_waits_says_for_what_in_one_line(home: Home, event: dict[str, Any], question: str):
    fire(event)
    assert noted(home)[0]["message"] == question


def test_a_long_question_is_cut_and_control_characters_are_taken_out(home: Home):
    fire({"hook_event_name": "Notification", "message": "\x1b[31m" + "ああ" * 5_000, "session_id": "x" * 9_000})
    (file,) = (home.run / "spool").glob("*.jsonl")
    assert file.stat().st_size <= hook.LINE_BYTES + 2
    (line,) = noted(home)
    assert len(line["message"]) == hook.LONG
    assert "\x1b" not in line["message"]


def test_half_a_character_does_not_stop_the_line(home: Home):
    fire(b'{"hook_event_name": "Notification", "message": "half \\ud83d", "session_id": "a\xff"}')
    (line,) = noted(home)
    assert line["message"].startswith("half")


def test_the_stop_of_a_subagent_is_told_apart(home: Home):
    fire({"hook_event_name": "SubagentStop", "agent_id": "a1"})
    fire({"hook_event_name": "Stop", "agent_id": "a1", "stop_hook_active": True})
    fire({"hook_event_name": "Stop", "stop_hook_active": False})
    assert [(line["event"], line.get("subagent"), line.get("stop_hook_active")) for line in noted(home)] == [
        ("Stop", "a1", True), ("Stop", None, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("told", "detail"),
    [
        ({"hook_event_name": "SessionStart", "source": "resume"}, "resume"),
        ({"hook_event_name": "SessionEnd", "reason": "logout"}, "logout"),
        ({"hook_event_name": "Notification", "notification_type": "permission_prompt"}, "permission_prompt"),
        ({"hook_event_name": "StopFailure", "error": "rate_limit"}, "rate_limit"),
    ],
)
def test_the_line_tells_how_it_came_about(home: Home, told: dict[str, str], detail: str):
    fire(told)
    assert noted(home)[0]["detail"] == detail


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("sessionStart", "SessionStart"), ("beforeSubmitPrompt", "UserPromptSubmit"), ("stop", "Stop")],
)
def test_the_words_of_cursor_become_ours(home: Home, theirs: str, ours: str):
    fire(
        {"hook_event_name": theirs, "conversation_id": "c1", "workspace_roots": ["/w"], "prompt": "secret"},
        "--client", "cursor",
    )  # fmt: skip
    (line,) = noted(home)
    assert (line["client"], line["event"], line["client_session"], line["cwd"]) == ("cursor", ours, "c1", "/w")


def test_an_input_that_stays_open_is_not_waited_for(home: Home):
    with started() as process:
        put(process, json.dumps(SAID).encode())
        process.wait(PATIENCE_S)
        assert noted(home)[0]["event"] == "UserPromptSubmit"


def test_an_event_in_pieces_is_put_together(home: Home):
    data = json.dumps({**SAID, "tool_input": {"a": {"b": "}"}}}).encode()
    with started() as process:
        for byte in range(0, len(data), 7):
            put(process, data[byte : byte + 7])
    assert len(noted_soon(home)) == 1


def test_a_caller_that_writes_late_is_let_go_and_its_event_is_noted_all_the_same(home: Home):
    with started() as process:
        process.wait(PATIENCE_S)
        assert noted(home) == []
        put(process, json.dumps(SAID).encode())
        (line,) = noted_soon(home)
        assert line["ancestors"][0].startswith(f"{os.getpid()}:")


def test_a_megabyte_is_read_to_its_end(home: Home):
    with started() as process:
        put(process, json.dumps({**SAID, "tool_response": "x}" * 500_000}).encode() + b"\n")
    assert len(noted_soon(home)) == 1


def test_a_byte_order_mark_is_passed_over(home: Home):
    fire(b"\xef\xbb\xbf  " + json.dumps(SAID).encode() + b"\r\n")
    assert len(noted(home)) == 1


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"\n", b"no json", b"[1]", b'"text"', b"{}", b"{", b'{"hook_event_name":', b"\x00\xff" * 100,
        b'{"hook_event_name": 7}', b'{"hook_event_name": ["Stop"]}', b'{"hook_event_name": "PreCompact"}',
        b'{"hook_event_name": "Whatever"}', b"[" * 100_000, b'{"a":' * 100_000,
    ],
    ids=lambda payload: repr(payload[:30]),
)  # fmt: skip
def test_what_is_no_event_of_ours_leaves_no_line(home: Home, payload: bytes):
    fire(payload)
    assert noted(home) == []


def test_odd_values_leave_a_line_without_them(home: Home):
    fire({"hook_event_name": "PreToolUse", "session_id": 3, "cwd": None, "tool_name": [], "workspace_roots": {}})
    (line,) = noted(home)
    assert set(line) == {"version", "at", "client", "event", "ancestors"}


def test_a_closed_input_is_no_error(home: Home):
    ended = subprocess.run(["/bin/sh", "-c", 'exec "$@" <&-', "sh", *HOOK], capture_output=True, timeout=PATIENCE_S)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


def test_a_home_that_is_not_there_is_not_made(home: Home):
    home.path.rmdir()
    fire(SAID)
    assert not home.path.exists()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a directory that not even root may write")
def test_a_home_that_cannot_be_written_is_no_error():
    fire(SAID, **{HOME_VARIABLE: "/proc"})


def test_a_spool_that_cannot_be_made_is_no_error(home: Home):
    home.run.write_text("no folder")
    fire(SAID)
    assert home.run.read_text() == "no folder"


def test_a_full_disk_is_no_error(home: Home):
    ended = subprocess.run(
        ["/bin/sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *HOOK],
        input=json.dumps(SAID).encode(), capture_output=True, timeout=PATIENCE_S,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


def test_a_home_behind_a_link_is_followed(home: Home, tmp_path: Path):
    link = tmp_path / "link"
    link.symlink_to(home.path)
    fire(SAID, **{HOME_VARIABLE: str(link)})
    assert len(noted(home)) == 1


def test_the_home_is_found_below_the_users_own_directory_where_nothing_else_is_said(tmp_path: Path):
    theirs = Home(tmp_path / ".wezterm-parallel")
    theirs.path.mkdir()
    fire(SAID, HOME=str(tmp_path), **{HOME_VARIABLE: ""})
    assert len(noted(theirs)) == 1


def test_the_spool_is_the_users_alone(home: Home):
    fire(SAID)
    (file,) = (home.run / "spool").glob("*.jsonl")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_torn_line_takes_no_other_with_it(home: Home):
    fire(SAID)
    (file,) = (home.run / "spool").glob("*.jsonl")
    with file.open("ab") as torn:
        torn.write(b'\n{"version":1,"at":"2026')
    fire(SAID)
    lines = [line for line in file.read_bytes().split(b"\n") if line]
    assert [line.endswith(b"}") for line in lines] == [True, False, True]


def test_a_project_that_owns_packages_of_our_names_is_no_concern_of_the_hook(home: Home, project: Path):
    for name in ("core", "storage", "json"):
        (project / name).mkdir()
        (project / name / "__init__.py").write_text("raise SystemExit(3)")
    ended = subprocess.run(
        HOOK, input=json.dumps(SAID).encode(), capture_output=True, cwd=project, timeout=PATIENCE_S,
        env={**os.environ, "PYTHONPATH": "."},
    )  # fmt: skip
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
    assert len(noted(home)) == 1


def test_the_hook_imports_nothing_beyond_what_it_needs():
    script = f"import sys; exec(open({hook.__file__!r}).read(), {{'__name__': 'hook'}}); print(*sys.modules)"
    listed = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True)
    costly = {"typing", "pathlib", "subprocess", "hashlib", "datetime", "contextlib", "site", "argparse", "storage"}
    assert not costly & set(listed.stdout.split())
