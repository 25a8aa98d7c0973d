"""room.yaml: what it may say, and how each mistake is told with its place."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidData, NotApproved, NotFound
from core.processes import declaration
from core.processes.declaration import (
    BrokenDeclarations,
    Declared,
    approved_secrets,
    content_hash,
    read_declarations,
    read_room_file,
)
from core.processes.entry import entry_of, read_added
from core.processes.room_file import SIZE_LIMIT
from core.processes.secrets import looks_secret
from core.processes.yaml_reading import Problem
from storage import (
    Backend,
    LogSettings,
    Probe,
    ProcessKind,
    ProcessSpec,
    Restart,
    RestartPolicy,
    Room,
    encode_json,
    utc_now,
)  # fmt: skip


def one(text: str) -> Declared:
    (declared,) = read_declarations(text).processes
    return declared


def problems(content: str | bytes, root: Path | None = None) -> list[tuple[int, int, str, str]]:
    with pytest.raises(BrokenDeclarations) as refusal:
        read_declarations(content, root)
    return [(each.line, each.column, each.message, each.hint) for each in refusal.value.problems]


def test_every_key_is_understood():
    declared = one(
        """\
processes:
  - name: web
    command: [npm, run, dev]
    kind: service
    cwd: app/web
    env: {PORT: 0080, DEBUG: true, EMPTY: }
    env_file: .env
    backend: tmux
    autostart: false
    instances: 3
    restart:
      policy: always
      first_delay: 0.5
      longest_delay_seconds: 10
      steady: 5
      limit: 7
      window: 30
      success_codes: [0, 143]
    stop_signal: int
    stop_grace: 2.5
    readiness: {http: "http://127.0.0.1:3000/", delay: 1, interval: 2, timeout: 3, failures: 4, successes: 5}
    liveness: {tcp: 3000}
    log: {max_bytes: 2MiB, files: 3, alert_on: [PANIC, "^Error"]}
    labels: {team: a, tier: 1}
    restartable: true
"""
    )
    assert (declared.name, declared.instances, declared.line) == ("web", 3, 2)
    assert declared.spec == ProcessSpec(
        command=("npm", "run", "dev"), cwd="app/web", env={"PORT": "0080", "DEBUG": "true", "EMPTY": ""},
        env_file=".env", backend=Backend.TMUX, autostart=False,
        restart=Restart(
            policy=RestartPolicy.ALWAYS, first_delay_seconds=0.5, longest_delay_seconds=10, steady_seconds=5, limit=7,
            window_seconds=30, success_codes=(0, 143),
        ),
        stop_signal="SIGINT", stop_grace_seconds=2.5,
        readiness=Probe(
            http="http://127.0.0.1:3000/", delay_seconds=1, interval_seconds=2, timeout_seconds=3, failures=4,
            successes=5,
        ),
        liveness=Probe(tcp="127.0.0.1:3000"),
        log=LogSettings(max_bytes=2 * 2**20, files=3, alert_on=("PANIC", "^Error")),
        labels=("team=a", "tier=1"), is_restartable=True,
    )  # fmt: skip


def test_what_is_left_out_stands_at_its_default():
    declared = one("processes:\n- name: a\n  command: make watch | tee log")
    assert declared.spec == ProcessSpec(shell="make watch | tee log")
    assert declared.instances == 1


def test_workers_and_agents():
    worker, agent = read_declarations(
        "processes: [{name: w, kind: worker, capacity: 4}, {name: claude, kind: agent, command: claude, capacity: 1}]"
    ).processes
    assert (worker.spec.kind, worker.spec.capacity, worker.spec.command) == (ProcessKind.WORKER, 4, ())
    assert agent.spec.agent == "claude", "an agent's program bears its name, unless another is given"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("[db]", {"db": "started"}), ("db", {"db": "started"}), ("{db: healthy}", {"db": "healthy"}),
        ("{db: {condition: completed}}", {"db": "completed"}), ("{db: }", {"db": "started"}),
    ],
)  # fmt: skip
def test_dependencies_are_written_in_three_ways(written: str, meant: dict[str, str]):
    web, _ = read_declarations(
        f"processes: [{{name: web, command: x, depends_on: {written}}},"
        "{name: db, command: x, readiness: {log-line: ready}}]"
    ).processes
    assert web.spec.depends_on == meant


@pytest.mark.parametrize("text", ["", "# only a comment\n", "processes:\n", "processes: []\n", "---\n", "layout: {}\n"])
def test_a_file_without_processes_declares_none(text: str):
    assert read_declarations(text).processes == ()


def test_byte_order_mark_line_ends_and_other_scripts_are_no_matter():
    text = "processes:\n- name: a\n  command: echo 日本語 🍣\n"
    expected = one(text).spec
    assert one(text.replace("\n", "\r\n")).spec == expected
    (declared,) = read_declarations(b"\xef\xbb\xbf" + text.encode()).processes
    assert declared.spec == expected


def test_the_example_that_ships_is_understood():
    example = Path(__file__).resolve().parents[3] / "layouts" / "room.yaml"
    names = [each.name for each in read_declarations(example.read_bytes(), example.parent).processes]
    assert names == ["db", "migrate", "web", "tests", "claude"]


def test_anchors_and_merges_spare_repetition():
    first, second = read_declarations(
        """\
