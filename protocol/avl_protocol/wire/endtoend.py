"""The end-to-end messages: handshake payloads, control, input and bulk (spec 03-wire, 3.4). No relay reads these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args


@dataclass(frozen=True, slots=True)
class Offer:
    """Payload of handshake message 1: session versions and features of the viewer."""

    versions: tuple[int, ...]
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HostHello:
    """Payload of handshake message 2: version chosen, and the identity's endorsement of the Noise static key."""

    version: int
    identity: bytes
    not_before: int
    not_after: int
    signature: bytes
    methods: tuple[str, ...] = ()
    time_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewerHello:
    """Payload of handshake message 3: the viewer's identity, its wish, its CPace share, and perhaps a resume ticket
    (6.2.3) or a chain of statements (6.2.4)."""

    identity: bytes
    not_before: int
    not_after: int
    signature: bytes
    name: str
    permissions: int
    share: bytes
    ticket: bytes = b""
    chain: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Challenge:
    """Two CPace shares and tags: of the control code and of the view code, real or not (6.2.1)."""

    shares: tuple[bytes, ...]
    tags: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Confirm:
    """Which run the viewer could verify, and its own tag for it."""

    which: int
    tag: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """A person at the host is being asked, for at most `seconds`."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """The host ends the attempt; `why`: of the registry's `grant_refusals` where `code` is GRANT_REFUSED."""

    code: int
    why: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The first control record: permissions, media session and keys (6.4), signer, host clock, tracks as in Tracks."""

    permissions: int
    media_session: bytes
    signer: bytes
    endorsement: bytes
    keys: tuple[bytes, ...]
    host_time_us: int
    name: str = ""
    tracks: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class MediaKeys:
    """Further media keys (6.4)."""

    keys: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class NeedKeys:
    """The viewer met a key id it does not know."""

    track: int
    kid: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The desktop: size, and rows of (x, y, width, height, primary) with their names; `more`: for each of these
    monitors (number, scale in hundredths, rotation in degrees)."""

    width: int
    height: int
    names: tuple[str, ...] = ()
    monitors: tuple[tuple[int, ...], ...] = ()
    more: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """The pointer's shape: zlib-compressed straight RGBA; 0 x 0 hides it. Each pixel of the image stands for `scale` x
    `scale` of the pointer."""

    serial: int
    width: int
    height: int
    hot_x: int
    hot_y: int
    image: bytes
    scale: int = 1


@dataclass(frozen=True, slots=True)
class Decoder:
    """What the viewer can decode: chroma samplings of H.264, and rows of (codec, chroma samplings) beside it."""

    chroma: tuple[int, ...]
    others: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class ClockPing:
    """Viewer's clock, to be answered at once."""

    sent_us: int


@dataclass(frozen=True, slots=True)
class ClockPong:
    """The viewer's time given back, and the host's clock."""

    sent_us: int
    host_us: int


@dataclass(frozen=True, slots=True)
class Beacon:
    """Each second: the host's clock, and rows of (track, newest object, settled)."""

    host_us: int
    objects: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Viewer to host: rows of (object, host time presented in us), decoder queue, objects lost and received in all."""

    track: int
    objects: tuple[tuple[int, ...], ...] = ()
    decode_queue: int = 0
    lost: int = 0
    received: int = 0


@dataclass(frozen=True, slots=True)
class Stages:
    """Where the host's time went for an object: grab, compare, convert, encode, seal in microseconds. `coder`: what
    codes the desktop's pictures, for people; empty before the first."""

    track: int
    object: int
    times_us: tuple[int, ...]
    coder: str = ""


