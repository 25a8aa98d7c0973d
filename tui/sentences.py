"""What happened, as a sentence, for whoever reads the history.

All that comes from tasks, agents and events leaves this module safe for the screen; none of it is markup.
"""

from typing import Final

from core.text import for_screen
from storage import EntityKind, Event, Status
from tui.translation import _, mark
from tui.wording import HIDDEN_FIELDS, Names, field_name, field_value, status_name

_STATUS_SENTENCES: Final = {
    "done": mark("finished {task}, {before} → {after}"),
    "blocked": mark("blocked {task}, {before} → {after}"),
}

_CLAIM_SENTENCES: Final = {
    "claimed": mark("claimed {task}"),
    "finished": mark("reported {task} as done"),
    "failed": mark("failed at {task}"),
    "given_back": mark("gave {task} back to the queue"),
    "returned": mark("returned {task} to the queue"),
    "claim_lapsed": mark("took the claim of {task} from its agent"),
    "claim_released": mark("let go of {task} to hand it over"),
    "abandoned": mark("found {task} left without a report"),
    "approved": mark("approved {task}"),
    "sent_back": mark("sent {task} back"),
    "command_approved": mark("approved the command of {task}"),
    "gathered": mark("gathered the results of the parts of {task}"),
}

_HANDOFF_SENTENCES: Final = {
    "acknowledged": mark("acknowledged the handoff of {task}"),
    "declined": mark("declined the handoff of {task}"),
    "completed": mark("completed the handoff of {task}"),
}

_RUN_SENTENCES: Final = {
    "queued": mark("queued the command of {task}"),
    "running": mark("began the command of {task}"),
    "succeeded": mark("saw the command of {task} succeed"),
    "failed": mark("saw the command of {task} fail"),
    "cancelled": mark("cancelled the command of {task}"),
    "command_changed": mark("changed the command of {task}"),
    "cancel_asked": mark("asked to cancel the command of {task}"),
    "quarantined": mark("quarantined {task}"),
    "stuck": mark("killed the command of {task} in vain"),
    "paused": mark("held the command of {task}"),
    "resumed": mark("let the command of {task} go on"),
}

_PROCESS_SENTENCES: Final = {
    "created": mark("added the process {process}"),
    "edited": mark("edited the process {process}"),
    "removed": mark("removed the process {process}"),
    "returned": mark("brought the process {process} back"),
    "start_asked": mark("asked for the start of {process}"),
    "stop_asked": mark("asked for the stop of {process}"),
    "kill_asked": mark("asked to end {process} by force"),
    "restart_asked": mark("asked for a restart of {process}"),
    "pending": mark("saw {process} wait"),
    "starting": mark("began to start {process}"),
    "running": mark("saw {process} run"),
    "ready": mark("found {process} ready"),
    "unhealthy": mark("found {process} unhealthy"),
    "stopping": mark("began to stop {process}"),
    "stopped": mark("saw {process} stopped"),
    "exited": mark("saw {process} end by itself"),
    "failed": mark("saw {process} fail"),
    "unknown": mark("lost sight of {process}"),
    "observed": mark("looked after {process}"),
}

_ALERT_SENTENCES: Final = {
    "raised": mark("raised an alert: {alert}"),
    "changed": mark("found it anew: {alert}"),
    "acknowledged": mark("acknowledged: {alert}"),
    "muted": mark("muted: {alert}"),
    "unmuted": mark("let it speak again: {alert}"),
    "resolved": mark("resolved: {alert}"),
}

_ENTITY_NAMES: Final = {
    EntityKind.ROOM: mark("room"),
    EntityKind.AGENT: mark("agent"),
}


def event_sentence(event: Event, names: Names, *, is_brief: bool = False) -> str:
    """What happened, without who and when: `moved #12 Fix login, Todo → In progress`.

    Args:
        is_brief: for the task's own screen: without its name, and without the fields, which stand below.
    """
    what = _undone(_happening(event, names, is_brief=is_brief), event)
    if not event.reason or "blocked_reason" in event.after:
        return what
    return _because(what, event.reason)


def _because(what: str, reason: str) -> str:
    return _("{what}, because: {reason}").format(what=what, reason=for_screen(reason))


def _undone(what: str, event: Event) -> str:
    if event.undoes is None:
        return what
    return (_("redid: {what}") if event.operation == "redo" else _("undid: {what}")).format(what=what)


def _happening(event: Event, names: Names, *, is_brief: bool) -> str:
    if event.entity is EntityKind.TASK:
        return _task_happening(event, names, is_brief=is_brief)
    if event.entity is EntityKind.COMMENT:
        task = names.task(event.subject_id)
        if event.before is None:
            body = _shortened(event.after.get("body", ""))
            return _("commented on {task}: {text}").format(task=task, text=body)
        if event.after.get("removed"):
            return _("took back a comment on {task}").format(task=task)
        return _("changed a comment on {task}").format(task=task)
    if event.entity is EntityKind.SESSION:
        return _session_happening(event, names)
    if event.entity is EntityKind.RUN and event.type in _RUN_SENTENCES:
        what = _(_RUN_SENTENCES[event.type]).format(task=names.task_with_title(event.subject_id))
        return _because(what, event.after["reason"]) if event.after.get("reason") else what
    if event.entity is EntityKind.HANDOFF:
        return _handoff_happening(event, names)
    if event.entity is EntityKind.PROCESS and event.type in _PROCESS_SENTENCES:
        what = _(_PROCESS_SENTENCES[event.type]).format(process=names.process(event.entity_id))
        why = event.after.get("reason") if not event.reason and event.before is not None else None
        return _because(what, why) if why else what
    if event.entity is EntityKind.ALERT and event.type in _ALERT_SENTENCES:
        return _(_ALERT_SENTENCES[event.type]).format(alert=names.alert(event.entity_id))
    if event.entity is EntityKind.ROOM and event.type == "trusted":
        return _("approved the room.yaml")
    kind = _(_ENTITY_NAMES.get(event.entity, "")) or str(event.entity)
    if event.before is None:
        name = for_screen(str(event.after.get("name", "")))
        return _("added the {kind} {name}").format(kind=kind, name=name)
    return _("changed the {kind}: {changes}").format(kind=kind, changes=_changes(event, names))