x-common: &common
  restart: always
  labels: [back]
processes:
  - {<<: *common, name: a, command: x}
  - {<<: *common, name: b, command: x, labels: [front]}
"""
    ).processes
    assert first.spec.restart.policy is RestartPolicy.ALWAYS
    assert first.spec.labels == ("back",)
    assert second.spec.labels == ("front",), "what is its own goes before what is merged"


PROCESS = "processes:\n  - name: web\n    command: x\n"
BESIDE = PROCESS + "    {}\n"

BROKEN = [
    # key or value, line, column, part of the message, part of the hint
    ("comand: y", 4, 5, "no key 'comand'", "'command'"),
    ("zzz: 1", 4, 5, "no key 'zzz'", "There are: name"),
    ("name: api", 4, 5, "stands twice (also in line 2)", "Take one away"),
    ("kind: servise", 4, 11, "'servise' is no kind", "'service'"),
    ("backend: screen", 4, 14, "'screen' is no backend", "local"),
    ("backend: wezterm", 4, 14, "come with the layouts", "local or tmux"),
    ("restart: no", 4, 14, "'no' is no restart policy", "'never'"),
    ("restart: on_failure", 4, 14, "'on_failure' is no restart policy", "'on-failure'"),
    ("restart: {policy: always, delay: 1}", 4, 31, "no key 'delay'", "delay"),
    ("restart: {first_delay: 1, first_delay_seconds: 2}", 4, 31, "stands there already", "Take"),
    ("restart: {first_delay: 9, longest_delay: 1}", 4, 14, "shorter than the first", "longest_delay"),
    ("restart: {limit: -1}", 4, 22, "A whole number from 0", "'-1'"),
    ("restart: {success_codes: [0, 300]}", 4, 34, "'300'", "0 to 255"),
    ("instances: 0", 4, 16, "1 to 64", "1 to 64"),
    ("instances: many", 4, 16, "not 'many'", "whole number"),
    ("autostart: maybe", 4, 16, "true or false", "true or false"),
    ("stop_signal: SIGFOO", 4, 18, "'SIGFOO' is no signal", "SIGTERM"),
    ("stop_grace: 10s", 4, 17, "not '10s'", "seconds"),
    ("stop_grace: .inf", 4, 17, "A number from 0", "seconds"),
    ("cwd: /etc", 4, 10, "is absolute", "relative"),
    ("cwd: ../x", 4, 10, "outside the room", "relative"),
    ("cwd: a/../../b", 4, 10, "outside the room", "relative"),
    ("env_file: ~/x", 4, 15, "is absolute", "relative"),
    ("env: [A=1]", 4, 10, "is a mapping, not a list", "key: value"),
    ("env: {A B: 1}", 4, 11, "'A B' is no name of a variable", "letters"),
    ("env: {A: [1]}", 4, 14, "not a list", "one text"),
    ("env: {WZP_RUNNER: 1}", 4, 11, "set by us", "away"),
    ("depends_on: [db]", 4, 18, "depends on 'db', which is not there", "Declare it"),
    ("depends_on: [web]", 4, 5, "web → web", "away"),
    ("readiness: {}", 4, 16, "does not say what to ask", "exactly one"),
    ("readiness: {exec: x, tcp: 1}", 4, 16, "exec and tcp", "exactly one"),
    ("readiness: {http: ftp://x}", 4, 23, "is no http URL", "http://"),
    ("readiness: {tcp: somewhere}", 4, 22, "is no address", "host:port"),
    ("readiness: {log_line: '('}", 4, 27, "is no regular expression", "escape"),
    ("readiness: {http: 'http://x', every: 5}", 4, 35, "no key 'every'", "There are"),
    ("liveness: {log_line: x}", 4, 16, "not whether it lives", "readiness"),
    ("log: {max_bytes: 10}", 4, 22, "no size of a log", "10MB"),
    ("log: {alert_on: ['[']}", 4, 22, "is no regular expression", "escape"),
    (f"log: {{alert_on: ['{'a?' * 501}']}}", 4, 22, "has 1002 characters", "at most 1000"),
    ("capacity: 2", 4, 5, "A service takes no tasks", "kind: worker"),
    ("agent: bob", 4, 5, "A service is no agent", "kind: agent"),
    ("labels: [a b]", 4, 14, "'a b' is no label", "no space"),
    ("restartable: [1]", 4, 18, "true or false", "true or false"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "at", "column", "message", "hint"), BROKEN, ids=[each[0] for each in BROKEN])
def test_each_mistake_is_told_with_its_place_and_its_remedy(line: str, at: int, column: int, message: str, hint: str):
    (found,) = problems(BESIDE.format(line))
    assert found[:2] == (at, column)
    assert message in found[2] + found[3]
    assert hint in found[2] + found[3]


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("processes:\n- command: x\n", 2, 3, "has a name"),
        ("processes:\n- name: a b\n  command: x\n", 2, 9, "'a b' is no name"),
        ("processes:\n- name: web.2\n  command: x\n", 2, 9, "'web.2' is no name"),
        ("processes:\n- name: a\n", 2, 3, "a has no command"),
        ("processes:\n- name: a\n  command: []\n", 3, 12, "The command is empty"),
        ("processes:\n- name: a\n  command: {x: y}\n", 3, 12, "not a mapping"),
        ("processes:\n- {name: w, kind: worker, command: x}\n", 2, 27, "A worker has no command"),
        ("processes:\n- {name: a, command: x}\n- {name: a, command: y}\n", 3, 10, "'a' already, in line 2"),
        ("processes:\n- text\n", 2, 3, "A process is a mapping"),
        ("processes: web\n", 1, 12, "is a list"),
        ("- a\n", 1, 1, "A room.yaml is a mapping"),
        ("proceses: []\n", 1, 1, "no key 'proceses'"),
        ("processes: []\nprocesses: []\n", 2, 1, "stands twice"),
        ("processes: [a\n", 1, 12, "what begins here is not closed"),
        ("processes:\n- name: 'web\n", 2, 9, "what begins here is not closed"),
        ("processes:\n- command: [a\n  env: {}\n", 3, 6, "in what begins in line 2"),
        ("processes:\n\t- name: a\n", 2, 1, "'\\t'"),
        ("a: 1\n---\nb: 2\n", 2, 1, "another document"),
        ("processes: *nobody\n", 1, 12, "undefined alias"),
    ],
)
def test_a_document_that_is_none_is_told_with_its_place(text: str, line: int, column: int, message: str):
    found = problems(text)
    assert any(each[:2] == (line, column) and message in each[2] for each in found), found


def test_all_that_is_wrong_is_told_at_once():
    found = problems("processes:\n- nme: a\n  command: x\n- name: b\n  comand: y\n  cwd: /x\n")
    assert {each[0] for each in found} == {2, 4, 5, 6}
    with pytest.raises(BrokenDeclarations) as refusal:
        read_declarations("processes:\n- {name: a, command: x, cwd: /x, kind: y, zz: 1}\n")
    assert "room.yaml, line 2, column 30" in refusal.value.message
    assert "2 more problems" in refusal.value.message
    assert len(refusal.value.details["problems"]) == 3


def test_a_cycle_is_named_all_around():
    text = """\
