"""The agents' screen: what each is doing, live; and what the person does with them."""

from typing import Any

from textual.pilot import Pilot

from storage import AgentState, Role, SessionState
from tests.support.app import app_of, caught_up, open_app, screen_text, shown, until
from tests.support.crew import Worker
from tests.support.users import User
from tui.dialogs import AgentForm, Confirm, HandoffForm, Pick, ShowToken
from tui.screens.agents import AgentsScreen
from tui.screens.task import TaskScreen
from tui.widgets.line_list import LineList


async def open_agents(pilot: Pilot[Any], *texts: str) -> AgentsScreen:
    await pilot.press("3")
    await until(pilot, lambda: isinstance(pilot.app.screen, AgentsScreen))
    await shown(pilot, *texts)
    assert isinstance(pilot.app.screen, AgentsScreen)
    return pilot.app.screen


def rows_of(pilot: Pilot[Any]) -> list[str]:
    """The names in the list, from top to bottom."""
    screen = pilot.app.screen
    assert isinstance(screen, AgentsScreen)
    return [app_of(pilot).reports[each].agent.name for each in screen.ids]  # type: ignore[index]


async def test_an_empty_room_says_what_to_do_next(board: User) -> None:
    async with open_app(board) as pilot:
        await open_agents(pilot, "No agent works in this room yet.", "wzp agents install --client claude")


async def test_who_waits_stands_first_then_who_works_and_people_last(board: User) -> None:
    for name, state in (("ann", AgentState.IDLE), ("bea", AgentState.WORKING), ("cid", AgentState.WAITING)):
        Worker(board, name).is_seen(state)
    board.call("create_agent", name="dan")
    async with open_app(board) as pilot:
        await open_agents(pilot, "waiting · hook", "working · hook", "idle · hook", "unknown · no session")
        assert rows_of(pilot) == ["cid", "bea", "ann", "dan", "owner"]


async def test_what_an_agent_is_seen_doing_appears_by_itself_and_the_cursor_stays_on_its_agent(board: User) -> None:
    ann, bea = Worker(board, "ann"), Worker(board, "bea")
    async with open_app(board) as pilot:
        screen = await open_agents(pilot, "idle · hook")
        screen.select(ann.agent.id)
        bea.is_seen(AgentState.WAITING, "Which port?")
        await shown(pilot, "waiting · hook", "Which port?")
        assert rows_of(pilot)[:2] == ["bea", "ann"]
        assert screen.selected == ann.agent.id


async def test_a_list_that_is_ordered_anew_while_the_cursor_moves_keeps_it_on_its_row(board: User) -> None:
    """What the next key acts on is what the person moved to, not what has come to its place meanwhile."""
    ann, bea, cid = (Worker(board, name).agent.id for name in ("ann", "bea", "cid"))
    async with open_app(board) as pilot:
        screen = await open_agents(pilot, "idle · hook")
        screen.fill([ann, bea, cid])
        screen.select(bea)
        screen.fill([bea, cid, ann])  # before anybody has heard that the cursor moved
        assert screen.selected == bea
        screen.select(ann)
        screen.fill([ann, bea, cid])
        await pilot.pause()
        assert screen.selected == ann
        assert screen.query_one(LineList).cursor == screen.ids.index(ann)


async def test_ages_grow_without_anything_happening(board: User) -> None:
    ann = Worker(board, "ann")
    ann.is_seen(AgentState.WORKING, seconds_ago=57)
    async with open_app(board) as pilot:
        await open_agents(pilot, "working · hook · 5")
        await shown(pilot, "working · hook · 1 min")


async def test_the_details_show_the_whole_question_tasks_session_and_events(board: User) -> None:
    ann = Worker(board, "ann", description="Builds the API.", skills=("api",))
    card = board.add("Fix login", status="todo")
    ann.call("claim_next", task=card)
    question = "May I delete the old migration? " * 4
    ann.is_seen(AgentState.WAITING, question, calls=1234)
    for size in ((80, 24), (200, 50)):
        async with open_app(board, size=size) as pilot:
            screen = await open_agents(pilot, "waiting · hook")
            await pilot.press("enter")
            texts = ("Builds the API.", "Skills: api", "1,234 calls", "In progress", "claimed #1 Fix login")
            await shown(pilot, *texts)
            assert " ".join(screen_text(pilot).split()).count("May I delete the old migration?") >= 4
            await pilot.press("escape")
            assert not screen.is_in_detail


