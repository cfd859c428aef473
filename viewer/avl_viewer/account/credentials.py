"""Credentials of a program: access tokens of some minutes, each request with a proof that the program's key made it.

The key is the viewer's identity, so that one approval signs the program in and names the key that grants are for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from avl_protocol.endpoint.api.calls import Api, ApiError
from avl_protocol.endpoint.api.http import Http
from avl_protocol.endpoint.api.proofs import Prover
from avl_protocol.endpoint.dial.dialling import Unreachable
from avl_protocol.endpoint.loop.clock import Clock

#: Seconds before its end from which on an access token is not used any more.
SPARE = 20.0


class ProgramCredentials:
    """Satisfies Credentials. `refresh` brings the next access token and is used up by that: the one after it is told to
    `keep` before anything else is done."""

    def __init__(self, http: Http, prover: Prover, clock: Clock, *, refresh: str, keep: Callable[[str], None]) -> None:
        self._tokens = Api(http, prover)
        self._prover = prover
        self._clock = clock
        self._refresh = refresh
        self._keep = keep
        self._access, self._until = "", 0.0

    async def headers(self, method: str, path: str) -> Sequence[tuple[str, str]]:
        """See Credentials."""
        if self._clock.monotonic() >= self._until:
            await self.renew()
        return [("authorization", f"Bearer {self._access}"), self._prover.header(method, path, self._access)]

    async def renew(self) -> None:
        """Ask for another access token. Raises ApiError, OSError."""
        try:
            self.take(
                await self._tokens.call(
                    "POST", "/token", {"grant_type": "refresh_token", "refresh_token": self._refresh}
                )
            )
        except ApiError as error:
            if error.kind in ("invalid_grant", "not-signed-in"):
                raise ApiError(401, error.kind, "the sign-in has ended: sign in again, with avl login") from None
            raise

    def take(self, said: Any) -> None:
        """Use what `/token` has answered. Raises Unreachable."""
        try:
            access, refresh, seconds = str(said["access_token"]), str(said["refresh_token"]), float(said["expires_in"])
        except (KeyError, TypeError, ValueError):
            raise Unreachable("the relay's token can't be read") from None
        self._refresh = refresh
        self._keep(refresh)
        self._access, self._until = access, self._clock.monotonic() + max(0.0, seconds - SPARE)