def _task_happening(event: Event, names: Names, *, is_brief: bool) -> str:
    after, before = event.after, event.before
    if before is None:
        return _added(event, names, is_brief=is_brief)
    # Where the title itself changes, the number alone says which task.
    task = names.task(event.entity_id) if "title" in after else names.task_with_title(event.entity_id)
    if is_brief:
        task = _("it")
    if event.type in _CLAIM_SENTENCES and event.undoes is None:
        return _reported(_(_CLAIM_SENTENCES[event.type]).format(task=task), event)
    if after.get("status") == Status.ARCHIVED:
        return _("archived {task}").format(task=task)
    if before.get("status") == Status.ARCHIVED:
        return _("brought {task} back to {column}").format(task=task, column=status_name(after["status"]))
    if "status" in after:
        sentence = _(_STATUS_SENTENCES.get(after["status"], "")) or _("moved {task}, {before} → {after}")
        what = sentence.format(task=task, before=status_name(before["status"]), after=status_name(after["status"]))
        return _because(what, after["blocked_reason"]) if after.get("blocked_reason") else what
    if set(after) == {"rank"}:
        return _("moved {task} within its column").format(task=task)
    if set(after) == {"assignee"}:
        if after["assignee"] is None:
            return _("took {task} from {agent}").format(task=task, agent=names.agent(before["assignee"]))
        return _("gave {task} to {agent}").format(task=task, agent=names.agent(after["assignee"]))
    if is_brief:
        return _("changed {task}").format(task=task)
    return _("changed {task}: {changes}").format(task=task, changes=_changes(event, names))


def _reported(what: str, event: Event) -> str:
    """What happened, with what the agent has said of its work."""
    result = event.after.get("result")
    said = _shortened(result["summary"]) if result and event.type in ("finished", "failed", "given_back") else ""
    return _("{what}: {text}").format(what=what, text=said) if said else what


def _session_happening(event: Event, names: Names) -> str:
    after = event.after
    if event.before is None:
        agent = names.agent(after.get("agent_id"))
        client = for_screen(f"{after.get('client_name', '')} {after.get('client_version', '')}".strip())
        if client:
            return _("started a session of {agent}, with {client}").format(agent=agent, client=client)
        return _("started a session of {agent}").format(agent=agent)
    agent = names.session(event.entity_id)
    if event.type == "lost":
        return _("lost the session of {agent}").format(agent=agent)
    if event.type == "ended":
        return _("ended the session of {agent}").format(agent=agent)
    return _("changed the session of {agent}: {changes}").format(agent=agent, changes=_changes(event, names))


def _handoff_happening(event: Event, names: Names) -> str:
    task, after = names.task_with_title(event.subject_id), event.after
    if event.before is None or event.type == "redirected":
        to = names.receiver(after.get("to_agent"), after.get("to_role"))
        if event.before is not None:
            return _("redirected the handoff of {task} to {agent}").format(task=task, agent=to)
        what = _("handed {task} to {agent}").format(task=task, agent=to)
        return _("{what}: {text}").format(what=what, text=_shortened(after.get("summary", "")))
    sentence = _(_HANDOFF_SENTENCES.get(event.type, ""))
    if sentence:
        return sentence.format(task=task)
    return _("changed the handoff of {task}: {changes}").format(task=task, changes=_changes(event, names))


def _added(event: Event, names: Names, *, is_brief: bool) -> str:
    number, title = event.after.get("number"), for_screen(str(event.after.get("title", "")))
    task = f"#{number} {title}"
    if is_brief:
        # Where it had another title at first, that is worth telling.
        has_its_title = task == names.task_with_title(event.entity_id)
        task = _("it") if has_its_title else _("it as “{title}”").format(title=title)
    column = status_name(event.after.get("status", Status.BACKLOG))
    return _("added {task} to {column}").format(task=task, column=column)


def _changes(event: Event, names: Names) -> str:
    before = event.before or {}
    parts = []
    for field, value in event.after.items():
        if field in HIDDEN_FIELDS:
            continue
        if field in ("description", "body"):
            parts.append(_("the {field}").format(field=field_name(field).lower()))
            continue
        old, new = (_shortened(field_value(field, each, names)) for each in (before.get(field), value))
        parts.append(f"{field_name(field).lower()} {old} → {new}")
    return "; ".join(parts)


def _shortened(text: str, limit: int = 60) -> str:
    line = for_screen(" ".join(str(text).split()))
    return line if len(line) <= limit else f"{line[: limit - 1]}…"
