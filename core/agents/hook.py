"""The hook: a program that an agent's client starts at each event, and that notes the event down in our spool.

    python -I -S /path/to/core/agents/hook.py [--client claude|codex|cursor]  < one JSON object

It runs on the standard library alone, is started by its path and imports nothing of ours, so that no project and no
PYTHONPATH can come between. It never opens the database. Whatever happens it says nothing and exits 0, since a client
reads a hook's output and exit code as orders. What it notes is one line, at most `LINE_BYTES` long, appended by one
write to `run/spool/<UTC day>.jsonl` in the home; core/agents/spool.py reads it. A home that is not there is not made.

Neither prompts nor what tools are given or answer is noted. The one exception is the question of an agent that waits
for its person: a notification's text, or in one line what it asks to be allowed.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time

TYPE_CHECKING = False  # as in typing, which is not imported: like pathlib and contextlib it would cost much of our time
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Known = tuple[int, str]

VERSION = 1
"""Of the line's form."""

QUIET_MS = 40
"""How long the caller is kept once no more input comes. Then a child of ours waits on, and the caller goes its way:
under load a client may write its event long after it has started us."""

CHILD_MS = 5_000
"""How long that child waits for the rest."""

INPUT_BYTES = 64 << 20
"""More input than that is read but not looked at."""

LINE_BYTES = 4_096
SHORT, LONG, PATH = 120, 400, 1_024
"""To how many characters names, sentences and paths are cut."""

ANCESTORS = 24
"""How far up the processes are followed; a client is a few steps above its hook."""

HOME_VARIABLE = "WEZTERM_PARALLEL_HOME"

EVENTS = {
    "SessionStart": "SessionStart", "UserPromptSubmit": "UserPromptSubmit", "PreToolUse": "PreToolUse",
    "PostToolUse": "PostToolUse", "PostToolUseFailure": "PostToolUse", "Notification": "Notification",
    "PermissionRequest": "PermissionRequest", "Stop": "Stop", "StopFailure": "Stop", "Interrupt": "Stop",
    "SessionEnd": "SessionEnd",
    # Cursor's words
    "sessionStart": "SessionStart", "beforeSubmitPrompt": "UserPromptSubmit", "preToolUse": "PreToolUse",
    "postToolUse": "PostToolUse", "postToolUseFailure": "PostToolUse", "stop": "Stop", "sessionEnd": "SessionEnd",
}  # fmt: skip
"""The events that are noted, by the client's word for them, and ours, which are Claude Code's."""

ACTIVITY = ("PreToolUse", "PostToolUse")
"""These come often and stand behind a guard (guard.sh) that lets one through every few seconds."""


def main() -> None:
    """Read the event, note it, and leave; never longer than the caller can spare."""
    try:
        client_pid, ancestors, payload = os.getppid(), None, bytearray()
        event = read_event(0, payload, QUIET_MS)
        if event is None:
            ancestors = ancestors_of(os.getpid())  # while they still are ours
            if os.fork():
                return
            leave_the_caller()
            event = read_event(0, payload, CHILD_MS)
        if event:
            note(event, client_named(sys.argv[1:]), client_pid, ancestors)
    except BaseException:  # noqa: S110  nothing of ours may ever fail the caller, an interrupt included
        pass


def read_event(source: int, payload: bytearray, wait_ms: int) -> dict[str, Any] | None:
    """Read on until `payload` begins with a whole JSON object, which is given.

    Never waits for the end of the input, since clients are known that leave it open. Gives an empty object if the input
    ends before, and None if nothing comes for `wait_ms`; what has come then stands in `payload`.
    """
    poller = select.poll()
    poller.register(source, select.POLLIN)
    size = len(payload)
    while poller.poll(wait_ms):
        piece = os.read(source, 1 << 20)
        if not piece:
            return parsed(payload) or {}
        size += len(piece)
        if size <= INPUT_BYTES:
            payload += piece
            # an object ends so: saves parsing a long one at each piece that comes
            if piece.rstrip().endswith(b"}") and (event := parsed(payload)) is not None:
                return event
        else:
            payload.clear()
    return parsed(payload)


def parsed(payload: bytearray) -> dict[str, Any] | None:
    """The JSON object with which `payload` begins; None while there is none."""
    try:
        text = payload.decode("utf-8-sig", "replace").lstrip()
        found, _ = json.JSONDecoder(strict=False).raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def leave_the_caller() -> None:
    """Let go of what a caller may wait for: our group and its pipes."""
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def client_named(arguments: list[str]) -> str:
    """What follows `--client`."""
    named = arguments[1] if len(arguments) > 1 and arguments[0] == "--client" else ""
    return short(named, SHORT) or "claude"


