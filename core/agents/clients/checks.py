"""Whether a client's connection works: its configuration, our server and our hook as the client would start them."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from core.agents.clients.commands import HOOK_SECONDS, ServerEntry, hook_words
from core.agents.clients.conversation import Conversation, NoAnswer
from core.agents.clients.layout import HOOKS, PROGRAMS, Client, Place, Scope, changes, hook_lines, server_entry
from core.agents.spool import last_line_of, read_new
from storage import HOME_VARIABLE, Home, ParallelError

SERVER_SECONDS: Final = 5.0
HOOK_MS: Final = 100.0
VERSION_SECONDS: Final = 10.0
REVISION: Final = "2025-06-18"
"""Of the protocol, with which the server is tried."""

_TRUST: Final = "Look at them and trust them: /hooks in codex."


class Verdict(StrEnum):
    """What a check came to."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `hint` says what to do about it."""

    client: Client
    subject: str
    verdict: Verdict
    message: str
    hint: str = ""


def examine(home: Home, project: Path, clients: Sequence[Client]) -> list[Check]:
    """Check the clients, in each scope in which we are installed."""
    return [check for client in clients for check in _examine(home, project, client)]


def _examine(home: Home, project: Path, client: Client) -> Iterator[Check]:
    yield _program(client)
    installed = 0
    for scope in Scope:
        place = Place(client, scope, project)
        try:
            entry, lines = server_entry(place), hook_lines(place)
            if entry is None and not lines:
                continue
            installed += 1
            yield _configuration(place)
        except ParallelError as error:
            installed += 1
            yield Check(client, f"configuration, {scope}", Verdict.FAIL, error.message, error.hint)
            continue
        if entry is not None:
            yield _server(place, entry)
        if lines:
            yield _hook(place, lines)
            if client is Client.CODEX and (trust := _trust(place)):
                yield trust
    if not installed:
        yield Check(
            client, "configuration", Verdict.FAIL, "It does not know us.",
            f"Connect it: wzp agents install --client {client}",
        )  # fmt: skip
        return
    if installed == len(Scope):
        yield Check(
            client, "scopes", Verdict.WARN, "We stand in the project and in the user's own: each event comes twice.",
            f"Take one out: wzp agents install --client {client} --scope {Scope.PROJECT} --uninstall",
        )  # fmt: skip
    yield _heard(home, client)


def _program(client: Client) -> Check:
    names = PROGRAMS[client]
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        return Check(
            client, "program", Verdict.WARN, f"{' or '.join(names)} is not on the PATH.",
            "Install it, or open a shell that has it.",
        )  # fmt: skip
    try:
        said = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=VERSION_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return Check(client, "program", Verdict.WARN, f"{found} --version fails: {error}", "Install it anew.")
    return Check(client, "program", Verdict.OK, f"{said.stdout.strip().partition(chr(10))[0]} at {found}")


def _configuration(place: Place) -> Check:
    missing = sorted(set(HOOKS[place.client]) - set(hook_lines(place)))
    behind = [str(change.path) for change in changes(place) if change.is_change]
    if server_entry(place) is None:
        verdict, message = Verdict.FAIL, f"{place.server_file} does not name our server."
    elif missing:
        verdict, message = Verdict.FAIL, f"{place.hooks_file} has no hook of ours for {', '.join(missing)}."
    elif behind:
        verdict, message = Verdict.WARN, f"{' and '.join(behind)} are of another copy or version of us."
    else:
        verdict, message = Verdict.OK, f"{place.server_file} and {place.hooks_file} are as they should be."
    hint = "" if verdict is Verdict.OK else _install(place)
    return Check(place.client, f"configuration, {place.scope}", verdict, message, hint)


def _install(place: Place) -> str:
    return f"Write it anew: wzp agents install --client {place.client} --scope {place.scope}"


def _server(place: Place, entry: ServerEntry) -> Check:
    """Start the server as the client would, in a home of its own, and ask for its tools."""
    subject, words = f"server, {place.scope}", [entry.command, *entry.arguments]
    begun = time.perf_counter()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="wzp-doctor-") as scratch,
            Conversation(words, SERVER_SECONDS, {**os.environ, HOME_VARIABLE: scratch}) as server,
        ):
            asker = {"name": "wzp agents doctor", "version": "1"}
            server.ask("initialize", protocolVersion=REVISION, capabilities={}, clientInfo=asker)
            server.tell("notifications/initialized")
            tools = server.ask("tools/list").get("tools")
            took_ms = (time.perf_counter() - begun) * 1000
    except NoAnswer as error:
        return Check(
            place.client, subject, Verdict.FAIL, f"{' '.join(words)} does not work: {error}.", _install(place)
        )  # fmt: skip
    if not isinstance(tools, list) or not tools:
        return Check(place.client, subject, Verdict.FAIL, "It names no tools.", _install(place))
    return Check(place.client, subject, Verdict.OK, f"It answers, with {len(tools)} tools, after {took_ms:.0f} ms.")


