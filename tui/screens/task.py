"""The task: all there is to one task, as it is or as it was, live."""

from dataclasses import dataclass
from typing import ClassVar

from markdown_it import MarkdownIt
from textual import on, work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Markdown, Static

from core.board import CLOSED
from core.doors.hints import COMMANDS, hint_for
from core.operations.task import TaskDetail
from core.text import block_for_screen, for_screen
from storage import Comment, EntityKind, Event, ParallelError, RunState, Status, Task, TaskId, utc_now
from tui import changing, handing, reviewing, running
from tui.actions import Action, bindings_of
from tui.board_state import BoardChange
from tui.dialogs import Confirm
from tui.graph import draw_graph
from tui.run_text import run_line
from tui.screens.place import Place
from tui.sentences import event_sentence
from tui.submit import submit
from tui.task_text import facts, handoff_line, history_text, result_text
from tui.translation import _
from tui.widgets.footer import KeysFooter
from tui.wording import MUTED, Names, clock, full_time

RUNS_SHOWN = 10
"""How many of the task's runs are listed: the last ones; the queue's screen has them all."""

TASK_ACTIONS = (
    Action("task.back", "escape,backspace", "back", "Back", "Return to where you came from.", "Task", True, False),
    Action("task.edit", "e", "edit", "Edit", "Edit the fields of the task.", "Task", True),
    Action("task.comment", "c", "comment", "Comment", "Leave a remark on the task.", "Task", True),
    Action("task.approve", "r", "review('approve')", "Approve", "Approve the task that waits in review.", "Task", True),
    Action("task.send_back", "R", "review('send_back')", "Send back", "Send it back to the queue, with a comment.",
           "Task", True),
    Action("task.hand_over", "o", "hand_over", "Hand over", "Hand the task over to an agent or person.", "Task", True),
    Action("task.queue", "Q", "queue", "Queue", "Let a worker carry out the command.", "Task", True),
    Action("task.approve_command", "Y", "approve_command", "Approve command", "Let a command run that an agent has "
           "set.", "Task", True),
    Action("task.archive", "x", "archive", "Archive", "Take the task off the board, or bring it back.", "Task", True),
    Action("task.older", "left_square_bracket", "step(-1)", "Older", "See the version before.", "Versions", True),
    Action("task.newer", "right_square_bracket", "step(1)", "Newer", "See the version after.", "Versions", True),
    Action("task.down", "j,down", "scroll(2)", "Down", "Scroll down.", "Reading", in_palette=False),
    Action("task.up", "k,up", "scroll(-2)", "Up", "Scroll up.", "Reading", in_palette=False),
    Action("task.page_down", "pagedown,space,ctrl+f", "page(1)", "Page down", "Scroll down a page.", "Reading",
           in_palette=False),
    Action("task.page_up", "pageup,ctrl+b", "page(-1)", "Page up", "Scroll up a page.", "Reading", in_palette=False),
    Action("task.top", "home,g", "end(-1)", "Top", "Go to the top.", "Reading", in_palette=False),
    Action("task.bottom", "end,G", "end(1)", "Bottom", "Go to the end.", "Reading", in_palette=False),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is on the screen: the task with all that hangs on it, and the event after which it stood so."""

    detail: TaskDetail
    at: Event | None


class TaskScreen(Place):
    """One task in full."""

    ACTIONS = TASK_ACTIONS
    BINDINGS: ClassVar = bindings_of(TASK_ACTIONS)
    CSS_PATH = "task.tcss"
    AUTO_FOCUS = ""

    def __init__(self, task_id: TaskId) -> None:
        super().__init__()
        self.task_id = task_id
        self._seen: _Seen | None = None
        self._versions: list[Event] = []
        self._at: int | None = None
        self._description: str | None = None
        self._comments: tuple[Comment, ...] | None = None

    def compose(self) -> ComposeResult:
        yield Static("", id="past", markup=False)
        with VerticalScroll(id="page", can_focus=False):
            yield Static("", id="title", markup=False)
            yield Static("", id="facts", markup=False)
            yield Static("", id="missing", markup=False)
            yield Static(_("Result"), classes="heading", id="result-heading", markup=False)
            yield Static("", id="result", markup=False)
            yield Static(_("Runs"), classes="heading", id="runs-heading", markup=False)
            yield Static("", id="runs", markup=False)
            yield Static(_("Handoffs"), classes="heading", id="handoffs-heading", markup=False)
            yield Static("", id="handoffs", markup=False)
            yield Markdown("", parser_factory=_parser, open_links=False, id="description")
            yield Static(_("Dependencies"), classes="heading", id="graph-heading", markup=False)
            yield Static("", id="graph", markup=False)
            yield Static(_("Comments"), classes="heading", id="comments-heading", markup=False)
            yield VerticalScroll(id="comments", can_focus=False)
            yield Static(_("History"), classes="heading", id="history-heading", markup=False)
            yield Static("", id="events", markup=False)
        yield KeysFooter(id="keys")

    def on_mount(self) -> None:
        self.parallel.changed.subscribe(self, self._take_in)
        self.load()

    def current_task(self) -> Task | None:
        """The task, for the palette."""
        return self.state.tasks.get(self.task_id)

    # reading

    def _take_in(self, change: BoardChange) -> None:
        """Read again what a change concerns: the task, its neighbours in the graph, or who is called how."""
        concerns = self.task_id in change.tasks or any(event.subject_id == self.task_id for event in change.events)
        if concerns or change.everything or change.agents_changed:
            self.load()
        elif change.tasks and self._seen is not None:
            self._show_graph(self._seen.detail.task)

    @work(group="read", exclusive=True, exit_on_error=False)
    async def load(self) -> None:
        """Read the task as it is, or as it was at the chosen version, and show it."""
        at = self._versions[self._at] if self._at is not None else None
        try:
            now: TaskDetail = (await self.desk.call("get_task", task=self.task_id)).value
            shown = now
            if at is not None:
                shown = (await self.desk.call("get_task", task=self.task_id, at=str(at.sequence))).value
        except ParallelError as error:
            await self._show_missing(error)
            return
        except Exception as error:
            self.app._handle_exception(error)
            return
        self._versions = [event for event in now.history if event.entity is EntityKind.TASK]
        self._seen = _Seen(shown, at)
        await self._show(self._seen)

    async def _show_missing(self, error: ParallelError) -> None:
        self._seen = None
        self.query_one("#missing", Static).update(
            "\n".join([error.message, hint_for(COMMANDS, error.hint), "", _("esc goes back.")])
        )
        self.add_class("-missing")

    # showing

    async def _show(self, seen: _Seen) -> None:
        self.remove_class("-missing")
        task, names = seen.detail.task, Names(self.state)
        self.set_class(seen.at is not None, "-past")
        self.query_one("#past", Static).update(self._past(seen.at, names))
        self.query_one("#title", Static).update(Content.styled(f"#{task.number}  {for_screen(task.title)}", "bold"))
        self.query_one("#facts", Static).update(facts(seen.detail, names))
        self._show_part("result", result_text(task.result, names) if task.result is not None else None)
        runs = sorted((run for run in self.state.runs.values() if run.task_id == task.id), key=lambda run: -run.attempt)
        lines = [run_line(run, self.state, utc_now()) for run in runs[:RUNS_SHOWN]]
        self._show_part("runs", Content("\n").join(lines) if lines else None)
        handed = [handoff_line(each, names) for each in seen.detail.handoffs]
        self._show_part("handoffs", Content("\n").join(handed) if handed else None)
        self.refresh_bindings()
        if task.description != self._description:
            self._description = task.description
            text = block_for_screen(task.description) or _("*No description. Press* **e** *to write one.*")
            await self.query_one("#description", Markdown).update(text)
        self._show_graph(task)
        await self._show_comments(seen.detail.comments, names)
        self.query_one("#events", Static).update(history_text(seen.detail.history, names))

    def _show_part(self, name: str, text: Content | None) -> None:
        """Show a part with its heading, or neither."""
        for each in (f"#{name}", f"#{name}-heading"):
            self.query_one(each).display = text is not None
        self.query_one(f"#{name}", Static).update(text or "")

    def _past(self, at: Event | None, names: Names) -> Content:
        if at is None or self._at is None:
            return Content("")
        where = _("As it was at version {version} of {count}, {time}:").format(
            version=self._at + 1, count=len(self._versions), time=full_time(at.at)
        )
        return Content.assemble(
            (f" {where} ", "bold"),
            f"{names.agent(at.agent_id)} {event_sentence(at, names, is_brief=True)}",
            "   ",
            _("] newer  [ older  esc now"),
            " ",
        )

    def _show_graph(self, task: Task) -> None:
        graph = draw_graph(task, self.state.tasks)
        self.query_one("#graph", Static).update(Content("\n").join(graph) if graph else Content.styled(
            _("Waits for nothing, and nothing waits for it."), MUTED
        ))  # fmt: skip

    async def _show_comments(self, comments: tuple[Comment, ...], names: Names) -> None:
        if comments == self._comments:
            return
        self._comments = comments
        box = self.query_one("#comments", VerticalScroll)
        with self.app.batch_update():
            await box.remove_children()
            if not comments:
                await box.mount(Static(_("No comments yet. Press c to write one."), classes="empty", markup=False))
            for comment in comments:
                head = f"{names.agent(comment.author)}  {clock(comment.created_at)}"
                await box.mount(Static(head, classes="author", markup=False))
                text = block_for_screen(comment.body)
                await box.mount(Markdown(text, parser_factory=_parser, open_links=False, classes="comment"))

    # doing

    async def action_back(self) -> None:
        """From a past version to now; from now to where the person came from."""
        if self._at is not None:
            self._at = None
            self.load()
        else:
            self.dismiss()

    def action_step(self, by: int) -> None:
        """Show the version before or after."""
        newest = len(self._versions) - 1
        at = (newest if self._at is None else self._at) + by
        if at < 0:
            self.parallel.tell(_("This is how it began."))
            return
        self._at = at if at < newest else None
        self.load()

    def action_edit(self) -> None:
        """Edit the task as it is now."""
        if (task := self.current_task()) is not None:
            self._in_worker(changing.edit(self.parallel, task))

    def action_comment(self) -> None:
        """Write a comment."""
        if (task := self.current_task()) is not None:
            self._in_worker(changing.comment(self.parallel, task))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        task = self.current_task()
        if action == "review":
            return task is not None and task.status is Status.REVIEW
        if action == "queue":
            run = self.state.latest_runs.get(self.task_id)
            is_open = run is not None and run.state in (RunState.QUEUED, RunState.RUNNING)
            return task is not None and task.command is not None and not is_open
        if action == "approve_command":
            return task is not None and not task.command_approved
        if action == "hand_over":
            return task is not None and task.status not in CLOSED
        return True

    def action_review(self, how: str) -> None:
        """Approve the task, or send it back."""
        if (task := self.current_task()) is not None:
            doing = reviewing.approve(self.parallel, task) if how == "approve" else self._send_back(task)
            self._in_worker(doing)

    async def _send_back(self, task: Task) -> None:
        if body := await reviewing.ask_what_is_missing(self.parallel, task):
            await reviewing.send_back(self.parallel, task, body)

    def action_hand_over(self) -> None:
        """Write a handoff of the task."""
        if (task := self.current_task()) is not None:
            self._in_worker(handing.write(self.parallel, task=task))

    def action_queue(self) -> None:
        """Let a worker carry out the command."""
        if (task := self.current_task()) is not None:
            self._in_worker(running.queue(self.parallel, [task]))

    def action_approve_command(self) -> None:
        """Let the command run, which an agent has set."""
        if (task := self.current_task()) is not None:
            self._in_worker(running.approve_command(self.parallel, task))

    def action_archive(self) -> None:
        """Archive the task, or restore it."""
        self._in_worker(self._archive())

    async def _archive(self) -> None:
        base = self.state.tasks.get(self.task_id)
        if base is None:
            return
        if base.status is Status.ARCHIVED:
            if await submit(self.parallel, "restore_task", base) is not None:
                self.parallel.tell(_("Brought #{number} back to the board.").format(number=base.number))
            return
        question = Confirm(
            _("Archive #{number}?").format(number=base.number),
            "\n\n".join([base.title, _("It leaves the board; u or x brings it back.")]),
            yes=_("Archive"),
        )
        if await self.app.push_screen_wait(question) and await submit(self.parallel, "archive_task", base) is not None:
            self.parallel.tell(_("Archived {tasks}.").format(tasks=f"#{base.number}"), hint=_("u brings it back."))

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.query_one("#page").scroll_relative(y=lines, animate=False)

    def action_page(self, by: int) -> None:
        """Scroll by pages."""
        page = self.query_one("#page")
        page.scroll_relative(y=by * max(1, page.size.height - 2), animate=False)

    def action_end(self, which: int) -> None:
        """Go to the top or the end."""
        page = self.query_one("#page")
        if which < 0:
            page.scroll_home(animate=False)
        else:
            page.scroll_end(animate=False)

    @on(Markdown.LinkClicked)
    def link_clicked(self, event: Markdown.LinkClicked) -> None:
        """Links come from others: show where they lead, and open nothing."""
        self.parallel.tell(_("Link: {link}").format(link=event.href))

    def _in_worker(self, doing: "object") -> None:
        self.run_worker(self.parallel.attempt(doing), group="ask", exit_on_error=False)  # type: ignore[arg-type]


def _parser() -> MarkdownIt:
    # Raw HTML is text like any other.
    return MarkdownIt("gfm-like", {"html": False})
