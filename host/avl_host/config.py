"""Settings of a host: one frozen dataclass, each field with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from avl_host.desktop.copypolicy import CopyPolicy
from avl_host.files.roots import Root, parse_roots
from avl_protocol.wire.registry import PRESETS, T_RESUME, ControlMode, Permission, VideoCodec
from avl_protocol.wire.target import RelayAddress

#: What a host's control code admits to.
EVERYTHING = PRESETS["CODE"]
NOTHING = Permission(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """How a desktop is shared."""

    #: The relay at which viewers meet this host; None for direct viewers.
    relays: tuple[RelayAddress, ...]
    #: The folder of the identity and of what succeeded before.
    state: Path
    #: An X display (":0"), or "pattern" for a machine without one.
    source: str
    #: A code of one's own; None prints a random one.
    code: str | None = None
    #: The code is gone after its first success.
    code_once: bool = False
    #: A second code that admits to viewing only.
    view_code: str | None = None
    #: Who comes with the view code may draw over the picture, which every viewer sees and the desktop does not.
    view_annotate: bool = False
    #: Who may act at once. Shared is what two people who work together expect.
    control: ControlMode = ControlMode.SHARED
    #: What nobody may here, whoever allowed it and however they came.
    forbid: Permission = NOTHING
    #: Ask a person at the host before anybody comes in.
    ask_consent: bool = False
    #: Show on the screen who sees it, with a button that ends it: whoever sits there has to know.
    indicator: bool = True
    #: Have the screen dark and its devices locked while a session runs that nobody in front of it has allowed.
    blank: bool = False
    #: Written once viewers can connect, and again when it changes.
    ready_file: Path | None = None
    #: Pictures and exact pixels never exceed this, in bits per second: a page of text is there in a tenth of a second.
    max_bitrate: int = 40_000_000
    #: Take direct sessions of anybody with a code at this address; None: only of those who came through a relay.
    listen: tuple[str, int] | None = None
    #: Look for a direct path to each viewer, which tells it our addresses.
    direct: bool = True
    #: Seconds that a lost session is kept, and its ticket honoured; 0: not at all.
    resume: float = T_RESUME
    #: Lock the screen so many seconds after the last viewer that could act was lost; None: never.
    lock_after: float | None = None
    #: The codec that is wanted; H.264 while a viewer does not decode it.
    codec: VideoCodec = VideoCodec.H264
    #: Share what plays here: a desktop without its sound is half of one. Nothing is taken while nobody listens.
    sound: bool = True
    #: Take viewers' microphones, into a virtual one: not unless somebody here has said so.
    microphone: bool = False
    #: Let graphics hardware code where it works.
    hardware: bool = True
    #: What of the clipboard may leave and come, by kind and size.
    copies: CopyPolicy = field(default_factory=CopyPolicy)
    #: What is marked counts as copied. Off: who marks a word to delete it does not mean to tell it.
    primary: bool = False
    #: Folders that viewers with the permission may read and write.
    files: tuple[Root, ...] = field(default_factory=lambda: parse_roots(()))
    #: Certificates whose size does not vary, for a simulation.
    simulated: bool = False
    #: Seconds between two small pictures that are left for those who may look anyhow; None: none is.
    last_picture: float | None = None
    #: Further sources, each a track of its own beside the first; they are seen only.
    more_sources: tuple[str, ...] = ()

    @property
    def withheld(self) -> Permission:
        """What nobody may here (R-SESS-314)."""
        return self.forbid if self.microphone else self.forbid | Permission.AUDIO_IN
