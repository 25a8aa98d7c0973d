"""The filter: which cards fit what was typed. Words in any order; a word that stands nowhere is taken as misspelt."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from rapidfuzz import fuzz

from storage import AgentId, Task, TaskId

LIKENESS: Final = 75
"""The least `partial_ratio` (0 to 100) at which a word counts as a misspelling: one letter in four may be wrong."""

MINE: Final = "@me"
"""The word for what is assigned to the person."""

LONG: Final = 2_000
"""Characters: so long a text is searched from the beginnings of words alone, which takes five times as long as usual,
but never grows with the square of its length."""
_NUMBER: Final = re.compile(r"#\d+")


class Search:
    """Finds cards by number (`#12`), title, description, labels, assignee (`@ann`, `@me`) and priority (`!high`).

    `prepare` a query for a board, then ask for what is `matching` in each column. Keeps the searched text of each
    task until that is another; 10,000 tasks take 5 ms a query.
    """

    def __init__(self, agent_name: Callable[[AgentId | None], str], me: Callable[[], AgentId | None]) -> None:
        self._agent_name = agent_name
        self._me = me
        self._tasks: dict[TaskId, Task] = {}
        self._texts: dict[TaskId, str] = {}
        self._found: frozenset[TaskId] = frozenset()
        self._sequence: int | None = None

    def forget_names(self) -> None:
        """Agents have other names now."""
        self._tasks.clear()
        self._sequence = None

    def prepare(self, query: str, everything: Mapping[TaskId, Task], *, sequence: int | None = None) -> None:
        """Find what fits a query on a board.

        Args:
            everything: all tasks of the board, by which a word is known to stand nowhere.
            sequence: the moment of the board; the same one as last time means the same tasks.
        """
        if sequence is None or sequence != self._sequence:
            self._sequence = sequence
            for task in everything.values():
                if self._tasks.get(task.id) is not task:
                    self._tasks[task.id] = task
                    self._texts[task.id] = self._text(task)
        texts = self._texts
        found = list(everything)
        for word in query.casefold().split():
            if _NUMBER.fullmatch(word):
                found = [each for each in found if texts[each].startswith(f"{word} ")]
                continue
            if word == MINE:
                me = self._me()
                found = [each for each in found if me is not None and everything[each].assignee == me]
                continue
            if word.startswith("!"):
                found = [each for each in found if everything[each].priority.startswith(word[1:])]
                continue
            fitting = [each for each in found if word in texts[each]]
            if not fitting and not any(word in text for text in texts.values()):
                is_like = _likeness(word)
                fitting = [each for each in found if is_like(texts[each].partition("\n")[0])]
            found = fitting
        self._found = frozenset(found)

    def matching(self, tasks: Sequence[Task]) -> list[Task]:
        """Those of the tasks that fit the prepared query, in their order."""
        found = self._found
        return [task for task in tasks if task.id in found]

    def _text(self, task: Task) -> str:
        name = self._agent_name(task.assignee)
        labels = " ".join(task.labels)
        # The first line is what a misspelt word is compared with: in a long description, anything resembles anything.
        return (
            f"#{task.number} {task.title[:400]} {labels} {f'@{name}' if name else ''}\n"
            f"{task.title[400:]}\n{task.description}"
        ).casefold()


def _likeness(word: str) -> Callable[[str], bool]:
    # Each letter at its first place: one way to try from where it begins, and, in what is long, one place to begin.
    rest = "".join(rf"[^\s{re.escape(each)}]*{re.escape(each)}" for each in word[1:])
    first = re.escape(word[0])
    letters = re.compile(first + rest)
    letters_in_long = re.compile(rf"(?<!\S)[^\s{first}]*{first}{rest}")

    def is_like(text: str) -> bool:
        if (letters if len(text) <= LONG else letters_in_long).search(text):
            return True
        return len(word) >= 4 and fuzz.partial_ratio(word, text, score_cutoff=LIKENESS) > 0

    return is_like
