"""Model: everything that can be set of a relay; each setting's flag, its line in a file and its variable have one name.

What the relay's parts run on is made from it.
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, create_model, model_validator

from avl_protocol.endpoint.program.folders import default_folder
from avl_protocol.endpoint.settings.model import (
    PASSWORD,
    Number,
    ProgramSettings,
    Table,
    Texts,
    Together,
    Whole,
    setting,
)
from avl_protocol.endpoint.settings.tomlfile import Key
from avl_protocol.endpoint.udp.steering import MOST
from avl_protocol.rate.limits import DEFAULT, Allowance, Limits, Places, for_address
from avl_protocol.wire.target import MOST_RELAYS, parse_address, parse_relay
from avl_relay.anomalies.settings import ACTIONS, DETECTORS, NOTIFY, ROBUST, AnomalySettings
from avl_relay.audit.settings import AuditSettings
from avl_relay.chosen import chosen
from avl_relay.config import RelaySettings
from avl_relay.control.settings import ControlSettings
from avl_relay.settings.loopback import is_private

#: Addresses that mean "every address": no name for others.
EVERYWHERE = ("0.0.0.0", "::", "")
ROLES = frozenset({"owner", "admin", "member"})
#: Limits that hold for whoever comes next; the others are built into what runs.
LIVE_LIMITS = frozenset(
    {
        "friend_messages",
        "hop_unread",
        "memory_newcomers",
        "memory_queues",
        "memory_shed",
        "memory_spares",
        "memory_strangers",
        "requests",
        "stranger_messages",
    }
)


def _checked(read: Callable[[str], object]) -> AfterValidator:
    """Text that `read` understands; it raises ValueError where it does not."""

    def look(text: str) -> str:
        read(text)
        return text

    return AfterValidator(look)


def _workers(text: str) -> str:
    if text != "auto" and not (text.isdecimal() and len(text) < 5 and 1 <= int(text) <= MOST):
        raise ValueError(f"--workers {text}: a number from 1 to {MOST}, or auto")
    return text


def _log_format(text: str) -> str:
    if text not in ("text", "json"):
        raise ValueError("--log-format is 'text' or 'json'")
    return text


def _roles(text: str) -> str:
    if not demanded(text) <= ROLES:
        raise ValueError(f"--second-factor {text}: some of owner, admin and member, with commas between; or none")
    return text


def demanded(text: str) -> frozenset[str]:
    """The roles that `second_factor` names."""
    return frozenset(part.strip() for part in text.split(",")) - {"none"}


def _audit_full(text: str) -> str:
    if text not in ("continue", "refuse"):
        raise ValueError(f"--audit-full {text}: continue or refuse")
    return text


def _elsewhere(relays: tuple[str, ...]) -> tuple[str, ...]:
    if len(relays) > MOST_RELAYS:
        raise ValueError(f"name at most {MOST_RELAYS} relays with --elsewhere")
    return tuple(str(parse_relay(one)) for one in relays)


def _number_as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Address = Annotated[str, _checked(parse_address)]


# ------------------------------------------------------------------------------------------------------------- limits


def lines_of(name: str, value: Any) -> list[str]:
    """A limit as `--limit` has it; a table is one line for each of its parts."""
    if isinstance(value, dict):
        return [f"{name}.{part}={number}" for part, number in value.items()]
    return [f"{name}={value}"]


def _limit(name: str) -> BeforeValidator:
    def look(value: Any) -> Any:
        if isinstance(value, (bool, list)):
            raise ValueError("a number is expected, or RATE/BURST, or SOURCE/NETWORK/ALL")
        chosen(DEFAULT, lines_of(name, value))
        return value

    return BeforeValidator(look)


def limit_text(value: Any) -> Any:
    """A limit as it is written: a number, or numbers with slashes between; `none` where there is no bound."""
    if value is None:
        return "none"
    if isinstance(value, (Allowance, Places)):
        numbers = (getattr(value, field.name) for field in fields(value))
        return "/".join(str(int(number) if number == int(number) else number) for number in numbers)
    return value


def divided_limits(limits: dict[str, Any]) -> dict[str, Any]:
    """Limits of several numbers as tables of their parts."""
    made: dict[str, Any] = {}
    for name, value in limits.items():
        usual = getattr(DEFAULT, name, None)
        kind = type(usual) if isinstance(usual, (Allowance, Places)) else Allowance
        parts = [field.name for field in fields(kind)]
        numbers = value.split("/") if isinstance(value, str) else []
        made[name] = dict(zip(parts, numbers, strict=True)) if len(numbers) == len(parts) else value
    return made


def _limit_fields() -> dict[str, Any]:
    """A field for each of `Limits`, with the reason that stands there. It holds what is said, or None."""
    made: dict[str, Any] = {}
    for name, hint in typing.get_type_hints(Limits, include_extras=True).items():
        usual = limit_text(getattr(DEFAULT, name))
        described = setting(None, hint.__metadata__[0], live=name in LIVE_LIMITS, usual=usual)
        made[name] = (Annotated[Any, _limit(name)], described)
    return made


if TYPE_CHECKING:

    class LimitTable(Table):
        """What anybody may cost: all of rate/limits.py."""
else:
    LimitTable = create_model("LimitTable", __base__=Table, **_limit_fields())


# ----------------------------------------------------------------------------------------------------------- features


class Features(Table):
    """What of a relay can be turned off and on while it runs."""

    share_links: bool = setting(
        True,
        "People make links that open a desktop for whoever has them. Off: no new ones; those that are out stay good "
        "until they end or are taken back.",
        live=True,
    )
    enrolment: bool = setting(
        True, "Hosts and programs ask to act for somebody, with a code that is approved. Off: no new ones.", live=True
    )
    invitations: bool = setting(
        True,
        "Who administers the relay invites people. Off: nobody new comes, invitations that are out stay good.",
        live=True,
    )
    anomalies: bool = setting(
        True,
        "What people and devices do that they do not usually do is an alarm. Off: nothing is looked at or learned.",
        live=True,
    )


def _one_of(name: str, known: tuple[str, ...]) -> AfterValidator:
    def look(text: str) -> str:
        if text not in known:
            raise ValueError(f"--{name} {text}: {', '.join(known[:-1])} or {known[-1]}")
        return text

    return AfterValidator(look)


class Configuration(ProgramSettings):
    """All settings of avl-relay."""

    program: ClassVar[str] = "avl-relay"
    prefix: ClassVar[str] = "AVL_RELAY_"

    state: Path | None = setting(
        None,
        "The folder of the relay's identity: by default below the home folder of the user that runs it, so that no "
        "rights are needed.",
        filed=False,
    )
    listen: Address = setting(
        "127.0.0.1:4433",
        "The UDP address for everything, and of the same number in TCP for whom UDP is blocked. This machine's alone, "
        "until somebody decides who reaches it.",
    )
    http: Address = setting(
        "127.0.0.1:8080", "The TCP address of the page for browsers, and of their WebSocket where UDP is blocked."
    )
    public: str | None = setting(
        None, "What others call this relay; the host of `listen` where nothing is said.", example='"relay.example.org"'
    )
    tls_cert: Path | None = setting(
        None,
        "A PEM certificate chain that browsers trust, for `public`. Without one the relay makes its own, and the page "
        "works on this machine only.",
        example='"/etc/avl/cert.pem"',
    )
    tls_key: Path | None = setting(None, "Its PEM key.", example='"/etc/avl/key.pem"')
    per_address: Whole = setting(
        DEFAULT.connections.source,
        "Connections that one address may have: hosts and viewers behind one NAT. An office fits.",
        ge=1,
    )
    workers: Annotated[str, BeforeValidator(_number_as_text), AfterValidator(_workers)] = setting(
        "1",
        "Processes that share the ports: a number, or auto for as many as there are cores. One carries hundreds of "
        "sessions, and more of them cost memory.",
    )
    metrics: Address | None = setting(
        None,
        "The TCP address of /metrics, /health and /ready. Nowhere by default: whoever reaches it sees how much this "
        "relay is used.",
        example='"127.0.0.1:9433"',
    )
    metrics_for_others: bool = setting(False, "Let `metrics` be an address that other machines reach.")
    drain: Number = setting(
        10.0,
        "Seconds that sessions have after SIGTERM to go elsewhere: enough for a slow path, and short for who waits for "
        "the restart.",
        live=True,
        ge=0,
    )
    elsewhere: Annotated[Texts, AfterValidator(_elsewhere)] = setting(
        (),
        'Relays to send viewers to then, as "HOST:PORT?pin=FP"; its hosts are there too.',
        live=True,
    )
    accounts: bool = setting(True, "Know people and devices, and answer the API.")
    require_account: bool = setting(
        False,
        "Take only enrolled hosts, and viewers of people who signed in. Off, since a device ID and a code need no "
        "account.",
        live=True,
    )
    database: str | None = setting(
        None,
        "Where people are kept: a file, or postgresql://USER:PASSWORD@HOST/NAME. By default relay.db in the state "
        "folder.",
        secret=PASSWORD,
        example='"postgresql://avl:PASSWORD@localhost/avl"',
    )
    second_factor: Annotated[str, AfterValidator(_roles)] = setting(
        "owner,admin",
        "Who must have a second factor: some of owner, admin and member, with commas between; or none. Who manages "
        "others has more to lose.",
        live=True,
    )
    audit_days: Whole = setting(
        0, "Days that the audit log keeps entries; their proofs survive. 0: for ever, as a line takes 300 bytes.", ge=0
    )
    audit_full: Annotated[str, AfterValidator(_audit_full)] = setting(
        "continue",
        "New sessions while the audit log can't be written: continue or refuse. A full disk ends nobody's work by "
        "default.",
    )
    alarm_action: Annotated[str, _one_of("alarm-action", ACTIONS)] = setting(
        NOTIFY,
        "What is done about what is unusual: notify tells of it; ask has the person sign in anew, too; end ends their "
        "sessions, too. To tell is all that is harmless where somebody honest is meant.",
        live=True,
    )
    alarm_detector: Annotated[str, _one_of("alarm-detector", DETECTORS)] = setting(
        ROBUST,
        "What judges what is unusual: robust adds up what is rare for each account; forest, which needs the extra "
        "`anomalies`, learns from everybody together. Sums need nothing and say the same next time.",
    )
    log_format: Annotated[str, AfterValidator(_log_format)] = setting(
        "text", "How a line of log is written: text for people, json for programs."
    )
    ready_file: Path | None = setting(
        None, "A file that is written once the relay can be reached, for scripts.", example='"/run/avl/ready.json"'
    )
    qlog: Path | None = setting(
        None,
        "A folder for a qlog file of each connection: to find a fault, since it costs time and space.",
        example='"/var/tmp/qlog"',
    )
    features: Features = Features()
    limits: LimitTable = LimitTable()

    @model_validator(mode="after")
    def _fits(self) -> Configuration:
        """What is right by itself has to be right together, too."""
        wrong: list[tuple[str, str]] = []
        if self.public is None and parse_address(self.listen)[0] in EVERYWHERE:
            text = f"--listen {self.listen} has no name that others could use: add --public NAME-OR-ADDRESS"
            wrong.append(("listen", text))
        if (self.tls_cert is None) != (self.tls_key is None):
            there = "tls_cert" if self.tls_key is None else "tls_key"
            wrong.append((there, "--tls-cert and --tls-key belong together"))
        if self.metrics is not None and not self.metrics_for_others and not is_private(parse_address(self.metrics)[0]):
            text = (
                f"--metrics {self.metrics} is not this machine's alone: whoever reaches it sees how much this relay is "
                "used. Take 127.0.0.1:PORT, or, where only your monitoring reaches that address, add "
                "--metrics-for-others"
            )
            wrong.append(("metrics", text))
        if not self.accounts and (self.require_account or self.database is not None):
            text = "--no-accounts leaves out what --require-account and --database are about"
            wrong.append(("accounts", text))
        if wrong:
            raise Together(*wrong)
        return self

    @classmethod
    def divided(cls, values: dict[str, Any]) -> dict[str, Any]:
        """See ProgramSettings: limits."""
        limits = values.get("limits")
        return {**values, "limits": divided_limits(limits)} if isinstance(limits, dict) else values

    def written(self, key: Key) -> Any:
        """See ProgramSettings: the state folder that is used, and limits as they hold."""
        if key == ("state",):
            return str(self.folder)
        if len(key) == 2 and key[0] == "limits":
            return limit_text(getattr(self.chosen_limits(), key[1]))
        value = super().written(key)
        return str(value) if isinstance(value, Path) else value

    @property
    def folder(self) -> Path:
        """The state folder."""
        return self.state or default_folder("relay")

    def chosen_limits(self) -> Limits:
        """What anybody may cost."""
        limits = for_address(self.per_address)
        said = ((name, getattr(self.limits, name)) for name in type(self.limits).model_fields)
        return chosen(limits, [line for name, value in said if value is not None for line in lines_of(name, value)])

    def relay(self) -> RelaySettings:
        """What the data plane runs on."""
        listen = parse_address(self.listen)
        return RelaySettings(
            state=self.folder,
            listen=listen,
            http=parse_address(self.http),
            public=self.public or listen[0],
            tls_cert=self.tls_cert,
            tls_key=self.tls_key,
            ready_file=self.ready_file,
            limits=self.chosen_limits(),
            elsewhere=self.elsewhere,
        )

    def audit(self, number: int = 0) -> AuditSettings:
        """Its audit log, in one of the relay's processes."""
        return AuditSettings(
            state=self.folder, days=self.audit_days, refuses=self.audit_full == "refuse", number=number
        )

    def control(self, number: int = 0) -> ControlSettings:
        """What knows people, in one of the relay's processes."""
        return ControlSettings(
            state=self.folder,
            database=self.database,
            required=self.require_account,
            demanded=demanded(self.second_factor),
            anomalies=AnomalySettings(
                on=self.features.anomalies, action=self.alarm_action, detector=self.alarm_detector
            ),
            off=frozenset(name for name in type(self.features).model_fields if not getattr(self.features, name)),
            number=number,
        )
