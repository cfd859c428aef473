"""Setup codes, for who runs the relay's machine: a new one, as long as nobody is here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from avl_relay.api.operations import Answer, Call, Operation, Transaction, Who
from avl_relay.api.problems import Problem
from avl_relay.api.shapes import Text, answer

MADE = answer({"code": Text(1, 64), "url": Text(1, 512)})


def setup_url(page: str, code: str) -> str:
    """Where somebody becomes the relay's owner. `page`: the page's URL."""
    return f"{page}account/#setup={code}"


class SetupCodes:
    """The resource. `make(now)` is a new code, None where somebody is here already; `page()` the page's URL."""

    def __init__(self, make: Callable[[int], Awaitable[str | None]], page: Callable[[], str]) -> None:
        self._make, self._page = make, page

    def operations(self) -> Sequence[Operation]:
        """See Resource."""
        return (
            Operation(
                method="POST",
                path="/setup-code",
                handler=self.make,
                summary="A new setup code, in place of the one before",
                who=Who.ADMIN,
                transaction=Transaction.NONE,
                status=201,
                answers=MADE,
                says=("conflict",),
            ),
        )

    async def make(self, call: Call) -> Answer:
        """POST /setup-code."""
        code = await self._make(call.now)
        if code is None:
            raise Problem("conflict", "somebody is here already")
        return Answer({"code": code, "url": setup_url(self._page(), code)}, 201)
