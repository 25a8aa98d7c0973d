"""A window onto the output of one or several processes, merged by time. It knows no line but those in view.

A *place* is an offset in each process's output: the lines from there on are below it, those before it above.
"""

import heapq
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path

from core.logs.expressions import Expression
from storage import Home, OutputLine, OutputReader, Process, strip_ansi

Place = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """The output of one process, under its name."""

    name: str
    process: str
    folder: Path
    reader: OutputReader = field(compare=False)

    @property
    def stamp(self) -> tuple[int, int]:
        """What changes when something is printed; one stat."""
        try:
            status = (self.folder / "output.log").stat()
        except OSError:
            return 0, 0
        return status.st_ino, status.st_size


@dataclass(frozen=True, slots=True)
class Entry:
    """A line, and the number of its source."""

    source: int
    line: OutputLine


def output_folder(home: Home, process: str) -> Path:
    """Where a process's output lies."""
    return output_folders(home) / process


def output_folders(home: Home) -> Path:
    """Where the outputs of all processes lie, each in a folder of its id."""
    return home.logs / "processes"


def sources_of(home: Home, processes: Iterable[Process]) -> tuple[Source, ...]:
    """The outputs of processes."""
    return tuple(
        Source(each.name, each.id, folder, OutputReader(folder))
        for each in processes
        for folder in (output_folder(home, each.id),)
    )


@dataclass(frozen=True, slots=True)
class Keep:
    """Lets only lines through in which a pattern is found."""

    pattern: re.Pattern[str]

    def __call__(self, line: OutputLine) -> bool:
        """Whether a line goes through."""
        return self.pattern.search(strip_ansi(line.text)) is not None


