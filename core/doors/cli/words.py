"""How a word of the command line is read: by the type that an operation's signature gives it, never by operation."""

import sys
import typing
from collections.abc import Callable
from datetime import date, timedelta
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any, Final, NewType

import click
from click.shell_completion import CompletionItem

from core.operation import Item, Line, Moment, ProcessRef, Text, bare_type, is_optional
from storage import AgentId, AlertId, ChangeId, HandoffId, ParallelError, RunId, SessionId, TaskId

if typing.TYPE_CHECKING:
    from core.doors.cli.context import Run

LARGEST: Final = 2**53
"""Beyond this, JSON readers round."""

STDIN: Final = "-"
"""The word that stands for what is piped in."""

NONE: Final = "none"
"""The word (or nothing at all, `""`) that takes a value away."""


class Cleared(Enum):
    """The type of `CLEARED`."""

    CLEARED = "cleared"


CLEARED: Final = Cleared.CLEARED
"""What a word type gives for None, since click takes None for a missing word."""


class Word(click.ParamType[Any]):
    """A word taken as it is, refused if it is not valid Unicode."""

    def __init__(self, name: str, complete: "Callable[[Run], list[tuple[str, str]]] | None" = None) -> None:
        self.name = name
        self.noun = name
        self._complete = complete

    def convert(self, value: Any, param: Any = None, ctx: Any = None) -> Any:  # noqa: ARG002
        """The word's value; click says which parameter it was where it is refused.

        Raises:
            click.BadParameter: it cannot be read as this type.
        """
        if not isinstance(value, str):
            return value  # converted already
        try:
            value.encode()
        except UnicodeEncodeError:
            raise click.BadParameter(f"{value!r} is not valid Unicode.") from None
        return self.read(value)

    def read(self, text: str) -> Any:
        """The value of a valid text."""
        return text

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:  # noqa: ARG002
        """What stands for the word in the help."""
        return self.name if isinstance(param, click.Option) else None

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """The words that begin so, as this home knows them; none where it cannot be asked."""
        if self._complete is None or ctx.obj is None:
            return []
        try:
            known = self._complete(ctx.obj)
        except ParallelError:
            return []  # a completion is no place for an error
        return [CompletionItem(word, help=what or None) for word, what in known if word.startswith(incomplete)]


class Number(Word):
    """A whole number from 0."""

    def read(self, text: str) -> int:
        """The number."""
        if not (text.isascii() and text.isdigit() and len(text) <= 16 and int(text) <= LARGEST):
            raise click.BadParameter(f"{text!r} is no whole number from 0.")
        return int(text)


class Day(Word):
    """A date, or a day from today."""

    def read(self, text: str) -> date:
        """The date."""
        today = date.today()  # noqa: DTZ011  the person's own day
        if text in ("today", "tomorrow"):
            return today + timedelta(days=text == "tomorrow")
        try:
            if text.startswith("+"):
                return today + timedelta(days=int(text[1:]))
            return date.fromisoformat(text)
        except (ValueError, OverflowError):
            raise click.BadParameter(
                f"{text!r} is no date; give YYYY-MM-DD, today, tomorrow, or +N for N days from now."
            ) from None


class Directory(Word):
    """A path."""

    def read(self, text: str) -> Path:
        """The path as given."""
        return Path(text)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """Directories, by the shell."""
        return [CompletionItem(incomplete, type="dir")]


class Body(Word):
    """A text of several lines; `-` reads it from stdin."""

    def read(self, text: str) -> str:
        """The text."""
        return read_stdin() if text == STDIN else text


class Choice(Word):
    """One of a closed vocabulary, in any case, with `-` or `_`."""

    def __init__(self, vocabulary: type[StrEnum]) -> None:
        super().__init__(f"[{'|'.join(vocabulary)}]")
        self.noun = vocabulary.__name__.upper()
        self._vocabulary = vocabulary

    def read(self, text: str) -> StrEnum:
        """The member."""
        try:
            word = text.strip().lower()
            known = {each.replace("-", "_"): each for each in self._vocabulary}
            return known[word.replace("-", "_")]
        except KeyError:
            raise click.BadParameter(f"{text!r} is none of {', '.join(self._vocabulary)}.") from None

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """The members that begin so."""
        return [CompletionItem(each.value) for each in self._vocabulary if each.startswith(incomplete)]


class Clearable(Word):
    """Another type's word, or `none` to take the value away."""

    def __init__(self, inner: Word) -> None:
        super().__init__(inner.name)
        self.noun = inner.noun
        self._inner = inner

    def read(self, text: str) -> Any:
        """The value, or CLEARED."""
        return CLEARED if text in ("", NONE) else self._inner.convert(text)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The other type's words."""
        return self._inner.shell_complete(ctx, param, incomplete)


class Several(Word):
    """Words of another type, separated by commas, as a tuple; nothing or `none` gives none of them."""

    def __init__(self, inner: Word, *, reads_stdin: bool) -> None:
        super().__init__(inner.name)
        self.noun = inner.noun
        self._inner = inner
        self._reads_stdin = reads_stdin

    def read(self, text: str) -> tuple[Any, ...]:
        """The values; of `-`, those that stand on stdin, separated by white space."""
        if self._reads_stdin and text == STDIN:
            words = read_stdin().split()
        else:
            words = [] if text == NONE else [word.strip() for word in text.split(",") if word.strip()]
        return tuple(self._inner.convert(word) for word in words)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The other type's words, after the last comma."""
        before, comma, last = incomplete.rpartition(",")
        found = self._inner.shell_complete(ctx, param, last)
        return [CompletionItem(before + comma + item.value, help=item.help) for item in found]