processes:
  - {name: a, command: x, depends_on: [b]}
  - {name: b, command: x, depends_on: [c]}
  - {name: c, command: x, depends_on: [a]}
"""
    ((line, _, message, _),) = problems(text)
    assert line == 2
    assert "a → b → c → a" in message


def test_a_condition_that_can_never_hold_is_refused():
    need = "processes: [{{name: a, command: x, depends_on: {{b: {}}}}}, {{name: b, command: x, restart: always}}]"
    assert "nothing tells that" in problems(need.format("healthy"))[0][2]
    assert "always started again" in problems(need.format("completed"))[0][2]
    assert "'fine' is no condition" in problems(need.format("fine"))[0][2]


@pytest.mark.parametrize("content", [b"\xff\xfe", b"processes:\n- name: \xe9\n", b"\x00", b"a: \x07"])
def test_bytes_that_are_no_text_are_refused(content: bytes):
    assert problems(content)


def test_a_document_that_stands_for_billions_is_refused_soon():
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n".replace("a: &a", "x-a: &a")
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"x-{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    assert read_declarations(bomb).processes == (), "what nobody reads costs nothing"
    merges = "x-a: &a {k: v}\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        merges += f"x-{name}: &{name} {{<<: [{', '.join([f'*{before}'] * 9)}]}}\n"
    assert "more than 50,000 values" in problems(f"{merges}processes: [{{<<: *i, name: a, command: x}}]\n")[0][2]
    assert problems("[" * 20_000)
    assert problems(b"#" * (SIZE_LIMIT + 1))
    assert "more than 1,000" in problems("x: &x 1\nprocesses: [" + "{}, " * 1001 + "]")[-1][2]


def test_a_link_out_of_the_room_is_followed_and_refused(tmp_path: Path):
    root = tmp_path / "room"
    (root / "inside").mkdir(parents=True)
    (root / "door").symlink_to(tmp_path)
    (root / "fine").symlink_to(root / "inside")
    ((line, _, message, _),) = problems("processes:\n- {name: a, command: x, cwd: door/x}\n", root)
    assert line == 2
    assert "through a link" in message
    assert read_declarations("processes:\n- {name: a, command: x, cwd: fine}\n", root).processes


@pytest.mark.parametrize(
    "name", ["API_TOKEN", "SECRET", "db_password", "GITHUBTOKEN", "AWS_SECRET_ACCESS_KEY", "APP_CREDENTIALS"]
)
def test_names_that_tell_of_secrets_are_known(name: str):
    assert looks_secret(name)


@pytest.mark.parametrize("name", ["PORT", "KEYBOARD", "PATH", "PWD", "MONKEY", "TOKENIZERS_PARALLELISM", "AUTHOR"])
def test_names_that_only_sound_alike_are_none(name: str):
    assert not looks_secret(name, "1")


def test_values_that_hold_a_password_are_secret_whatever_their_name():
    assert looks_secret("DATABASE_URL", "postgres://me:hunter2@localhost/db")
    assert not looks_secret("DATABASE_URL", "postgres://localhost/db")


def room_at(root: Path, content: str, *, approved: bool = True) -> Room:
    (root / "room.yaml").write_text(content)
    now = utc_now()
    seen = content_hash(content.encode()) if approved else None
    return Room(id="rom_1", name="r", root=str(root), trusted_hash=seen, created_at=now, updated_at=now)


SECRET = "processes: [{name: a, command: x, env: {API_TOKEN: hunter2, PORT: 1}}]\n"


def test_secrets_are_read_again_from_what_was_approved_and_nothing_else(tmp_path: Path):
    room = room_at(tmp_path, SECRET)
    (declared,) = read_declarations(SECRET).processes
    assert declared.spec.env == {"PORT": "1"}
    assert declared.spec.secret_env == ("API_TOKEN",)
    assert approved_secrets(room, "a") == {"API_TOKEN": "hunter2"}
    with pytest.raises(NotFound):
        approved_secrets(room, "b")


def test_a_change_of_the_file_gives_no_other_secrets_and_takes_none_from_who_has_read_them(tmp_path: Path):
    room = room_at(tmp_path, SECRET)
    assert approved_secrets(room, "a") == {"API_TOKEN": "hunter2"}
    (tmp_path / "room.yaml").write_text(SECRET.replace("hunter2", "stolen"))
    assert approved_secrets(room, "a") == {"API_TOKEN": "hunter2"}, "read while it was the approved one"
    declaration._approved.clear()  # another host
    with pytest.raises(NotApproved):
        approved_secrets(room, "a")
    (tmp_path / "room.yaml").unlink()
    with pytest.raises(NotFound):
        approved_secrets(room, "a")


def test_the_file_is_read_only_where_it_is_a_plain_file_of_the_room(tmp_path: Path):
    root = tmp_path / "room"
    root.mkdir()
    room = room_at(root, "processes:\n")
    path = root / "room.yaml"
    assert read_room_file(room) == b"processes:\n"
    path.write_bytes(b"#" * (SIZE_LIMIT + 1))
    with pytest.raises(InvalidData, match="larger"):
        read_room_file(room)
    path.unlink()
    assert read_room_file(room) is None
    path.mkdir()
    with pytest.raises(InvalidData, match="no plain file"):
        read_room_file(room)
    path.rmdir()
    (tmp_path / "other.yaml").write_text("processes:\n")
    path.symlink_to(tmp_path / "other.yaml")
    with pytest.raises(InvalidData, match="outside the room"):
        read_room_file(room)


# properties

NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True).filter(lambda name: name not in ("all", "none"))
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cn", "Zl", "Zp", "Co"]), min_size=1)
SECONDS = st.integers(1, 600).map(float)
PROBES = st.builds(
    Probe, tcp=st.integers(1, 65_535).map(lambda port: f"localhost:{port}"), delay_seconds=SECONDS,
    interval_seconds=SECONDS, timeout_seconds=SECONDS, failures=st.integers(1, 9), successes=st.integers(1, 9),
)  # fmt: skip
SPECS = st.builds(
    ProcessSpec,
    command=st.lists(WORDS, min_size=1, max_size=4).map(tuple),
    cwd=st.sampled_from([".", "a", "a/b"]),
    env=st.dictionaries(st.sampled_from(["A", "B_C", "x9"]), WORDS.filter(lambda value: not looks_secret("A", value))),
    backend=st.sampled_from([Backend.LOCAL, Backend.TMUX]),
    autostart=st.booleans(),
    restart=st.builds(
        Restart, policy=st.sampled_from(RestartPolicy), first_delay_seconds=SECONDS,
        longest_delay_seconds=st.just(900.0), steady_seconds=SECONDS, limit=st.integers(0, 99), window_seconds=SECONDS,
        success_codes=st.sets(st.integers(0, 255), min_size=1, max_size=3).map(lambda codes: tuple(sorted(codes))),
    ),
    stop_signal=st.sampled_from(["SIGTERM", "SIGINT", "SIGKILL"]),
    stop_grace_seconds=SECONDS,
    readiness=st.none() | PROBES,
    liveness=st.none() | PROBES,
    log=st.builds(
        LogSettings, max_bytes=st.integers(10_000, 10**9), files=st.integers(1, 9), alert_on=st.just(("x+",))
    ),
    labels=st.lists(NAMES, max_size=3, unique=True).map(tuple),
    is_restartable=st.booleans(),
)  # fmt: skip


@given(spec=SPECS, name=NAMES)
def test_what_a_spec_says_as_an_entry_is_read_as_that_spec(spec: ProcessSpec, name: str, tmp_path: Path):
    room = Room(id="rom_1", name="r", root=str(tmp_path), created_at=utc_now(), updated_at=utc_now())
    entry = entry_of(spec)
    assert read_added(name, entry, room, {}).spec == spec
    written = encode_json({"processes": [{"name": name, **entry}]}).decode()
    assert one(written).spec == spec, "every JSON text is YAML"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(
            st.sampled_from(["name", "command", "restart", "env", "readiness", "log", "x"]) | st.text(), inner
        ),
    )
)  # fmt: skip
def test_whatever_stands_there_is_understood_or_refused_with_a_place(value: Any):
    try:
        text = encode_json({"processes": [value, {"name": "a", "command": value, "env": value}]}).decode()
    except (ValueError, UnicodeEncodeError):
        return
    assert all(each.line >= 1 and each.column >= 1 and each.message and each.hint for each in told_of(text))


@given(st.text() | st.binary())
def test_no_bytes_make_it_fall(content: str | bytes):
    told_of(content)


def told_of(content: str | bytes) -> tuple[Problem, ...]:
    try:
        read_declarations(content)
    except BrokenDeclarations as error:
        return error.problems
    return ()