@dataclass(frozen=True, slots=True)
class Rate:
    """What the rate controller of the host's own hop thinks (spec 07-rate, 7.6)."""

    state: str
    reason: str
    figures: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Where the sender might be reached directly: rows of (kind, IP, port), and the SHA-256 of the certificates that it
    would present there (spec 08-paths, 8.3). A higher serial replaces a lower one."""

    serial: int
    rows: tuple[tuple[Any, ...], ...] = ()
    hashes: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Ticket:
    """Host to viewer: presented within `seconds` after a loss it stands for code and consent, once (6.2.3)."""

    ticket: bytes
    seconds: int


@dataclass(frozen=True, slots=True)
class Missing:
    """Viewer to host: objects of exact pixels that did not come, as rows of (first, last) (5.7.4)."""

    track: int
    objects: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Replaced:
    """Host to viewer: what the objects of these rows showed is sent again, in objects after `newest`."""

    track: int
    objects: tuple[tuple[int, ...], ...]
    newest: int


@dataclass(frozen=True, slots=True)
class People:
    """Host to viewer: who may act or draw, as rows of (number, name, permissions, asks), and which of them has control
    (0: nobody alone). `you`: the receiver's own number; `viewers`: how many there are in all (4.10)."""

    you: int
    mode: int
    holder: int
    viewers: int
    people: tuple[tuple[Any, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Control:
    """Viewer to host: ask for control, let go of it, or give it to the viewer of a number (4.10)."""

    act: int
    to: int = 0


@dataclass(frozen=True, slots=True)
class Point:
    """Viewer to host: my pointer is here, in desktop pixels; `laser`: I point at something (4.10)."""

    x: int
    y: int
    laser: bool = False


@dataclass(frozen=True, slots=True)
class Points:
    """Host to viewer: pointers of others that moved, as rows of (person, x, y, laser) (4.10)."""

    rows: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Stroke:
    """Viewer to host: further points (x, y) of a stroke, in desktop pixels; a higher number begins another (4.10)."""

    stroke: int
    points: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """Host to viewer: further points of a stroke of another viewer (4.10)."""

    person: int
    stroke: int
    points: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Clear:
    """Viewer to host: wipe away what I drew; `everybody`: all that was drawn (4.10)."""

    everybody: bool = False


@dataclass(frozen=True, slots=True)
class Cleared:
    """Host to viewer: what this viewer drew is gone; 0: all of it (4.10)."""

    person: int = 0


@dataclass(frozen=True, slots=True)
class InputDevices:
    """Host to viewer: what the host's system takes beside keys, buttons and places, as bits of the registry's
    `input_devices` (4.6)."""

    devices: int


@dataclass(frozen=True, slots=True)
class End:
    """The session ends, because of `code`."""

    code: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Input of one tick: sequence number, the host's clock as the viewer estimates it, rows of (InputKind, ...)."""

    sequence: int
    time_us: int
    events: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class Echo:
    """Batches up to `sequence` were applied at `host_us`, `discarded` events of them in all were too old."""

    sequence: int
    host_us: int
    discarded: int = 0


@dataclass(frozen=True, slots=True)
class Clipboard:
    """Host to viewer, or in answer to ClipboardAsk: the text, or why there is none. Viewer to host: set it."""

    serial: int
    text: str
    state: int = 0


@dataclass(frozen=True, slots=True)
class ClipboardAsk:
    """Viewer to host: tell me the text."""


@dataclass(frozen=True, slots=True)
class ClipboardSet:
    """Host to viewer: the copy of `serial` is the host's clipboard now, or (`state`) why it is not."""

    serial: int
    taken: bool
    state: int = 0


@dataclass(frozen=True, slots=True)
class ClipboardOffer:
    """A copy is to be had in these formats: rows of (name, bytes; 0: not known). `text`: the Clipboard of the same
    serial follows with its text. `origin` names the copy wherever it goes. Of a viewer, `keep`: it is about to leave;
    `time_us`: when it was copied, by the host's clock (0: not known)."""

    serial: int
    formats: tuple[tuple[Any, ...], ...]
    text: bool = False
    origin: bytes = b""
    keep: bool = False
    time_us: int = 0


@dataclass(frozen=True, slots=True)
class ClipboardFetch:
    """Somebody pastes: give the copy of `serial` in this format; `fetch` is the asking end's count."""

    fetch: int
    serial: int
    format: str


@dataclass(frozen=True, slots=True)
class ClipboardPart:
    """The next bytes of what is fetched, and how many there are in all."""

    fetch: int
    data: bytes
    size: int


@dataclass(frozen=True, slots=True)
class ClipboardTaken:
    """So many bytes of what is fetched have come."""

    fetch: int
    taken: int


@dataclass(frozen=True, slots=True)
class ClipboardDone:
    """That was all of what is fetched, or (`state`) why it is not to be had."""

    fetch: int
    state: int = 0


@dataclass(frozen=True, slots=True)
class ClipboardStop:
    """What is fetched is not wanted any more."""

    fetch: int


@dataclass(frozen=True, slots=True)
class Rights:
    """Host to viewer: what the session may from now on, the milliseconds until it ends (0: it need not), and why this
    is said (`rights_reasons`)."""

    permissions: int
    until: int = 0
    why: int = 0


@dataclass(frozen=True, slots=True)
class FileList:
    """V: what is in a folder? The rows behind the name `after`. `job`: the viewer's number of this request, as of each
    transfer; an empty path asks for what the host shares (spec 15)."""

    job: int
    path: str
    after: str = ""


@dataclass(frozen=True, slots=True)
class FileRows:
    """H: rows of (name, kind, size, modified_us, mode, link) of the folder `path`, in order of names; `last`: no more
    follow."""

    job: int
    path: str
    rows: tuple[tuple[Any, ...], ...]
    last: bool


@dataclass(frozen=True, slots=True)
class FilePut:
    """V: these many files with so many bytes are to be written to `path`. `single`: one source, which takes the last
    name of `path` where no folder is there; `overwrite`: of the registry's `file_overwrites`."""

    job: int
    path: str
    single: bool
    overwrite: int
    files: int
    size: int


@dataclass(frozen=True, slots=True)
class FileGet:
    """V: send these files, and folders with all that is in them where `folders` says so."""

    job: int
    paths: tuple[str, ...]
    folders: bool


@dataclass(frozen=True, slots=True)
class FileBegin:
    """H: so many files with so many bytes are going to be offered."""

    job: int
    files: int
    size: int


@dataclass(frozen=True, slots=True)
class FileOffer:
    """From who sends: rows of (number, kind, path, size, modified_us, mode, link); `last`: these are all."""

    job: int
    rows: tuple[tuple[Any, ...], ...]
    last: bool = False


@dataclass(frozen=True, slots=True)
class FileAnswer:
    """From who receives: rows of (number, verdict, size, modified_us or reason, hash)."""

    job: int
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class FileDecide:
    """V: what the person says about a file that EXISTS at the host."""

    job: int
    number: int
    replace: bool


@dataclass(frozen=True, slots=True)
class FileStart:
    """From who sends: the first `offset` bytes of a file are there already, and agree."""

    job: int
    number: int
    offset: int


@dataclass(frozen=True, slots=True)
class FileData:
    """From who sends: bytes of a file at an offset; what is left out between two is zero. With `hash`, of the whole
    file, it is the last."""

    job: int
    number: int
    offset: int
    data: bytes
    hash: bytes = b""


@dataclass(frozen=True, slots=True)
class FileFail:
    """From who sends: this file can't be sent, because of one of `file_reasons`."""

    job: int
    number: int
    reason: int


@dataclass(frozen=True, slots=True)
class FileDone:
    """From who receives: rows of (number, reason): the files whose content had come are in place (DONE), or why not."""

    job: int
    rows: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class FileCredit:
    """From who receives: so many bytes of `FILE_DATA` may be sent in all."""

    job: int
    size: int


@dataclass(frozen=True, slots=True)
class FileStop:
    """Either: the job is over, because of one of `file_reasons`."""

    job: int
    reason: int


@dataclass(frozen=True, slots=True)
class Sound:
    """Host to viewer: whether its sound is to be heard (`sound_states`), whether it takes microphones
    (`microphone_states`), and how many viewers speak into it now."""

    state: int
    microphone: int = 0
    speakers: int = 0


@dataclass(frozen=True, slots=True)
class Heard:
    """Viewer to host: packets of sound since the last HEARD: received, played, concealed, and received too late; and
    how many milliseconds its jitter buffer waits."""

    received: int
    played: int = 0
    concealed: int = 0
    late: int = 0
    buffer_ms: int = 0


@dataclass(frozen=True, slots=True)
class Voice:
    """Viewer to host: packets of its microphone, the first of which has the number `position`. `last`: it speaks no
    longer."""

    position: int
    packets: tuple[bytes, ...]
    last: bool = False


@dataclass(frozen=True, slots=True)
class Fit:
    """Viewer to host: the desktop is to be as large as this window, in pixels of the viewer's screen, of which `scale`
    hundredths make what is one elsewhere; 0 x 0: it need not any more."""

    width: int
    height: int
    scale: int = 100


@dataclass(frozen=True, slots=True)
class Fitted:
    """Host to viewer: what became of FIT (`fit_states`), and the size and scale that the desktop has now."""

    state: int
    width: int
    height: int
    scale: int = 100


@dataclass(frozen=True, slots=True)
class Aim:
    """Viewer to host: input made from `time_us` on, as the viewer estimates the host's clock, means a desktop of this
    size."""

    width: int
    height: int
    time_us: int


@dataclass(frozen=True, slots=True)
class Watch:
    """Viewer to host: these monitors are wanted by themselves, by their numbers in LAYOUT; none: the desktop alone."""

    monitors: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Watched:
    """Host to viewer: rows of (monitor, its track of pictures), and all tracks of these monitors as GRANT tells of
    tracks."""

    monitors: tuple[tuple[int, ...], ...] = ()
    tracks: tuple[tuple[int, ...], ...] = ()


HandshakePayload = Offer | HostHello | ViewerHello | Challenge | Confirm | Wait | Refusal
ControlMessage = (
    Grant
    | MediaKeys
    | NeedKeys
    | Layout
    | Cursor
    | Decoder
    | ClockPing
    | ClockPong
    | Beacon
    | Report
    | Stages
    | End
    | Rate
    | Candidates
    | Ticket
    | Missing
    | Replaced
    | People
    | Control
    | Point
    | Points
    | Stroke
    | Drawn
    | Clear
    | Cleared
    | Rights
    | Sound
    | Heard
    | Fit
    | Fitted
    | Aim
    | Watch
    | Watched
    | InputDevices
)
InputMessage = Batch | Echo
FileMessage = (
    FileList
    | FileRows
    | FilePut
    | FileGet
    | FileBegin
    | FileOffer
    | FileAnswer
    | FileDecide
    | FileStart
    | FileData
    | FileFail
    | FileDone
    | FileCredit
    | FileStop
)
BulkMessage = (
    Clipboard
    | ClipboardAsk
    | ClipboardSet
    | ClipboardOffer
    | ClipboardFetch
    | ClipboardPart
    | ClipboardTaken
    | ClipboardDone
    | ClipboardStop
)
SoundMessage = Voice
#: What travels on a channel after the handshake.
ChannelMessage = ControlMessage | InputMessage | BulkMessage | SoundMessage | FileMessage

HANDSHAKE: tuple[type[HandshakePayload], ...] = get_args(HandshakePayload)
CONTROL: tuple[type[ControlMessage], ...] = get_args(ControlMessage)
INPUT: tuple[type[InputMessage], ...] = get_args(InputMessage)
BULK: tuple[type[BulkMessage], ...] = get_args(BulkMessage)
FILE: tuple[type[FileMessage], ...] = get_args(FileMessage)
SOUND: tuple[type[SoundMessage], ...] = (Voice,)