def note(event: dict[str, Any], client: str, client_pid: int, ancestors: list[str] | None) -> None:
    """Append the line of an event, if it is one of those that we note, to the spool of a home that is there."""
    kind = EVENTS.get(str(event.get("hook_event_name")))
    home = home_path()
    if kind is None or not os.path.isdir(home):
        return
    spool = os.path.join(home, "run", "spool")
    os.makedirs(spool, mode=0o700, exist_ok=True)
    nanoseconds = time.time_ns()
    moment = time.gmtime(nanoseconds // 1_000_000_000)
    line = {
        "version": VERSION,
        "at": time.strftime("%Y-%m-%dT%H:%M:%S", moment) + f".{nanoseconds // 1000 % 1_000_000:06}Z",
        "client": client,
        "event": kind,
        **facts(event, kind),
        **identity(),
        "ancestors": ancestors if ancestors is not None else ancestors_of(os.getpid()),
    }
    append(os.path.join(spool, time.strftime("%Y-%m-%d", moment) + ".jsonl"), line)
    if kind not in ACTIVITY:
        forget_stamp(spool, client_pid)


def facts(event: dict[str, Any], kind: str) -> dict[str, Any]:
    """What the line tells of the event itself; only what is there."""
    roots = event.get("workspace_roots")
    told = {
        "client_session": short(event.get("session_id") or event.get("conversation_id"), SHORT),
        "cwd": short(event.get("cwd") or (roots[0] if isinstance(roots, list) and roots else None), PATH),
        "tool": short(event.get("tool_name"), SHORT) if kind in (*ACTIVITY, "PermissionRequest") else None,
        "message": message(event, kind),
        "detail": short(
            event.get("source") or event.get("reason") or event.get("notification_type") or event.get("status")
            or event.get("error"), SHORT,
        ),
        "subagent": short(event.get("agent_id"), SHORT),
        "stop_hook_active": True if event.get("stop_hook_active") is True else None,
    }  # fmt: skip
    return {name: value for name, value in told.items() if value is not None}


def message(event: dict[str, Any], kind: str) -> str | None:
    """The question of an agent that waits for its person."""
    if kind == "Notification":
        return short(event.get("message"), LONG)
    if kind != "PermissionRequest":
        return None
    asked, given = short(event.get("tool_name"), SHORT) or "a tool", event.get("tool_input")
    if not isinstance(given, dict):
        return f"May I use {asked}?"
    questions = given.get("questions")
    if isinstance(questions, list) and questions and isinstance(questions[0], dict):
        return short(questions[0].get("question"), LONG)
    what = short(given.get("description") or given.get("command") or given.get("file_path") or given.get("url"), SHORT)
    return f"May I use {asked}: {what}" if what else f"May I use {asked}?"


def identity() -> dict[str, str]:
    """Whose hook this is, as far as its environment says; of a token only its hash."""
    told = {}
    for name, variable in (("agent", "WZP_AGENT"), ("room", "WZP_ROOM")):
        if value := short(os.environ.get(variable), SHORT):
            told[name] = value
    if token := os.environ.get("WZP_SESSION_TOKEN", "").strip():
        from hashlib import sha256

        told["token_hash"] = sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
    return told


def short(value: object, limit: int) -> str | None:
    """The first `limit` characters of a text, in one line and without control characters; None if there is none."""
    if not isinstance(value, str):
        return None
    value = value[: 4 * limit]
    line = " ".join("".join(character if character.isprintable() else " " for character in value).split())
    return (line if len(line) <= limit else line[: limit - 1] + "…") or None


def home_path() -> str:
    """Where the home is, as storage/home.py finds it."""
    return os.path.abspath(os.path.expanduser(os.environ.get(HOME_VARIABLE) or "~/.wezterm-parallel"))


def append(path: str, line: dict[str, Any]) -> None:
    """Append a line by one write, so that it stays whole beside others'.

    It begins with a line break too: a line that a crash or a full disk has torn ends there, and takes no other with it.
    """
    data = encoded(line)
    if len(data) > LINE_BYTES:
        data = encoded({**line, "ancestors": line["ancestors"][:8], "message": short(line.get("message"), SHORT)})
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, b"\n" + data + b"\n")
    finally:
        os.close(descriptor)


def encoded(line: dict[str, Any]) -> bytes:
    """A line as JSON in UTF-8; half a character becomes a question mark."""
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def forget_stamp(spool: str, client_pid: int) -> None:
    """Let the next sign of activity through at once: what was noted just now has changed what the agent does."""
    try:
        os.unlink(os.path.join(spool, f"activity-{client_pid}"))
    except OSError:
        pass


def ancestors_of(pid: int) -> list[str]:
    """The processes above `pid`, nearest first, each as `pid:started`."""
    look_up = processes()
    found: list[str] = []
    known = look_up(pid)
    while known and known[0] > 1 and len(found) < ANCESTORS:
        parent = known[0]
        known = look_up(parent)
        if known:
            found.append(f"{parent}:{known[1]}")
    return found


def started(pid: int) -> str | None:
    """When a process started, in a form that differs from that of an earlier process of the same number.

    On Linux the clock ticks since the boot, elsewhere what `ps` says. None if there is no such process.
    """
    known = processes()(pid)
    return known[1] if known else None


def processes() -> Callable[[int], Known | None]:
    """What finds the parent and the start of a process on this system."""
    return from_proc if os.path.exists("/proc/self/stat") else from_ps()


def from_proc(pid: int) -> Known | None:
    """The parent and the start of a process: fields 4 and 22 of proc(5), counted behind the command in brackets."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return int(fields[1]), fields[19].decode()
    except (OSError, ValueError, IndexError):
        return None


def from_ps() -> Callable[[int], Known | None]:
    """The same where there is no /proc: of all processes at once, in a form that no language or time zone changes."""
    import subprocess

    listed = subprocess.run(
        ["/bin/ps", "-axo", "pid=,ppid=,lstart="],
        capture_output=True, text=True, timeout=1, check=False, env={"LC_ALL": "C", "TZ": "UTC"},
    ).stdout  # fmt: skip
    table = {}
    for row in listed.splitlines():
        pid, parent, when = row.split(maxsplit=2)
        table[int(pid)] = (int(parent), " ".join(when.split()))
    return table.get


if __name__ == "__main__":
    main()
    os._exit(0)
