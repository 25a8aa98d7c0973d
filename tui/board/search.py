"""The filter: which cards fit what was typed. Words in any order; a word that stands nowhere is taken as misspelt."""

import re
from collections.abc import Callable, Mapping, Sequence

from rapidfuzz import fuzz

from storage import AgentId, Task, TaskId
from tui.wording import status_name

LIKENESS = 75
"""The least `partial_ratio` (0 to 100) at which a word counts as a misspelling: one letter in four may be wrong."""


class Search:
    """Finds cards by number (`#12`), title, description, labels, assignee (`@ann`), priority (`!high`) and column.

    Keeps the searched text of each task until the task is another.
    """

    def __init__(self, agent_name: Callable[[AgentId | None], str]) -> None:
        self._agent_name = agent_name
        self._texts: dict[TaskId, tuple[Task, str]] = {}
        self._misspelt: dict[str, Callable[[str], bool]] = {}
        self._everything: Mapping[TaskId, Task] = {}

    def forget_names(self) -> None:
        """Agents have other names now."""
        self._texts.clear()

    def prepare(self, query: str, everything: Mapping[TaskId, Task]) -> None:
        """Get ready for `query` on a board: find out which of its words stand nowhere on it."""
        texts = [self._text(task) for task in everything.values()]
        self._misspelt = {}
        for word in _words(query):
            if not word.startswith("#") and not any(word in text for text in texts):
                self._misspelt[word] = _similar(word)

    def matching(self, query: str, tasks: Sequence[Task]) -> list[Task]:
        """Those of the tasks that fit all words of the query, in their order."""
        words = _words(query)
        exact = [word for word in words if word not in self._misspelt]
        numbers = {word for word in exact if re.fullmatch(r"#\d+", word)}
        exact = [word for word in exact if word not in numbers]
        found = [
            task
            for task in tasks
            if (not numbers or f"#{task.number}" in numbers) and _has_all(self._text(task), exact)
        ]
        for is_like in self._misspelt.values():
            found = [task for task in found if is_like(self._text(task).partition("\n")[0])]
        return found

    def _text(self, task: Task) -> str:
        known = self._texts.get(task.id)
        if known is not None and known[0] is task:
            return known[1]
        name = self._agent_name(task.assignee)
        labels = " ".join(task.labels)
        # The first line is what a misspelt word is compared with: in a long description, anything resembles anything.
        text = (
            f"#{task.number} {task.title[:400]} {labels} @{name} !{task.priority} {status_name(task.status)}\n"
            f"{task.title[400:]}\n{task.description}"
        ).casefold()
        self._texts[task.id] = task, text
        return text


def _words(query: str) -> list[str]:
    return query.casefold().split()


def _has_all(text: str, words: list[str]) -> bool:
    return all(word in text for word in words)


def _similar(word: str) -> Callable[[str], bool]:
    letters = re.compile(r"[^\s]*?".join(map(re.escape, word)))

    def is_like(text: str) -> bool:
        if letters.search(text):
            return True
        return len(word) >= 4 and fuzz.partial_ratio(word, text, score_cutoff=LIKENESS) > 0

    return is_like