class Window:
    """Reads; every call afresh, in any thread. Blocking. Two onto the same outputs are equal.

    Args:
        watch: is told the name of the output that is looked into, again with each piece that is read of it.
    """

    def __init__(self, sources: Sequence[Source], watch: Callable[[str], None] | None = None) -> None:
        self.sources = tuple(sources)
        self._watch = watch

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Window) and self.sources == other.sources

    def __hash__(self) -> int:
        return hash(self.sources)

    def __reduce__(self) -> tuple[type["Window"], tuple[tuple[Source, ...]]]:
        return Window, (self.sources,)

    def watched(self, watch: Callable[[str], None]) -> "Window":
        """One that tells which output it looks into."""
        return Window(
            [replace(each, reader=OutputReader(each.folder, partial(watch, each.name))) for each in self.sources], watch
        )

    def look_into(self, source: int) -> None:
        """Tell that an output is looked into."""
        if self._watch is not None:
            self._watch(self.sources[source].name)

    def begin(self) -> Place:
        """The place above all that is kept."""
        return tuple(each.reader.bounds()[0] for each in self.sources)

    def end(self) -> Place:
        """The place below all that is there."""
        return tuple(each.reader.bounds()[1] for each in self.sources)

    def at(self, moment: datetime) -> Place:
        """The place at a moment."""
        ends = self.end()
        return tuple(
            next((line.offset for line in each.reader.since(moment)), end)
            for each, end in zip(self.sources, ends, strict=True)
        )

    def below(self, place: Place, count: int, keep: Keep | None = None) -> list[Entry]:
        """The next lines from a place on."""
        found = []
        for entry in self.merged([self._from(number, place[number], keep) for number in range(len(self.sources))]):
            found.append(entry)
            if len(found) >= count:
                break
        return found

    def between(self, place: Place, end: Place, keep: Keep | None = None) -> Iterator[Entry]:
        """All lines from a place to another, one by one."""
        return self.merged(
            [self._from(number, place[number], keep, end[number]) for number in range(len(self.sources))]
        )

    def above(self, place: Place, count: int, keep: Keep | None = None) -> list[Entry]:
        """The last lines before a place."""
        each = [self._before(number, place[number], count, keep) for number in range(len(self.sources))]
        return list(self.merged(each))[-count:] if count > 0 else []

    def last_lines(self) -> Place:
        """The place above each source's last line, which may not be whole yet."""
        end = self.end()
        last = [each.reader.tail(1, before=mark) for each, mark in zip(self.sources, end, strict=True)]
        return tuple(lines[0].offset if lines else mark for lines, mark in zip(last, end, strict=True))

    def reaches(self, place: Place) -> bool:
        """Whether there is as much as a place was in; where a log was removed, there is less."""
        return all(mark <= end for mark, end in zip(place, self.end(), strict=True))

    def renewed(self, known: Sequence[Entry], upto: Place, count: int, keep: Keep) -> tuple[list[Entry], Place]:
        """The last lines that are kept, where those above a place are known: only what has come since is read.

        Gives the lines, and the place above which they are known now.
        """
        end, now = self.end(), self.last_lines()
        whole = [each for each in known if each.line.offset < upto[each.source]]
        fresh = [self._matching(number, upto[number], keep.pattern, None) for number in range(len(self.sources))]
        return list(self.merged([whole, *fresh]))[-count:], tuple(map(min, zip(now, end, strict=True)))

    def moved(self, place: Place, entries: Iterable[Entry], *, past: bool = False) -> Place:
        """The place above these lines, which are contiguous; with `past`, the one below them."""
        marks = list(place)
        seen: set[int] = set()
        for entry in entries:
            if past:
                marks[entry.source] = entry.line.offset + 1
            elif entry.source not in seen:
                marks[entry.source] = entry.line.offset
                seen.add(entry.source)
        return tuple(marks)

    def find(self, place: Place, pattern: re.Pattern[str], *, forward: bool, keep: Keep | None = None) -> Entry | None:
        """The first line below a place (or the last above it) in which a pattern is found."""
        if not forward:
            return self._find_back(place, pattern, keep)
        each = [self._matching(number, place[number], pattern, keep) for number in range(len(self.sources))]
        return next(self.merged(each), None)

    def _matching(self, number: int, begin: int, pattern: re.Pattern[str], keep: Keep | None) -> Iterator[Entry]:
        for line in self.sources[number].reader.grep(pattern, begin=begin):
            if keep is None or keep(line):
                yield Entry(number, line)
                self.look_into(number)  # again, after others

    def _find_back(self, place: Place, pattern: re.Pattern[str], keep: Keep | None) -> Entry | None:
        """The last of what each source has; of a long one, only what is newer than what is found already."""
        best: Entry | None = None
        for number in sorted(range(len(self.sources)), key=lambda each: place[each]):
            since = best.line.at if best is not None else None
            found = self.sources[number].reader.grep_back(pattern, before=place[number], since=since)
            line = next((each for each in found if keep is None or keep(each)), None)
            if line is not None and (best is None or _comes_after(line, number, best)):
                best = Entry(number, line)
        return best

    def place_of(self, entry: Entry) -> Place:
        """The place just above a line: of what came at the same time, that of earlier sources stands above it."""
        marks = list(self.at(entry.line.at)) if len(self.sources) > 1 else [0]
        if entry.source:
            after = self.at(entry.line.at + timedelta(microseconds=1))
            marks[: entry.source] = after[: entry.source]
        marks[entry.source] = entry.line.offset
        return tuple(marks)

    @staticmethod
    def merged(each: Iterable[Iterable[Entry]]) -> Iterator[Entry]:
        """Lines of several sources by time; those of one stay in their order, whatever its clock did."""
        return heapq.merge(*each, key=lambda entry: entry.line.at)

    def _from(self, number: int, begin: int, keep: Keep | None, end: int | None = None) -> Iterator[Entry]:
        if keep is not None and end is None:  # four times as fast
            yield from self._matching(number, begin, keep.pattern, None)
            return
        for line in self.sources[number].reader.lines(begin, end):
            if keep is None or keep(line):
                yield Entry(number, line)
                self.look_into(number)

    def _before(self, number: int, end: int, count: int, keep: Keep | None) -> list[Entry]:
        reader = self.sources[number].reader
        if keep is None:
            return [Entry(number, line) for line in reader.tail(count, before=end)]
        found = [*islice(reader.grep_back(keep.pattern, before=end), count)]
        return [Entry(number, line) for line in reversed(found)]


def kept_between(window: Window, place: Place, end: Place, expression: Expression) -> Iterator[Entry]:
    """The lines from a place to another in which an expression is found, one by one."""
    return window.between(place, end, Keep(expression.pattern))


def kept_above(window: Window, place: Place, count: int, expression: Expression) -> list[Entry]:
    """The last lines before a place in which an expression is found."""
    return window.above(place, count, Keep(expression.pattern))


def kept_of(window: Window, entries: Sequence[Entry], expression: Expression) -> list[Entry]:
    """Those of some lines in which an expression is found."""
    keep = Keep(expression.pattern)
    kept, source = [], -1
    for entry in entries:
        if entry.source != source:
            source = entry.source
            window.look_into(source)
        if keep(entry.line):
            kept.append(entry)
    return kept


def _comes_after(line: OutputLine, number: int, other: Entry) -> bool:
    """Whether a line stands below another in the merged output: of the same time, that of the later source does."""
    return (line.at, number) > (other.line.at, other.source)
