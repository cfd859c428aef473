"""Model: everything that can be set of a host; each setting's flag, its line in a file and its variable have one name.

What the host runs on is made from it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, SecretStr, model_validator

from avl_host.config import NOTHING, HostSettings
from avl_host.desktop.copypolicy import MOST, CopyPolicy
from avl_host.files.roots import parse_roots
from avl_protocol.endpoint.program.folders import default_folder
from avl_protocol.endpoint.settings.model import (
    PASSWORD,
    WHOLE,
    Number,
    ProgramSettings,
    Texts,
    Together,
    setting,
)
from avl_protocol.endpoint.settings.tomlfile import Key
from avl_protocol.wire.clipformats import KINDS
from avl_protocol.wire.device_id import normalise_code
from avl_protocol.wire.registry import MAX_CLIPBOARD_DATA, ControlMode, Permission, VideoCodec
from avl_protocol.wire.target import parse_address, parse_relay

CODECS = ("auto", "h264", "h265", "vp9", "av1")
SHORTEST = 4


def _address(text: str) -> str:
    parse_address(text)
    return text


def _relays(relays: tuple[str, ...]) -> tuple[str, ...]:
    for one in relays:
        parse_relay(one)
    return relays


def _code(code: SecretStr) -> SecretStr:
    if len(normalise_code(code.get_secret_value())) < SHORTEST:
        raise ValueError("a code needs at least 4 letters or digits; 8 or more are better")
    return code


def _control(text: str) -> str:
    if text not in ("shared", "one"):
        raise ValueError("--control is 'shared' or 'one'")
    return text


def _consent(text: str) -> str:
    if text not in ("none", "ask"):
        raise ValueError("--consent is 'none' or 'ask'")
    return text


def _codec(text: str) -> str:
    if text.lower() not in CODECS:
        raise ValueError("--codec is 'auto', 'h264', 'h265', 'vp9' or 'av1'")
    return text


def _forbid(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if Permission.__members__.get(name.upper()) in (None, Permission.VIEW):
            known = ", ".join(sorted(one.lower() for one in Permission.__members__ if one != "VIEW"))
            raise ValueError(f"--forbid takes one of {known}")
    return names


def _kinds(names: tuple[str, ...]) -> tuple[str, ...]:
    if wrong := set(names) - {*KINDS, "none"}:
        raise ValueError(f"{', '.join(sorted(wrong))}: a clipboard's kinds are {', '.join(KINDS)}, or none")
    return names


def _files(texts: tuple[str, ...]) -> tuple[str, ...]:
    parse_roots(texts)
    return texts


def forbidden(names: tuple[str, ...]) -> Permission:
    """What these names forbid."""
    made = NOTHING
    for name in names:
        made |= Permission[name.upper()]
    return made


class Configuration(ProgramSettings):
    """All settings of avl-host."""

    program: ClassVar[str] = "avl-host"
    prefix: ClassVar[str] = "AVL_HOST_"
    variables: ClassVar[dict[str, str]] = {"AVL_CODE": "code", "AVL_VIEW_CODE": "view_code"}

    relay: Annotated[Texts, AfterValidator(_relays)] = setting(
        (), 'Relays, as "HOST:PORT?pin=FP": of several the best two are used, so that one may fail.'
    )
    pin: str | None = setting(
        None, "The relay's pin, if there is one relay and `relay` lacks it.", example='"the pin that the relay prints"'
    )
    listen: Annotated[str, AfterValidator(_address)] | None = setting(
        None,
        "HOST:PORT of this machine: viewers may come here without a relay. Nowhere by default: a port that is open is "
        "one more to guard.",
        example='"0.0.0.0:4434"',
    )
    announce: bool = setting(
        False, "Let `avl devices --lan` find this host. Off: it tells the local network what this machine is called."
    )
    map_port: bool = setting(
        False,
        "Ask the router to open a port (PCP, NAT-PMP, UPnP). Off: everybody reaches it then.",
    )
    direct: bool = setting(
        True, "Look for direct ways, which are quicker than a relay; it tells viewers this machine's addresses."
    )
    resume: Number = setting(
        10.0,
        "Minutes that a lost session is kept; 0: not at all. Enough for another network.",
        ge=0,
    )
    lock_after: Number | None = setting(
        None,
        "Lock the screen so many seconds after the last viewer was lost. Never by default: somebody may sit here.",
        example="60.0",
        ge=0,
    )
    lock_command: str | None = setting(
        None, "What locks the screen, if not what is usual.", example='"loginctl lock-session"'
    )
    state: Path | None = setting(
        None, "The folder of this host's identity: by default below the home folder of its user.", filed=False
    )
    display: str | None = setting(
        None, "The X display to share: $DISPLAY where nothing is said, which is the one you sit at.", example='":0"'
    )
    source: str | None = setting(None, "pattern: a test card instead of a display.", example='"pattern"')
    code: Annotated[SecretStr, AfterValidator(_code)] | None = setting(
        None,
        "The code to enter. A random one at each start by default: nobody can have guessed it.",
        secret=WHOLE,
        example='"a code of eight characters or more"',
    )
    code_once: bool = setting(False, "The code is good for one use, and a new one is printed after it.")
    view_code: Annotated[SecretStr, AfterValidator(_code)] | None = setting(
        None, "A second code, which admits to viewing only.", secret=WHOLE, example='"another code"'
    )
    view_annotate: bool = setting(False, "Who comes with the view code may draw over the picture.")
    control: Annotated[str, AfterValidator(_control)] = setting(
        "shared",
        "shared: all who may act do, as two people who work together expect; one: one viewer at a time, and the others "
        "ask for control.",
        live=True,
    )
    consent: Annotated[str, AfterValidator(_consent)] = setting(
        "none", "none: the code is the consent; ask: a person here decides, so that somebody has to be here."
    )
    indicator: bool = setting(
        True, "Show on the screen who sees it, with a button that ends it: nobody is watched without knowing."
    )
    blank: bool = setting(
        False,
        "Darken the screen and lock its keys during sessions that nobody in front of it allowed. Off: who sits here "
        "would wonder.",
    )
    notify: bool = setting(
        False, "Tell the desktop's notification service who comes and goes. Off: the indicator shows it already."
    )
    notify_url: str | None = setting(
        None,
        "Post there, as JSON, who comes and goes. Nowhere by default: it tells somebody else.",
        example='"https://example.org/hook"',
    )
    notify_mail: SecretStr | None = setting(
        None,
        "Write to the owner who comes and goes, through this mail server. Nowhere by default: it tells somebody "
        "else, and takes a password.",
        secret=PASSWORD,
        example='"smtps://NAME:PASSWORD@mail.example.org?to=me@example.org"',
    )
    forbid: Annotated[Texts, AfterValidator(_forbid)] = setting(
        (),
        "What nobody may here, however they came: keyboard, pointer, clipboard_out and others. Sessions that run lose "
        "it, too.",
        live=True,
    )
    clipboard_out: Annotated[Texts, AfterValidator(_kinds)] = setting(
        (),
        "What viewers may fetch of what is copied here: text, html, rtf, image, files (that are shared), or none. "
        "All of it where nothing is said: who may read the clipboard expects what was copied.",
    )
    clipboard_in: Annotated[Texts, AfterValidator(_kinds)] = setting(
        (),
        "What viewers may copy to here: text, html, rtf, image, files (where files may come), or none. All of it where "
        "nothing is said, likewise.",
    )
    clipboard_max: Number = setting(
        float(MOST >> 20),
        "The most of a copied picture or document that crosses, in MiB: four times a large screenshot.",
        ge=0,
        le=float(MAX_CLIPBOARD_DATA >> 20),
    )
    primary: bool = setting(
        False,
        "What is marked here counts as copied, and what viewers copy can be pasted with the middle button. Off: who "
        "marks a word to delete it does not mean to tell it.",
    )
    files: Annotated[Texts, AfterValidator(_files)] = setting(
        (),
        "Folders that viewers may read (PATH:r), write (PATH:w) or both (PATH:rw), with :SIZE behind it for the most "
        "that one transfer may have; none: no folder. ~/Downloads:w by default: they can leave something where you "
        "look for it, and read nothing.",
    )
    codec: Annotated[str, AfterValidator(_codec)] = setting(
        "auto",
        "auto, h264, h265, vp9 or av1. auto is h264, which every viewer decodes and which costs the least.",
    )
    hardware: bool = setting(True, "Let graphics hardware code where it works.")
    sound: bool = setting(
        True, "Share what plays here, with those who may hear it. Nothing is taken while nobody listens."
    )
    microphone: bool = setting(
        False,
        "Take viewers' microphones, into a virtual one of this desktop. Off: whoever speaks here is to be expected.",
    )
    max_bitrate: Number = setting(
        40.0,
        "The most that the desktop may use, in Mbit/s: a page of text is there in a tenth of a second.",
        live=True,
        ge=0.2,
    )
    last_picture: Number = setting(
        0.0,
        "Minutes between two small pictures of the desktop that are left at the relay, sealed to those who may look at "
        "it without anybody being asked; 0: none. Off: who sits here expects to be seen by nobody who is not there.",
        ge=0,
    )
    ready_file: Path | None = setting(
        None, "A file that is written once viewers can connect, for scripts.", example='"/run/avl/host.json"'
    )
    qlog: Path | None = setting(
        None,
        "A folder for a qlog file of each connection: to find a fault, since it costs time and space.",
        example='"/var/tmp/qlog"',
    )

    @model_validator(mode="after")
    def _fits(self) -> Configuration:
        """What is right by itself has to be right together, too."""
        wrong: list[tuple[str, str]] = []
        if self.source is not None and self.display is not None:
            wrong.append(("source", "give --display or --source, not both"))
        if self.view_annotate and self.view_code is None:
            text = "--view-annotate is about who comes with the view code: it needs --view-code"
            wrong.append(("view_annotate", text))
        codes = [normalise_code(one.get_secret_value()) for one in (self.code, self.view_code) if one is not None]
        if len(codes) > len(set(codes)):
            wrong.append(("view_code", "the code and the view code must differ"))
        if 0 < self.last_picture < 1:
            wrong.append(("last_picture", "--last-picture is 0, for none, or 1 minute or more"))
        if self.announce and self.listen is None:
            wrong.append(("announce", "--announce tells where to connect: it needs --listen HOST:PORT"))
        if self.pin is not None and len(self.relay) != 1:
            text = "--pin belongs to one --relay; with several write --relay 'HOST:PORT?pin=FP' for each"
            wrong.append(("pin", text))
        elif self.pin is not None:
            try:
                parse_relay(self.relay[0], self.pin)
            except ValueError as error:
                wrong.append(("pin", str(error)))
        if wrong:
            raise Together(*wrong)
        return self

    def written(self, key: Key) -> Any:
        """See ProgramSettings: the state folder that is used."""
        if key == ("state",):
            return str(self.folder)
        value = super().written(key)
        return str(value) if isinstance(value, Path) else value

    @property
    def folder(self) -> Path:
        """The state folder."""
        return self.state or default_folder("host")

    @property
    def mail(self) -> str | None:
        """The address of the mail server, with its password."""
        return None if self.notify_mail is None else self.notify_mail.get_secret_value()

    def host(self, source: str) -> HostSettings:
        """What the host runs on, of the display or test card that is shared. Raises ValueError."""
        return HostSettings(
            relays=tuple(parse_relay(one, self.pin) for one in self.relay),
            state=self.folder,
            source=source,
            code=None if self.code is None else self.code.get_secret_value(),
            code_once=self.code_once,
            view_code=None if self.view_code is None else self.view_code.get_secret_value(),
            view_annotate=self.view_annotate,
            control=ControlMode[self.control.upper()],
            ask_consent=self.consent == "ask",
            indicator=self.indicator,
            blank=self.blank,
            forbid=forbidden(self.forbid),
            files=parse_roots(self.files),
            ready_file=self.ready_file,
            max_bitrate=round(self.max_bitrate * 1e6),
            listen=None if self.listen is None else parse_address(self.listen),
            direct=self.direct,
            resume=self.resume * 60,
            lock_after=self.lock_after,
            codec=VideoCodec["H264" if self.codec.lower() == "auto" else self.codec.upper()],
            hardware=self.hardware,
            sound=self.sound,
            microphone=self.microphone,
            copies=CopyPolicy(
                leaves=frozenset(self.clipboard_out or KINDS) - {"none"},
                comes=frozenset(self.clipboard_in or KINDS) - {"none"},
                most=round(self.clipboard_max * (1 << 20)),
            ),
            primary=self.primary,
            last_picture=self.last_picture * 60 or None,
        )
