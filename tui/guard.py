"""The guard: what goes wrong in a handler of ours is told and logged, and whoever handled it goes on.

Textual ends the message loop of a widget whose handler raises, and the app with it.
"""

from textual import events
from textual.message import Message
from textual.message_pump import MessagePump

_NOT_WITHOUT: tuple[type[Message], ...] = (events.Compose, events.Mount, events.Load)
"""What half a widget cannot live without: an error here is the widget's end."""


class Guarded(MessagePump):
    """Survives errors in its own handlers."""

    async def _dispatch_message(self, message: Message) -> None:
        try:
            await super()._dispatch_message(message)
        except Exception as error:
            if isinstance(message, _NOT_WITHOUT):
                raise
            self.app._handle_exception(error)