async def test_t_opens_the_task_of_the_agent(board: User) -> None:
    ann = Worker(board, "ann")
    ann.call("claim_next", task=board.add("Fix login", status="todo"))
    async with open_app(board) as pilot:
        await open_agents(pilot, "#1")
        await pilot.press("t")
        await until(pilot, lambda: isinstance(pilot.app.screen, TaskScreen))
        await shown(pilot, "Claimed by", "ann, ")


async def test_an_agent_is_added_and_edited_in_a_form(board: User) -> None:
    async with open_app(board) as pilot:
        screen = await open_agents(pilot, "No agent")
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, AgentForm))
        await pilot.press(*"ann", "tab", "tab", "tab", *"Tests", "tab", *"tests, review", "ctrl+s")
        await until(pilot, lambda: any(each.agent.name == "ann" for each in app_of(pilot).reports.values()))
        ann = next(each.agent for each in app_of(pilot).reports.values() if each.agent.name == "ann")
        assert (ann.description, ann.skills, ann.role) == ("Tests", ("tests", "review"), Role.AGENT)
        screen.select(ann.id)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, AgentForm))
        await pilot.press("2", "ctrl+s")
        await shown(pilot, "ann2")


async def test_a_session_shows_its_token_once_with_the_line_to_copy(board: User) -> None:
    board.call("create_agent", name="ann")
    async with open_app(board) as pilot:
        await open_agents(pilot, "ann")
        await pilot.press("s")
        await until(pilot, lambda: isinstance(pilot.app.screen, ShowToken))
        (session,) = board.call("list_sessions")
        dialog = pilot.app.screen
        assert isinstance(dialog, ShowToken)
        await shown(pilot, "export", "WZP_SESSION_TOKEN=")
        await pilot.press("c")
        await shown(pilot, "Copied.")
        assert pilot.app.clipboard == dialog._line
        await pilot.press("escape")
        assert session.token_hash not in screen_text(pilot)


async def test_ending_a_session_asks_and_names_what_is_left_behind(board: User) -> None:
    ann = Worker(board, "ann")
    ann.call("claim_next", task=board.add("Fix login", status="todo"))
    async with open_app(board) as pilot:
        await open_agents(pilot, "ann")
        await pilot.press("x")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        assert "#1 is marked as left without a report." in screen_text(pilot)
        await pilot.press("y")
        await shown(pilot, "ended · session")
        assert board.call("get_session", session=ann.session).state is SessionState.ENDED
        await pilot.press("1")
        await shown(pilot, "× no report")


async def test_a_task_is_given_and_handed_over_from_here(board: User) -> None:
    ann = Worker(board, "ann")
    card = board.add("Fix login", status="todo")
    async with open_app(board) as pilot:
        await open_agents(pilot, "ann")
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, Pick))
        await pilot.press("enter")
        await until(pilot, lambda: board.see(card).assignee == ann.agent.id)
        await caught_up(pilot)
        await pilot.press("h")
        await until(pilot, lambda: isinstance(pilot.app.screen, Pick))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, HandoffForm))
        await pilot.press(*"half", "ctrl+s")
        await shown(pilot, "⇄1")
        (handoff,) = board.call("list_handoffs")
        assert (handoff.to_agent, handoff.summary) == (ann.agent.id, "half")


async def test_only_rows_that_read_otherwise_are_drawn_again(board: User) -> None:
    workers = [Worker(board, f"agent {number:02}") for number in range(12)]
    for each in workers:
        each.is_seen(AgentState.WORKING, seconds_ago=3_600)
    async with open_app(board, size=(80, 40)) as pilot:  # narrow: it shows no length of sessions that have just begun
        screen = await open_agents(pilot, "agent 11")
        lines = screen.query_one("#rows")
        drawn: list[int] = []
        render = lines.render_line
        lines.render_line = lambda y: (drawn.append(y), render(y))[1]  # type: ignore[method-assign]
        screen.tick()
        await pilot.pause()
        assert drawn == []
        workers[4].is_seen(AgentState.WORKING, "Edit web/board.tsx", seconds_ago=3_600)
        await until(pilot, lambda: drawn)
        assert len(drawn) == 1