def _trust(place: Place) -> Check | None:
    """Whether Codex, which runs no hook that the user has not looked at, runs ours; it tells so itself."""
    subject, program = f"trust, {place.scope}", shutil.which(PROGRAMS[Client.CODEX][0])
    if program is None:
        return None
    try:
        with Conversation([program, "app-server"], SERVER_SECONDS) as codex:
            codex.ask("initialize", clientInfo={"name": "wzp-agents-doctor", "version": "1"})
            codex.tell("initialized")
            listed = codex.ask("hooks/list", cwds=[str(place.project)]).get("data", [])
    except NoAnswer as error:
        return Check(place.client, subject, Verdict.WARN, f"Codex does not tell which hooks it runs: {error}.", _TRUST)
    ours = [
        each for found in listed for each in found.get("hooks", ())
        if hook_words(each.get("command")) and each.get("sourcePath") == str(place.hooks_file)
    ]  # fmt: skip
    if not ours:
        return Check(
            place.client, subject, Verdict.WARN, f"Codex does not read {place.hooks_file}.",
            "It reads a project's configuration once you trust the project: open codex there.",
        )  # fmt: skip
    untrusted = [each for each in ours if each.get("trustStatus") != "trusted" or not each.get("enabled")]
    if untrusted:
        message = f"Codex does not run {len(untrusted)} of our {len(ours)} hooks."
        return Check(place.client, subject, Verdict.WARN, message, _TRUST)
    return Check(place.client, subject, Verdict.OK, f"Codex runs all {len(ours)} hooks.")


def _hook(place: Place, lines: Mapping[str, str]) -> Check:
    """Fire one event at the hook as the client would, in a home of its own."""
    subject, event = f"hook, {place.scope}", next(each for each in HOOKS[place.client] if each in lines)
    gone = [word for word in hook_words(lines[event]) if word.startswith("/") and not Path(word).exists()]
    if gone:
        return Check(place.client, subject, Verdict.FAIL, f"{gone[0]} is not there any more.", _install(place))
    payload = json.dumps({"hook_event_name": event, "session_id": "doctor", "cwd": str(place.project)}).encode()
    took_ms = []
    with tempfile.TemporaryDirectory(prefix="wzp-doctor-") as scratch:
        environment = {**os.environ, HOME_VARIABLE: scratch}
        for _ in range(3):  # the first reads everything from the disk
            begun = time.perf_counter()
            try:
                ended = subprocess.run(
                    ["/bin/sh", "-c", lines[event]],
                    input=payload, env=environment, capture_output=True, timeout=HOOK_SECONDS, check=False,
                )  # fmt: skip
            except (OSError, subprocess.SubprocessError) as error:
                return Check(place.client, subject, Verdict.FAIL, f"It does not run: {error}", _install(place))
            took_ms.append((time.perf_counter() - begun) * 1000)
        noted = len(read_new(Home(Path(scratch)), {}).lines)
    if ended.returncode or ended.stdout or ended.stderr or noted != len(took_ms):
        why = (
            ended.stderr.decode(errors="replace").strip().partition("\n")[0]
            or f"{noted} of {len(took_ms)} events arrived"
        )
        return Check(place.client, subject, Verdict.FAIL, f"It does not do its work: {why}.", _install(place))
    if min(took_ms) > HOOK_MS:
        return Check(
            place.client, subject, Verdict.WARN, f"It takes {min(took_ms):.0f} ms, more than {HOOK_MS:.0f}.",
            "The machine is busy, or its disk slow; the client waits that long at each event.",
        )  # fmt: skip
    return Check(place.client, subject, Verdict.OK, f"It notes an event in {min(took_ms):.0f} ms.")


def _heard(home: Home, client: Client) -> Check:
    last = last_line_of(home, client)
    if last is None:
        return Check(
            client, "last event", Verdict.WARN, "No hook of it has been heard in the last two days.",
            "A client reads its hooks when it starts: start it anew, then look again.",
        )  # fmt: skip
    age = datetime.now(UTC) - last.at
    return Check(client, "last event", Verdict.OK, f"{last.event}, {_spoken(age.total_seconds())} ago.")


def _spoken(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
