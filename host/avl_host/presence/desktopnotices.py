"""DesktopNotices: tells the desktop's notification service who came and went (org.freedesktop.Notifications 1.2).

The sentence is the summary, which is plain text by that specification; a body may be taken for markup, and has none.
"""

from __future__ import annotations

from jeepney import DBusAddress, MessageType, new_method_call
from jeepney.io.asyncio import open_dbus_router
from jeepney.io.common import RouterClosed

from avl_host.presence.notices import Notice

_SERVICE = DBusAddress(
    "/org/freedesktop/Notifications", "org.freedesktop.Notifications", "org.freedesktop.Notifications"
)
#: Milliseconds that it stays; the service may decide otherwise.
_STAYS = 10_000


class DesktopNotices:
    """A Teller at the session's bus, which is named by DBUS_SESSION_BUS_ADDRESS."""

    name = "the desktop's notification service"

    async def tell(self, notice: Notice) -> None:
        """See Teller."""
        try:
            async with open_dbus_router(bus="SESSION") as router:
                arguments: tuple[object, ...] = ("avl", 0, "", notice.sentence, "", [], {}, _STAYS)
                reply = await router.send_and_get_reply(new_method_call(_SERVICE, "Notify", "susssasa{sv}i", arguments))
        except (KeyError, ValueError, EOFError, RouterClosed) as error:
            raise OSError("there is no session bus that answers") from error
        if reply.header.message_type is not MessageType.method_return:
            raise OSError(f"it refused: {reply.body[0] if reply.body else 'without a word'}")
