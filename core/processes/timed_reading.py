"""What a process is held to in seconds: its restart policy, and the probes that tell how it is."""

from typing import Any, Final

from ruamel.yaml.nodes import MappingNode, Node

from core.processes.value_reading import address_of, command_of, regex_of, url_of
from core.processes.yaml_reading import Entries, Invalid, Problems, number, one_of, several, text, whole
from storage import Probe, Restart, RestartPolicy

DAY_S: Final = 86_400

_NO_WORDS: Final[tuple[str, ...]] = ()
_PROBE_KINDS: Final = ("exec", "http", "tcp", "log_line", "log-line")


class _Timed:
    """A mapping in which each time may carry its unit: `interval` or `interval_seconds`, not both."""

    def __init__(
        self, node: Node, what: str, plain: tuple[str, ...], timed: tuple[str, ...], problems: Problems
    ) -> None:
        long = tuple(f"{name}_seconds" for name in timed)
        self.entries = Entries(node, what, (*plain, *timed, *long), problems)
        for short, full in zip(timed, long, strict=True):
            if short in self.entries and full in self.entries:
                problems.note(self.entries.key(full), f"{short!r} stands there already.", f"Take {full!r} away.")

    def __call__(self, name: str, reader: Any, default: float) -> float:
        value: float = self.entries.read(name, reader, self.entries.read(f"{name}_seconds", reader, default))
        return value


def restart_of(node: Node, problems: Problems) -> Restart:
    """A policy's word, or a mapping with its numbers."""
    policy = one_of(RestartPolicy, what="restart policy")

    def word(each: Node) -> RestartPolicy:
        try:
            return RestartPolicy(policy(each))
        except Invalid as error:
            aliases = {"no": "never", "false": "never", "true": "always", "yes": "always", "unless-stopped": "always"}
            if meant := aliases.get(text(each).lower()):
                raise Invalid(each, error.message, f"Did you mean {meant!r}?") from error
            raise

    if not isinstance(node, MappingNode):
        return Restart(policy=word(node))
    default = Restart()
    read = _Timed(node, "restart", ("policy", "limit", "success_codes"),
                    ("first_delay", "longest_delay", "steady", "window"), problems)  # fmt: skip
    codes = several(whole(0, 255), most=256, what="exit codes")
    restart = Restart(
        policy=read.entries.read("policy", word, default.policy),
        first_delay_seconds=read("first_delay", number(0.01, DAY_S, "seconds"), default.first_delay_seconds),
        longest_delay_seconds=read("longest_delay", number(0.01, DAY_S, "seconds"), default.longest_delay_seconds),
        steady_seconds=read("steady", number(0, DAY_S, "seconds"), default.steady_seconds),
        limit=read.entries.read("limit", whole(0, 100_000), default.limit),
        window_seconds=read("window", number(1, DAY_S, "seconds"), default.window_seconds),
        success_codes=tuple(sorted(set(read.entries.read("success_codes", codes, default.success_codes)))),
    )
    if restart.longest_delay_seconds < restart.first_delay_seconds:
        problems.note(node, "The longest delay is shorter than the first.", "Make `longest_delay` the greater one.")
    return restart


def probe_of(node: Node, problems: Problems, *, is_liveness: bool) -> Probe | None:
    """A mapping that asks exactly one thing, with its times."""
    what = "liveness" if is_liveness else "readiness"
    read = _Timed(
        node, what, (*_PROBE_KINDS, "failures", "successes"), ("delay", "interval", "timeout"), problems
    )  # fmt: skip
    kinds = [name for name in read.entries.names() if name in _PROBE_KINDS]
    if len(kinds) != 1:
        told = f"has {' and '.join(kinds)}" if kinds else "does not say what to ask"
        raise Invalid(node, f"The {what} {told}.", "Give exactly one of exec, http, tcp, log_line.")
    if is_liveness and kinds[0].startswith("log"):
        raise Invalid(
            read.entries.key(kinds[0]), "A line of output tells when a process is ready, not whether it lives.",
            "Use exec, http or tcp for liveness, or put it under `readiness`.",
        )  # fmt: skip
    default = Probe()
    asked: dict[str, Any] = {
        "exec": read.entries.read("exec", _probe_command, _NO_WORDS),
        "http": read.entries.read("http", url_of, None),
        "tcp": read.entries.read("tcp", address_of, None),
        "log_line": read.entries.read("log_line", regex_of, read.entries.read("log-line", regex_of, None)),
    }
    return Probe(
        **asked,
        delay_seconds=read("delay", number(0, 3600, "seconds"), default.delay_seconds),
        interval_seconds=read("interval", number(0.1, 3600, "seconds"), default.interval_seconds),
        timeout_seconds=read("timeout", number(0.05, 600, "seconds"), default.timeout_seconds),
        failures=read.entries.read("failures", whole(1, 1000), default.failures),
        successes=read.entries.read("successes", whole(1, 1000), default.successes),
    )


def _probe_command(node: Node) -> tuple[str, ...]:
    arguments, shell = command_of(node)
    return arguments if shell is None else ("/bin/sh", "-c", shell)