class Whole(Word):
    """A word that is taken whole, as a tuple of one: sentences have commas."""

    def read(self, text: str) -> tuple[str, ...]:
        """The one value; none of `none` or of nothing."""
        return () if text in ("", NONE) else (text,)


class Argument(Word):
    """A word of another program's command line, just as it is, as a tuple of one."""

    def read(self, text: str) -> tuple[str, ...]:
        """The one word."""
        return (text,)


class Pairs(Word):
    """`KEY=VALUE`, one or several separated by commas, as a dict."""

    def __init__(self, key: Word, value: Word) -> None:
        super().__init__("NAME=VALUE")
        self._key, self._value = key, value

    def read(self, text: str) -> dict[Any, Any]:
        """The pairs."""
        pairs = {}
        for each in text.split(","):
            key, equals, value = each.partition("=")
            if not equals:
                raise click.BadParameter(f"{each!r} is no NAME=VALUE.")
            pairs[self._key.convert(key)] = self._value.convert(value.strip())
        return pairs


def _tasks(run: "Run") -> list[tuple[str, str]]:
    from core.text import for_screen

    with run.database.read() as rows:
        return [(str(task.number), for_screen(task.title)[:60]) for task in rows.tasks(run.room.id)]


def _agents(run: "Run") -> list[tuple[str, str]]:
    with run.database.read() as rows:
        known = [(agent.name, agent.description) for agent in rows.agents(run.room.id)]
    return [*known, ("me", "yourself"), ("nobody", "")]


def _handoffs(run: "Run") -> list[tuple[str, str]]:
    from core.text import for_screen

    with run.database.read() as rows:
        return [(each.id, for_screen(each.summary)[:60]) for each in rows.handoffs(run.room.id)]


def _runs(run: "Run") -> list[tuple[str, str]]:
    from core.text import for_screen

    with run.database.read() as rows:
        return [(each.id, f"{each.state} {for_screen(each.command)[:50]}") for each in rows.runs(run.room.id, limit=50)]


def _alerts(run: "Run") -> list[tuple[str, str]]:
    from core.text import for_screen

    with run.database.read() as rows:
        return [(each.id, for_screen(each.message)[:60]) for each in rows.alerts(run.room.id, limit=50)]


def _processes(run: "Run") -> list[tuple[str, str]]:
    with run.database.read() as rows:
        known = rows.processes(run.room.id)
    labels = {f"@{label}": "" for each in known for label in each.spec.labels}
    return [*((each.name, str(each.state)) for each in known), *labels.items()]


def _rooms(run: "Run") -> list[tuple[str, str]]:
    with run.database.read() as rows:
        return [(room.name, room.root) for room in rows.rooms()]


class AgentName(Word):
    """An agent's name or id; `me`, `nobody`."""

    def read(self, text: str) -> str:
        """The name, as `core.execute` resolves it."""
        return "nobody" if text in ("", NONE) else text


TASK: Final = Word("TASK", _tasks)
AGENT: Final = AgentName("AGENT", _agents)
ROOM: Final = Word("ROOM", _rooms)
NUMBER: Final = Number("N")
ARGUMENT: Final = Argument("WORD")

_BY_TYPE: Final[dict[Any, Word]] = {
    TaskId: TASK,
    AgentId: AGENT,
    ChangeId: Word("CHANGE"),
    HandoffId: Word("HANDOFF", _handoffs),
    SessionId: Word("SESSION"),
    RunId: Word("RUN", _runs),
    AlertId: Word("ALERT", _alerts),
    Line: Word("TEXT"),
    Text: Body("TEXT"),
    Moment: Word("WHEN"),
    ProcessRef: Word("PROCESS", _processes),
    int: NUMBER,
    date: Day("DATE"),
    Path: Directory("DIR"),
    str: Word("TEXT"),
}


def word_for(annotation: Any) -> Word:
    """How words of a type are read.

    Raises:
        TypeError: no operation has had such an argument yet; its reading has to be written here first.
    """
    bare = bare_type(annotation)
    origin, arguments = typing.get_origin(bare), typing.get_args(bare)
    if origin is tuple and arguments[0] is Item:
        return Whole("TEXT")
    if origin is tuple:
        return Several(word_for(arguments[0]), reads_stdin=arguments[0] is TaskId)
    if origin is dict:
        return Pairs(word_for(arguments[0]), word_for(arguments[1]))
    if isinstance(bare, type) and issubclass(bare, StrEnum):
        word: Word = Choice(bare)
    elif bare in _BY_TYPE:
        word = _BY_TYPE[bare]
    elif isinstance(bare, NewType):
        word = word_for(bare.__supertype__)
    else:
        raise TypeError(f"the command line cannot read a {bare!r}")
    return Clearable(word) if is_optional(annotation) and word is not AGENT else word


def is_repeated(annotation: Any) -> bool:
    """Whether an option of this type may be given several times, its words adding up."""
    return typing.get_origin(bare_type(annotation)) in (tuple, dict)


def joined(annotation: Any, values: Any) -> Any:
    """The one value that the repeated words of an option or a variadic argument add up to."""
    if typing.get_origin(bare_type(annotation)) is dict:
        return {key: each for pairs in values for key, each in pairs.items()}
    return tuple(each for several in values for each in several)


def read_stdin() -> str:
    """What is piped in, to its end; bytes that are no UTF-8 stay recognisable and are refused later."""
    return sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
