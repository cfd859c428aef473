"""Every number that travels, generated from spec/registry.json by spec/generate.py: do not edit."""

# ruff: noqa: E501

from __future__ import annotations

from enum import IntEnum, IntFlag

LABEL = "avl/1"
ALPN = "avl/1"
PATH = "/avl/1"
HOP_VERSIONS = (1,)
SESSION_VERSIONS = (2,)
CELL = 16  # pixels of a cell's side (05-media, 5.7.1)

MAX_REPORTED = 60  # objects that one REPORT names at most
MAX_DATAGRAM_PAYLOAD = 1152  # largest DATAGRAM payload in bytes
MAX_FRAGMENT_PAYLOAD = 1128  # bytes carried by every fragment but the last
MAX_OBJECT_SIZE = 1048576  # largest sealed object in bytes
MAX_HOP_MESSAGE = 65536  # largest hop message in bytes
MAX_HANDSHAKE_MESSAGE = 4096  # largest handshake message in bytes
MAX_RECORD_DATA = 16384  # largest data of one record in bytes
MAX_RECORD_PAD = 64  # input records are padded to a multiple of this
MAX_CHANNEL_MESSAGE = 1048576  # largest message on the bulk channel in bytes
MAX_RETAINED_CONTROL = 65536  # unacknowledged ciphertext kept on channels 0 and 1
MAX_RETAINED_BULK = 4194304  # unacknowledged ciphertext kept on other channels
MAX_CLIPBOARD_TEXT = 1048000  # largest clipboard text in UTF-8 bytes
MAX_CLIPBOARD_DATA = 67108864  # most bytes of a clipboard in one format
MAX_CLIPBOARD_FORMATS = 32  # most formats that one CLIPBOARD_OFFER names
MAX_CLIPBOARD_FORMAT = 100  # most characters of a format's name
MAX_CLIPBOARD_PART = 65536  # most bytes of one CLIPBOARD_PART
MAX_CLIPBOARD_WINDOW = 262144  # most bytes of a fetch that are under way before CLIPBOARD_TAKEN tells of them
MAX_CLIPBOARD_FETCHES = 4  # most fetches of one end at once
MAX_DIRTY_RECTS = 32  # most rectangles in a preamble
MAX_EXACT_RECTS = 1024  # most rectangles in an object of exact pixels
MAX_MISSING_ROWS = 64  # most rows of one MISSING
MAX_PICTURE_SIDE = 8192  # longest side of a desktop and of its pictures in pixels
MAX_PICTURE_PIXELS = 16777216  # most pixels of a desktop and of its pictures
MAX_PICTURE_REFERENCES = 4  # most reference frames of a bitstream
MAX_TRACKS = 16  # most tracks of a host
MAX_TRACK_LIFETIME = 10000  # longest lifetime of a track's datagrams in a queue, in milliseconds
MAX_CURSOR_SIDE = 512  # longest side of a pointer's shape in pixels
MAX_CONTACTS = 10  # most fingers of one viewer at once
MAX_PEN_PRESSURE = 65535  # pressure of a pen pressed as hard as it tells
MAX_CODE_LENGTH = 8  # characters of a code
MAX_CANDIDATES = 16  # most addresses of one CANDIDATES
MAX_PEOPLE = 32  # most viewers that one PEOPLE names
MAX_PERSON_NAME = 40  # most characters of a viewer's name as the others are told it
MAX_STROKE_PART = 64  # most points of one STROKE
MAX_STROKE_POINTS = 512  # most points of a stroke
MAX_DRAWN_POINTS = 2048  # points that a host takes of one viewer at once
MAX_DRAWN_RATE = 256  # points that a host takes of one viewer further in each second
MAX_WEBSOCKET_DATA = 16384  # most bytes of a stream in one WebSocket message
MAX_WEBSOCKET_CREDIT = 262144  # credit of a WebSocket stream to begin with
MAX_FILE_BLOCK = 262144  # bytes of a file that are hashed together, and travel together
MAX_FILE_WINDOW = 2097152  # bytes of files that a receiver lets be under way on a lane at most
MAX_FILE_ROWS = 256  # most rows of one message about files
MAX_FILE_OFFERS = 512  # offers that wait for their answers, at most
MAX_FILE_PATH = 4096  # longest path in bytes of UTF-8
MAX_FILE_NAME = 255  # longest name of a file in bytes of UTF-8
MAX_FILE_SOURCES = 256  # most paths of one FILE_GET
MAX_FILE_DEPTH = 128  # most folders within each other
MAX_CHAIN = 2900  # largest chain of statements in bytes, all tokens together
MAX_CHAIN_GRANTS = 3  # most grants of a chain
MAX_STATEMENT = 32768  # largest statement in bytes
MAX_STATEMENTS = 16  # most statements of one STATEMENTS
MAX_SHOWN_NAME = 64  # most characters of a name in a statement
MAX_HOURS = 64  # most rows of the hours of a grant
MAX_KEY_LINK = 7776000  # longest validity of a key link in seconds
MAX_CLOCK_SKEW = 60  # seconds by which a grant is taken before its time, since clocks differ
MAX_STALENESS = 86400  # seconds after which a revocation list is too old, where no policy says otherwise
MAX_SOUND_PACKETS = 4  # most packets of an object of sound, and of a VOICE
MAX_SOUND_PACKET = 1275  # largest packet of sound in bytes
MAX_FIT_SIDE = 200  # shortest side that a desktop takes to fit a window, in pixels
MAX_FIT_SCALE = 500  # largest scale of FIT, in hundredths; the least is 100
MAX_WATCHED = 4  # most monitors of a host that have tracks of their own at a time
MAX_LOGGED = 1024  # sessions that one LOGGED names at most
MAX_READERS = 16  # most rows of one READERS
MAX_LAST_PICTURE = 32768  # largest last picture in bytes, as it is sealed
MAX_VOICE_WAITS = 8192  # bytes of channel 3 that may be unacknowledged before VOICE is left out
MAX_OPERATOR_TEXT = 200  # most characters of what an operator says

T_HELLO = 10.0  # seconds: until HELLO and what follows it must have been answered
T_UNADMITTED = 10.0  # seconds: life of a session that the host has not admitted
T_CONSENT = 30.0  # seconds: how long a person at the host may think
T_ASKED = 5.0  # seconds: until a relay has been told whether a neighbour may, and where a device is
T_BEACON = 1.0  # seconds: between beacons of a host
T_STALE = 3.0  # seconds: without a beacon: the viewer shows STALE and sends no input
T_INPUT_SILENCE = 2.0  # seconds: what is held is released after this much silence from a viewer
T_INPUT_REPEAT = 0.4  # seconds: keys that a desktop repeats are let go of after this much silence, until their viewer is heard again
T_INPUT_REFRESH = 0.2  # seconds: a viewer that holds keys or buttons says so at least this often
T_INPUT_UNCONFIRMED = 5.0  # seconds: without an ECHO: the viewer says that what it sent may not have been applied
T_ECHO = 0.01  # seconds: that a host may wait before it answers a BATCH: the picture that shows what the input did goes first
T_INPUT_OLD_PRESS = 2.0  # seconds: older presses and clicks are discarded
T_INPUT_OLD = 10.0  # seconds: all older input is discarded
T_KEY_SPACING = 0.3  # seconds: least time between key objects of a track
T_REPORT = 0.25  # seconds: between reports while pictures change
T_KEEPALIVE = 10.0  # seconds: between keepalives on an idle hop
T_IDLE = 30.0  # seconds: QUIC idle timeout
T_SILENCE = 0.1  # seconds: of silence on a busy hop, then it is asked; as long without an answer, and another path is taken
T_RESUME = 600.0  # seconds: how long a session without a path is kept, and a ticket honoured
T_PEOPLE = 0.25  # seconds: between two PEOPLE of a host at least
T_POINTING = 0.05  # seconds: between two POINTs of a viewer, or two POINTS of a host, at least; parts of strokes wait as long
T_POINTED = 3.0  # seconds: a pointer that stays where it is has faded
T_CONTROL_IDLE = 5.0  # seconds: of a holder that does nothing, then control passes to who asks for it
T_STROKE = 8.0  # seconds: after its last point a stroke has faded
T_CLIPBOARD_ORDER = 1.0  # seconds: a viewer's copy may be older than the newest of its host and still take its place: clocks are estimates
T_CLIPBOARD = 10.0  # seconds: without a part of what is fetched from a clipboard: it is given up
T_HEAD = 60.0  # seconds: between two HEADs of a relay, at most, while its log grows
T_LAST_PICTURE = 60.0  # seconds: between two last pictures of a host, at least
T_LOGGED = 300.0  # seconds: until both ends of a hop have named a session that one of them has named
T_WARNED_FIRST = 300.0  # seconds: before its end a session is told of it
T_WARNED_LAST = 60.0  # seconds: before its end a session is told of it again
T_SOUND_PACKET = 0.01  # seconds: that a packet of sound lasts
T_SOUND_SILENCE = 0.2  # seconds: of silence, then nothing more is sent until there is sound
T_SOUND_DELAY = 0.6  # seconds: from capture to loudspeaker that a jitter buffer waits at most
T_HEARD = 1.0  # seconds: between two HEARDs at least
T_VOICE_SILENCE = 0.5  # seconds: without a VOICE: the viewer no longer speaks
T_FIT = 0.2  # seconds: that a window has kept its size before the desktop follows: nobody wants all that a drag passes through

# Timing of paths, in seconds (spec 08-paths).
T_PATH_FIRST_RETRY = 0.25  # a host or viewer that has no hop waits before it dials again, at first; doubling from there
T_PATH_HOST_LAST_RETRY = 10.0  # a host waits at most before it dials again
T_PATH_URGENT_RETRY = 0.5  # at most, while a session has no path: its viewer, and its host
T_PATH_FIRST_YIELD = 5.0  # a host that has a double waits before it asks again, at first; doubling from there
T_PATH_LAST_YIELD = 120.0  # a host that has a double waits at most
T_PATH_COMPARE = 0.05  # relays are compared once the first has answered
T_PATH_REDIAL = 0.25  # of silence, then relays are dialled anew, beside the silent path
T_PATH_GIVE_UP = 5.0  # of silence, then a direct path is given up
T_PATH_MOVE = 0.5  # a move may take, beyond four round trips
T_PATH_ATTEMPT = 5.0  # an attempt at a hop may take
T_PATH_ATTEMPT_AGAIN = 1.5  # a further attempt of a host may take while sessions wait, since it begins anew instead of backing off
T_PATH_UNANSWERED_ATTEMPT = 1.5  # an attempt at a relay that nobody answers holds up the next of a viewer whose session runs
T_PATH_UPGRADES = (5.0, 10.0, 30.0, 60.0)  # between attempts to get from TCP back to UDP, the last again and again
T_PATH_PARTING = 1.0  # the host's sealed word is waited for when a relay says that the session is over
T_PATH_BUSY = 0.5  # after the last media datagram a path still counts as busy
T_PATH_ANSWER_DELAY = 0.03  # a neighbour may take to answer, beyond the round trip
T_PATH_IDLE_ASK = 2.5  # of silence, then an idle path is asked
T_PATH_UNANSWERED = 0.1  # what comes counts although nothing that was asked is answered
T_PATH_REPEAT = 0.25  # between questions while a silent path stays silent
T_PATH_UNMEASURED = 0.2  # round trip of a path that has not been measured
T_PATH_RELAY_PENALTY = 0.005  # a relay is worse by, since it sees who talks to whom
T_PATH_TCP_PENALTY = 0.05  # TCP is worse by, since it delivers late what is lost
T_PATH_LOSS_PENALTY = 0.005  # a path is worse by, for each percent of datagrams lost
T_PATH_MARGIN = 0.01  # a path is better by this, and by the share BETTER, or it is not worth changing
T_PATH_PATIENCE = 2.0  # it is better for so long
T_PATH_SLOWER_BY = 0.008  # a path of a better kind may be slower by this, and by the factor SLOWER
T_PATH_FIRST_PROOF = 1.0  # a path that fell silent must have answered again; doubled each time it falls silent
T_PATH_LAST_PROOF = 60.0  # at most
T_PATH_FORGIVEN = 120.0  # without a failure, then the failures are forgotten
PATH_BETTER = 0.75  # a path is better at this share of the round trip of the one in use, less MARGIN
PATH_SLOWER = 1.25  # a path of a better kind is taken at once up to this multiple of the round trip, and SLOWER_BY


class StreamType(IntEnum):
    """Registry section "stream_types"."""

    HOP_CONTROL = 1  # hop control messages; one a connection, opened by the client
    CHANNEL = 2  # an end-to-end channel: session handle and channel follow


class Channel(IntEnum):
    """Registry section "channels"."""

    CONTROL = 0  # handshake, then control
    INPUT = 1  # input batches, and the host's echo of them
    BULK = 2  # clipboard
    SOUND = 3  # the viewer's microphone
    FILES_1 = 8  # files, lane 1
    FILES_2 = 9  # files, lane 2
    FILES_3 = 10  # files, lane 3
    FILES_4 = 11  # files, lane 4
    FILES_5 = 12  # files, lane 5
    FILES_6 = 13  # files, lane 6
    FILES_7 = 14  # files, lane 7
    FILES_8 = 15  # files, lane 8


class DatagramType(IntEnum):
    """Registry section "datagram_types"."""

    MEDIA = 0  # a fragment, sent once
    PARITY = 1  # a parity fragment
    REPAIR = 2  # a fragment sent again
    PROBE = 3  # bytes that only measure
    FEEDBACK = 4  # what a neighbour received, and when


class RawType(IntEnum):
    """Registry section "raw_types"."""

    LOCATE = 1  # to a relay: tell me on my hop where this came from
    PUNCH = 2  # to a peer: opens our NAT, and asks for an answer
    ANSWER = 3  # to a peer: the same nonce
    FILTER = 4  # from a relay's second port: did this come through?


class CarrierFrame(IntEnum):
    """Registry section "carrier_frames"."""

    STREAM = 0  # bytes of a stream
    CREDIT = 1  # how far a stream may be sent
    RESET = 2  # a stream is abandoned
    DATAGRAM = 3  # a datagram
    CLOSE = 4  # the carrier ends
    PING = 5  # answer with the same token
    PONG = 6  # the answer


class CandidateKind(IntEnum):
    """Registry section "candidate_kinds"."""

    LOCAL = 1  # an address of the machine itself
    OBSERVED = 2  # what a relay sees
    MAPPED = 3  # a port that the router was asked to open


class ObjectFlag(IntFlag):
    """Registry section "object_flags"."""

    KEY = 1  # decodable alone; begins a group
    DISCARDABLE = 2  # no other object depends on it
    LAYER = 4  # belongs to an upper layer
    END_OF_GROUP = 8  # the last object of its group


class TrackKind(IntEnum):
    """Registry section "track_kinds"."""

    VIDEO = 1  # pictures
    AUDIO = 2  # sound
    CURSOR = 3  # reserved
    EXACT = 4  # rectangles of exact pixels
    LOWER = 5  # the same pictures with fewer bits


class TrackEntry(IntEnum):
    """Registry section "track_entries"."""

    KEY = 1  # objects depend on each other: who comes late needs a key object
    NEXT = 2  # each object stands alone: who comes late begins with the next one
    KEPT = 3  # each object stands alone: who comes late is sent those that are kept, then the next one
    ASKED = 4  # each object stands alone: who lacks one asks the host for what it showed


class ExactCoding(IntEnum):
    """Registry section "exact_codings"."""

    SOLID = 0  # one colour
    COPY = 1  # what stands elsewhere on the desktop
    PALETTE = 2  # indices into a list of colours
    PLAIN = 3  # four bytes a pixel


class Priority(IntEnum):
    """Registry section "priorities"."""

    FEEDBACK = 0  # what a neighbour received; never a track's
    EXACT = 1  # exact rectangles
    AUDIO = 2  # sound
    CURSOR = 3  # the pointer
    VIDEO = 4  # pictures
    PROBE = 5  # bytes that only measure; never a track's


class Role(IntEnum):
    """Registry section "roles"."""

    HOST = 1  # shares its desktop
    VIEWER = 2  # sees one


class RecordType(IntEnum):
    """Registry section "record_types"."""

    DATA = 0  # bytes of the channel
    ACK = 1  # next counter expected
    FIN = 2  # the channel ends here
    REKEY = 3  # the next record is under the next key


class Permission(IntFlag):
    """Registry section "permissions"."""

    VIEW = 1  # see the screen
    POINTER = 2  # move and click
    KEYBOARD = 4  # type
    CLIPBOARD_OUT = 8  # read the host's clipboard
    CLIPBOARD_IN = 16  # set the host's clipboard
    ANNOTATE = 32  # draw and point over the picture
    FILES_IN = 64  # send files to the host
    FILES_OUT = 128  # fetch files of the host
    AUDIO_OUT = 256  # hear the host
    AUDIO_IN = 512  # speak at the host
    MONITORS = 1024  # choose monitors and resolutions
    BLANK = 2048  # blank the host's screen
    POWER = 4096  # restart, shut down, lock
    TUNNEL = 8192  # open connections through the host
    TERMINAL = 16384  # run commands
    MANAGE = 32768  # change the host's settings
    DELEGATE = 65536  # hand on what one has
    RECORD = 131072  # keep what is seen


class GrantRefusal(IntEnum):
    """Registry section "grant_refusals"."""

    FORGED = 1  # a statement is not one, or its signature is not its issuer's
    WIDENED = 2  # a grant gives more than the one it stands on
    EXPIRED = 3  # its time is over
    NOT_YET = 4  # its time has not begun
    REVOKED = 5  # it was taken back
    STALE = 6  # the host has heard no revocations for too long
    WRONG_HOLDER = 7  # it is somebody else's
    WRONG_DEVICE = 8  # it is for another device
    TOO_DEEP = 9  # it was handed on too often
    OUTSIDE_HOURS = 10  # not at this hour
    USED_UP = 11  # it was used as often as it may be
    NOT_ENROLLED = 12  # the host has no owner
    POLICY = 13  # the owner's policy leaves nothing of it


class RightsReason(IntEnum):
    """Registry section "rights_reasons"."""

    ADMITTED = 0  # what the session begins with
    CHANGED = 1  # the owner changed what it may
    ENDING = 2  # its time is nearly over


class Modifier(IntFlag):
    """Registry section "modifiers"."""

    CONTROL = 1  # either Control key
    SHIFT = 2  # either Shift key
    ALT = 4  # Alt or Option
    META = 8  # Super, Command or Windows key
    ALTGR = 16  # AltGr (right Alt as a level shift)
    CAPS_LOCK = 256  # caps lock is on
    NUM_LOCK = 512  # num lock is on
    SCROLL_LOCK = 1024  # scroll lock is on


class InputKind(IntEnum):
    """Registry section "input_events"."""

    MOVE = 1  # x, y in desktop pixels
    BUTTON = 2  # button, down
    WHEEL = 3  # dx, dy; 120 a notch
    KEY = 4  # usage, down, modifiers, text
    TEXT = 5  # text
    RELEASE_ALL = 6  # nothing
    HOLDING = 7  # nothing: what is held stays held
    MOVE_BY = 8  # dx, dy: the pointer moves by that much
    TOUCH = 9  # contact, phase, x, y in desktop pixels
    PEN = 10  # x, y in desktop pixels, pressure, tilt_x, tilt_y, state


class InputDevice(IntFlag):
    """Registry section "input_devices"."""

    RELATIVE = 1  # takes MOVE_BY
    TOUCH = 2  # takes TOUCH: several fingers at once
    PEN = 4  # takes PEN: pressure and tilt
    SMOOTH_WHEEL = 8  # parts of a notch turn at once; without it they add up


class TouchPhase(IntEnum):
    """Registry section "touch_phases"."""

    BEGIN = 0  # a finger comes down
    MOVE = 1  # it is elsewhere
    END = 2  # it is lifted


class PenState(IntFlag):
    """Registry section "pen_states"."""

    NEAR = 1  # the pen is near enough to be seen
    TIP = 2  # its tip touches
    BARREL = 4  # its button is held
    SECOND = 8  # its second button is held
    ERASER = 16  # it is its other end, which erases


class ClipboardState(IntEnum):
    """Registry section "clipboard_states"."""

    TEXT = 0  # a text
    EMPTY = 1  # nothing
    NOT_TEXT = 2  # something that is not text: a picture, files, bytes
    TOO_LARGE = 3  # a text longer than CLIPBOARD_TEXT
    NO_ANSWER = 4  # the program, or the desktop, that was asked does not answer
    NOT_PERMITTED = 5  # the session may not
    GONE = 6  # what was offered has been replaced since


class FileKind(IntEnum):
    """Registry section "file_kinds"."""

    FILE = 1  # a file
    FOLDER = 2  # a folder: what is in it follows
    FOLDER_END = 3  # the end of a folder: all that is in it was offered
    LINK = 4  # a symbolic link, as it is


class FileOverwrite(IntEnum):
    """Registry section "file_overwrites"."""

    ASK = 0  # the viewer's person is asked about each
    NEVER = 1  # what is there stays
    NEWER = 2  # what was changed later stays
    ALWAYS = 3  # what is there is replaced


class FileVerdict(IntEnum):
    """Registry section "file_verdicts"."""

    WANT = 1  # send it, from this offset on if what is there agrees
    HAVE = 2  # it seems to be there, of the same size and time: compare, and send it where it is not the same
    EXISTS = 3  # something else is there: FILE_DECIDE says what to do
    DONE = 4  # it is done: nothing has to be sent
    LEFT = 5  # it is left out, because of a reason


class FileReason(IntEnum):
    """Registry section "file_reasons"."""

    DONE = 0  # It is done.
    CANCELLED = 1  # The transfer was cancelled.
    NOT_PERMITTED = 2  # This session may not transfer files in this direction. Who gave you access can permit it.
    NOT_SHARED = 3  # The host does not share this folder in this direction. List an empty path to see what it shares.
    NOT_FOUND = 4  # There is no such file or folder.
    NO_ACCESS = 5  # The system does not let the program read or write this. Look at its permissions, and whether its disk is read-only.
    NOT_A_FOLDER = 6  # This is no folder.
    IS_A_FOLDER = 7  # This is a folder: say that folders are to be copied, too.
    EXISTS = 8  # Something of this name is there and was not replaced.
    NO_SPACE = 9  # There is not enough free space. Make room and begin again: what has arrived is kept.
    QUOTA = 10  # The quota is used up. Make room and begin again: what has arrived is kept.
    TOO_LARGE = 11  # This is larger than the host's owner permits or the receiving file system takes. Divide it, or choose another folder.
    BAD_NAME = 12  # The name holds what the receiving system does not take, or is too long. Rename it first.
    CLASH = 13  # Two names differ only in case, which the receiving system does not tell apart. Rename one first.
    BAD_LINK = 14  # The link leads out of what is copied.
    LINK_ON_THE_WAY = 15  # A folder on the way is a symbolic link, which is not followed.
    BUSY = 16  # Another transfer is writing this file. Begin again when that is done, or in a minute if its viewer is gone.
    CHANGED = 17  # It was changed while it was read. Copy it again.
    DAMAGED = 18  # What arrived is not what was sent. It was discarded; copy it again.
    SPECIAL = 19  # This is neither a file nor a folder nor a link.
    FAILED = 20  # The disk reports an error. See the system's log, and begin again: what has arrived is kept.
    BAD_REQUEST = 21  # The other side does not keep to the protocol of transfers.
    TOO_MANY = 22  # More is going on than the program there takes. Begin again when something is done: what has arrived is kept.


class SoundState(IntEnum):
    """Registry section "sound_states"."""

    HEARD = 0  # what plays at the host is sent
    OFF = 1  # the host shares no sound
    NO_SERVER = 2  # no sound server answers at the host
    FAILED = 3  # sound can't be taken at the host; it says why to its person


class MicrophoneState(IntEnum):
    """Registry section "microphone_states"."""

    OFF = 0  # the host takes no microphone
    READY = 1  # the host takes microphones
    NO_SERVER = 2  # there is nowhere at the host to play it to


class ControlMode(IntEnum):
    """Registry section "control_modes"."""

    SHARED = 0  # everybody with permission may act
    ONE = 1  # one viewer at a time may act
    HOST = 2  # the person at the host alone acts


class ControlAct(IntEnum):
    """Registry section "control_acts"."""

    REQUEST = 1  # let me have control
    RELEASE = 2  # I do not want it, or not any more
    GIVE = 3  # let this viewer have it


class FitState(IntEnum):
    """Registry section "fit_states"."""

    TAKEN = 1  # the desktop has the size of this window
    NEAREST = 2  # the display has no such size: it took the one that comes nearest
    OTHER = 3  # the desktop fits another viewer's window
    NOT_PERMITTED = 4  # this session may not choose sizes
    UNABLE = 5  # the display's size can't be changed


class Chroma(IntEnum):
    """Registry section "chroma"."""

    YUV420 = 0  # 4:2:0
    YUV444 = 1  # 4:4:4


class VideoCodec(IntEnum):
    """Registry section "codecs"."""

    H264 = 0  # H.264
    H265 = 1  # H.265
    VP9 = 2  # VP9
    AV1 = 3  # AV1


#: channel -> (permissions, any of which opens it; none: it is always open, whether it is bulk)
CHANNELS: dict[int, tuple[Permission, bool]] = {
    Channel.CONTROL: (Permission(0), False),
    Channel.INPUT: (Permission.POINTER | Permission.KEYBOARD, False),
    Channel.BULK: (Permission.CLIPBOARD_OUT | Permission.CLIPBOARD_IN, True),
    Channel.SOUND: (Permission.AUDIO_IN, False),
    Channel.FILES_1: (Permission.FILES_IN | Permission.FILES_OUT, True),
    Channel.FILES_2: (Permission.FILES_IN | Permission.FILES_OUT, True),
    Channel.FILES_3: (Permission.FILES_IN | Permission.FILES_OUT, True),
    Channel.FILES_4: (Permission.FILES_IN | Permission.FILES_OUT, True),
    Channel.FILES_5: (Permission.FILES_IN | Permission.FILES_OUT, True),
    Channel.FILES_6: (Permission.FILES_IN | Permission.FILES_OUT, True),
    Channel.FILES_7: (Permission.FILES_IN | Permission.FILES_OUT, True),
    Channel.FILES_8: (Permission.FILES_IN | Permission.FILES_OUT, True),
}
#: channels that are opened when they are first needed
LANES: tuple[Channel, ...] = (Channel.FILES_1, Channel.FILES_2, Channel.FILES_3, Channel.FILES_4, Channel.FILES_5, Channel.FILES_6, Channel.FILES_7, Channel.FILES_8)


#: permission -> what who has it may
PERMISSION_WORDS: dict[Permission, str] = {
    Permission.VIEW: "see the screen",
    Permission.POINTER: "move and click",
    Permission.KEYBOARD: "type",
    Permission.CLIPBOARD_OUT: "read the host's clipboard",
    Permission.CLIPBOARD_IN: "set the host's clipboard",
    Permission.ANNOTATE: "draw and point over the picture",
    Permission.FILES_IN: "send files to the host",
    Permission.FILES_OUT: "fetch files of the host",
    Permission.AUDIO_OUT: "hear the host",
    Permission.AUDIO_IN: "speak at the host",
    Permission.MONITORS: "choose monitors and resolutions",
    Permission.BLANK: "blank the host's screen",
    Permission.POWER: "restart, shut down, lock",
    Permission.TUNNEL: "open connections through the host",
    Permission.TERMINAL: "run commands",
    Permission.MANAGE: "change the host's settings",
    Permission.DELEGATE: "hand on what one has",
    Permission.RECORD: "keep what is seen",
}


#: role -> the permissions that it stands for
PRESETS: dict[str, Permission] = {
    "CODE": Permission.VIEW | Permission.POINTER | Permission.KEYBOARD | Permission.CLIPBOARD_OUT | Permission.CLIPBOARD_IN | Permission.ANNOTATE | Permission.FILES_IN | Permission.FILES_OUT | Permission.AUDIO_OUT | Permission.MONITORS,  # what a host's control code admits to
    "VIEWER": Permission.VIEW | Permission.AUDIO_OUT,  # sees and hears
    "ASSISTANT": Permission.VIEW | Permission.AUDIO_OUT | Permission.POINTER | Permission.KEYBOARD | Permission.ANNOTATE | Permission.MONITORS,  # helps
    "OPERATOR": Permission.VIEW | Permission.AUDIO_OUT | Permission.POINTER | Permission.KEYBOARD | Permission.ANNOTATE | Permission.MONITORS | Permission.CLIPBOARD_OUT | Permission.CLIPBOARD_IN | Permission.FILES_IN | Permission.FILES_OUT | Permission.AUDIO_IN | Permission.BLANK | Permission.POWER,  # works there
    "ADMIN": Permission.VIEW | Permission.AUDIO_OUT | Permission.POINTER | Permission.KEYBOARD | Permission.ANNOTATE | Permission.MONITORS | Permission.CLIPBOARD_OUT | Permission.CLIPBOARD_IN | Permission.FILES_IN | Permission.FILES_OUT | Permission.AUDIO_IN | Permission.BLANK | Permission.POWER | Permission.RECORD | Permission.MANAGE | Permission.TUNNEL | Permission.TERMINAL,  # looks after the machine
    "OWNER": Permission.VIEW | Permission.POINTER | Permission.KEYBOARD | Permission.CLIPBOARD_OUT | Permission.CLIPBOARD_IN | Permission.ANNOTATE | Permission.FILES_IN | Permission.FILES_OUT | Permission.AUDIO_OUT | Permission.AUDIO_IN | Permission.MONITORS | Permission.BLANK | Permission.POWER | Permission.TUNNEL | Permission.TERMINAL | Permission.MANAGE | Permission.DELEGATE | Permission.RECORD,  # everything
}


#: why a grant is refused -> the sentence a person is shown
GRANT_REFUSALS: dict[int, str] = {
    GrantRefusal.FORGED: "a statement is not one, or its signature is not its issuer's",
    GrantRefusal.WIDENED: "a grant gives more than the one it stands on",
    GrantRefusal.EXPIRED: "its time is over",
    GrantRefusal.NOT_YET: "its time has not begun",
    GrantRefusal.REVOKED: "it was taken back",
    GrantRefusal.STALE: "the host has heard no revocations for too long",
    GrantRefusal.WRONG_HOLDER: "it is somebody else's",
    GrantRefusal.WRONG_DEVICE: "it is for another device",
    GrantRefusal.TOO_DEEP: "it was handed on too often",
    GrantRefusal.OUTSIDE_HOURS: "not at this hour",
    GrantRefusal.USED_UP: "it was used as often as it may be",
    GrantRefusal.NOT_ENROLLED: "the host has no owner",
    GrantRefusal.POLICY: "the owner's policy leaves nothing of it",
}


#: why a file was not copied -> the sentence a person is shown
FILE_REASONS: dict[int, str] = {
    FileReason.DONE: "It is done.",
    FileReason.CANCELLED: "The transfer was cancelled.",
    FileReason.NOT_PERMITTED: "This session may not transfer files in this direction. Who gave you access can permit it.",
    FileReason.NOT_SHARED: "The host does not share this folder in this direction. List an empty path to see what it shares.",
    FileReason.NOT_FOUND: "There is no such file or folder.",
    FileReason.NO_ACCESS: "The system does not let the program read or write this. Look at its permissions, and whether its disk is read-only.",
    FileReason.NOT_A_FOLDER: "This is no folder.",
    FileReason.IS_A_FOLDER: "This is a folder: say that folders are to be copied, too.",
    FileReason.EXISTS: "Something of this name is there and was not replaced.",
    FileReason.NO_SPACE: "There is not enough free space. Make room and begin again: what has arrived is kept.",
    FileReason.QUOTA: "The quota is used up. Make room and begin again: what has arrived is kept.",
    FileReason.TOO_LARGE: "This is larger than the host's owner permits or the receiving file system takes. Divide it, or choose another folder.",
    FileReason.BAD_NAME: "The name holds what the receiving system does not take, or is too long. Rename it first.",
    FileReason.CLASH: "Two names differ only in case, which the receiving system does not tell apart. Rename one first.",
    FileReason.BAD_LINK: "The link leads out of what is copied.",
    FileReason.LINK_ON_THE_WAY: "A folder on the way is a symbolic link, which is not followed.",
    FileReason.BUSY: "Another transfer is writing this file. Begin again when that is done, or in a minute if its viewer is gone.",
    FileReason.CHANGED: "It was changed while it was read. Copy it again.",
    FileReason.DAMAGED: "What arrived is not what was sent. It was discarded; copy it again.",
    FileReason.SPECIAL: "This is neither a file nor a folder nor a link.",
    FileReason.FAILED: "The disk reports an error. See the system's log, and begin again: what has arrived is kept.",
    FileReason.BAD_REQUEST: "The other side does not keep to the protocol of transfers.",
    FileReason.TOO_MANY: "More is going on than the program there takes. Begin again when something is done: what has arrived is kept.",
}


class CloseCode(IntEnum):
    """Why a connection or a session ended; registry section "close_codes"."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    VERSION = 2
    INTERNAL = 3
    GOING_AWAY = 4
    TIMEOUT = 5
    WRONG_RELAY = 6
    UNAVAILABLE = 7
    LIMIT = 8
    BAD_RECORD = 9
    REPLACED = 10
    FORBIDDEN = 11
    TAKEN = 13
    REFUSED = 64
    DENIED = 65
    NO_CONSENT = 66
    WRONG_HOST = 67
    SESSION_VERSION = 68
    SESSION_PROTOCOL = 69
    NOT_PERMITTED = 70
    ENDED = 71
    DISPLAY_LOST = 72
    EVICTED = 73
    TAMPERED = 74
    SESSION_LOST = 75
    TOO_SLOW = 76
    SESSION_UNKNOWN = 77
    CLOCK = 78
    TOO_LARGE = 79
    HOST_FAILED = 81
    GRANT_REFUSED = 82
    TIME_OVER = 83
    REVOKED = 84
    OPERATOR_ENDED = 85
    OWNER_ENDED = 86


#: code -> (whose range, exit code of the command line, the sentence a person is shown)
CLOSE_CODES: dict[CloseCode, tuple[str, int, str]] = {
    CloseCode.NO_ERROR: ("hop", 0, "The connection was closed."),
    CloseCode.PROTOCOL_ERROR: ("hop", 1, "The other side broke the protocol. Update avl on both sides."),
    CloseCode.VERSION: ("hop", 3, "The two sides speak different versions of avl. Update the older one."),
    CloseCode.INTERNAL: ("hop", 1, "The relay failed. Its log says why."),
    CloseCode.GOING_AWAY: ("hop", 4, "The relay is shutting down or restarting."),
    CloseCode.TIMEOUT: ("hop", 4, "The other side did not answer in time."),
    CloseCode.WRONG_RELAY: ("hop", 3, "The relay's identity is not the one that was pinned. Check the address and the pin; do not continue if you did not change the relay."),
    CloseCode.UNAVAILABLE: ("hop", 4, "No such device, or it is offline."),
    CloseCode.LIMIT: ("hop", 3, "Too many attempts or connections. Wait a minute and try again."),
    CloseCode.BAD_RECORD: ("hop", 3, "The relay refused this device's signed record. Check the clock and the device's state folder."),
    CloseCode.REPLACED: ("hop", 1, "Another connection of the same device took its place."),
    CloseCode.FORBIDDEN: ("hop", 3, "That is not permitted. Where the relay asks for accounts, sign in first (avl login); hosts are enrolled (avl-host enroll)."),
    CloseCode.TAKEN: ("hop", 1, "The device is online from elsewhere."),
    CloseCode.REFUSED: ("session", 3, "Refused: the code is wrong or no longer valid."),
    CloseCode.DENIED: ("session", 3, "The person at the host declined."),
    CloseCode.NO_CONSENT: ("session", 3, "Nobody at the host answered."),
    CloseCode.WRONG_HOST: ("session", 3, "The host's identity is not the one in the target. Do not continue."),
    CloseCode.SESSION_VERSION: ("session", 3, "Host and viewer speak different versions of avl. Update the older one."),
    CloseCode.SESSION_PROTOCOL: ("session", 1, "Host and viewer no longer understand each other. Update avl on both sides."),
    CloseCode.NOT_PERMITTED: ("session", 3, "This session may not do that. Who gave you access can permit it."),
    CloseCode.ENDED: ("session", 0, "The session ended."),
    CloseCode.DISPLAY_LOST: ("session", 1, "The host lost its display."),
    CloseCode.EVICTED: ("session", 3, "The host ended this session."),
    CloseCode.TAMPERED: ("session", 1, "What arrived was changed on the way. The session was ended."),
    CloseCode.SESSION_LOST: ("session", 4, "The connection to the host was lost."),
    CloseCode.TOO_SLOW: ("session", 1, "The other side stopped reading."),
    CloseCode.SESSION_UNKNOWN: ("session", 4, "The host no longer knows this session."),
    CloseCode.CLOCK: ("session", 3, "The clocks of the two sides differ by more than a day. Set the one that is wrong; if both are right, do not continue."),
    CloseCode.TOO_LARGE: ("session", 1, "The desktop is larger than viewers take: 8,192 pixels a side and 16,777,216 in all. Lower its resolution or use fewer monitors."),
    CloseCode.HOST_FAILED: ("session", 1, "The host failed in this session. What it printed says why."),
    CloseCode.GRANT_REFUSED: ("session", 3, "The host refused the grant."),
    CloseCode.TIME_OVER: ("session", 3, "The time of this session is over."),
    CloseCode.REVOKED: ("session", 3, "The permission was taken back."),
    CloseCode.OPERATOR_ENDED: ("session", 3, "The relay's operator ended this session."),
    CloseCode.OWNER_ENDED: ("session", 3, "The owner of the host ended this session."),
}

#: A stream is reset, or a hop ends, and nobody has ended the session on purpose.
LOSSES: frozenset[CloseCode] = frozenset((CloseCode.NO_ERROR, CloseCode.SESSION_LOST, CloseCode.GOING_AWAY, CloseCode.TIMEOUT, CloseCode.INTERNAL))

#: A session that ran and ended so is begun again; every other code is an answer.
RETRYABLE: frozenset[CloseCode] = frozenset((CloseCode.GOING_AWAY, CloseCode.TIMEOUT, CloseCode.UNAVAILABLE, CloseCode.SESSION_LOST, CloseCode.INTERNAL, CloseCode.TOO_SLOW, CloseCode.SESSION_UNKNOWN))

#: A relay's refusal of a running session that may be over soon: it is dialled again.
PASSING: frozenset[CloseCode] = frozenset((CloseCode.UNAVAILABLE, CloseCode.LIMIT, CloseCode.TOO_SLOW))

#: Somebody who may has ended the session at the relay: its host ends it by whichever path it runs.
ENDED_AT_RELAY: frozenset[CloseCode] = frozenset((CloseCode.OPERATOR_ENDED, CloseCode.OWNER_ENDED))

#: message name -> (number, ((key, field, type), ...)), one table for each kind of stream
HOP_MESSAGES: dict[str, tuple[int, tuple[tuple[int, str, str], ...]]] = {
    "HELLO": (1, ((0, "versions", "int[]"), (1, "role", "int"), (2, "software", "str"), (3, "required", "str[]"),)),
    "WELCOME": (2, ((0, "version", "int"), (1, "nonce", "bytes"), (2, "observed", "str"), (3, "identity", "bytes"), (4, "endorsement", "bytes"), (5, "time_ms", "int"), (6, "name", "str"), (7, "page", "str"),)),
    "REGISTER": (3, ((0, "identity", "bytes"), (1, "record", "bytes"), (2, "signature", "bytes"), (3, "proof", "bytes"), (4, "yields", "int"),)),
    "REGISTERED": (4, ((0, "media_handle", "int"),)),
    "ATTACH": (5, ((0, "device", "bytes"), (1, "session", "bytes"), (2, "moves", "int"), (3, "access_pass", "bytes"),)),
    "INCOMING": (6, ((0, "session", "bytes"), (1, "handle", "int"), (2, "source", "bytes"), (3, "moves", "int"), (4, "near", "int"),)),
    "ACCEPT": (7, ((0, "handle", "int"),)),
    "REJECT": (8, ((0, "handle", "int"), (1, "code", "int"),)),
    "ATTACHED": (9, ((0, "session", "bytes"), (1, "handle", "int"), (2, "media_handle", "int"), (3, "near", "int"),)),
    "TRACKS": (10, ((0, "tracks", "int[][]"),)),
    "ADMIT": (11, ((0, "handle", "int"), (1, "tracks", "int[]"), (2, "channels", "int[]"), (3, "since", "int[]"),)),
    "EVICT": (12, ((0, "handle", "int"), (1, "code", "int"),)),
    "DETACH": (13, ((0, "handle", "int"), (1, "code", "int"),)),
    "SUBSCRIBE": (14, ((0, "handle", "int"), (1, "track", "int"), (2, "wish", "int"),)),
    "RECOVER": (15, ((0, "handle", "int"), (1, "track", "int"), (2, "object", "int"),)),
    "VIEWERS": (16, ((0, "count", "int"), (1, "tracks", "int[]"), (2, "rate", "int"), (3, "hold_ms", "int"), (4, "slow", "int"),)),
    "PING": (17, ((0, "token", "int"),)),
    "PONG": (18, ((0, "token", "int"),)),
    "GOAWAY": (19, ((0, "elsewhere", "str[]"),)),
    "CLOSE": (20, ((0, "code", "int"), (1, "text", "str"),)),
    "HOP_RATE": (21, ((0, "handle", "int"), (1, "state", "str"), (2, "reason", "str"), (3, "figures", "int[]"),)),
    "OBSERVED": (22, ((0, "address", "str"),)),
    "NAT_TEST": (23, ((0, "token", "bytes"),)),
    "NAT_TESTED": (24, ((0, "token", "bytes"), (1, "port", "int"),)),
    "STATEMENTS": (30, ((0, "tokens", "str[]"),)),
    "ABOUT": (31, ((0, "name", "str"), (1, "system", "str"), (2, "software", "str"), (3, "owner", "str"), (4, "policy", "int"), (5, "revocation", "int"), (6, "pictures", "int"),)),
    "HEAD": (32, ((0, "size", "int"), (1, "root", "bytes"), (2, "chain", "bytes"), (3, "time_ms", "int"), (4, "key", "bytes"), (5, "signature", "bytes"), (6, "proof", "bytes[]"),)),
    "HEAD_KNOWN": (33, ((0, "size", "int"),)),
    "LOGGED": (34, ((0, "covers", "int"), (1, "sessions", "any[][]"),)),
    "OPERATOR_SAYS": (35, ((0, "handle", "int"), (1, "text", "str"),)),
    "READERS": (36, ((0, "readers", "str[]"),)),
    "LAST_PICTURE": (37, ((0, "key", "bytes"), (1, "taken", "int"), (2, "sealed", "bytes"),)),
}
CONTROL_MESSAGES: dict[str, tuple[int, tuple[tuple[int, str, str], ...]]] = {
    "GRANT": (1, ((0, "permissions", "int"), (1, "media_session", "bytes"), (2, "signer", "bytes"), (3, "endorsement", "bytes"), (4, "keys", "bytes[]"), (5, "host_time_us", "int"), (6, "name", "str"), (7, "tracks", "int[][]"),)),
    "MEDIA_KEYS": (2, ((0, "keys", "bytes[]"),)),
    "NEED_KEYS": (3, ((0, "track", "int"), (1, "kid", "int"),)),
    "LAYOUT": (4, ((0, "width", "int"), (1, "height", "int"), (2, "names", "str[]"), (3, "monitors", "int[][]"), (4, "more", "int[][]"),)),
    "CURSOR": (5, ((0, "serial", "int"), (1, "width", "int"), (2, "height", "int"), (3, "hot_x", "int"), (4, "hot_y", "int"), (5, "image", "bytes"), (6, "scale", "int"),)),
    "DECODER": (6, ((0, "chroma", "int[]"), (1, "others", "int[][]"),)),
    "CLOCK_PING": (7, ((0, "sent_us", "int"),)),
    "CLOCK_PONG": (8, ((0, "sent_us", "int"), (1, "host_us", "int"),)),
    "BEACON": (9, ((0, "host_us", "int"), (1, "objects", "int[][]"),)),
    "REPORT": (10, ((0, "track", "int"), (1, "objects", "int[][]"), (2, "decode_queue", "int"), (3, "lost", "int"), (4, "received", "int"),)),
    "STAGES": (12, ((0, "track", "int"), (1, "object", "int"), (2, "times_us", "int[]"), (3, "coder", "str"),)),
    "END": (13, ((0, "code", "int"), (1, "text", "str"),)),
    "RATE": (14, ((0, "state", "str"), (1, "reason", "str"), (2, "figures", "int[]"),)),
    "CANDIDATES": (15, ((0, "serial", "int"), (1, "rows", "any[][]"), (2, "hashes", "bytes[]"),)),
    "TICKET": (16, ((0, "ticket", "bytes"), (1, "seconds", "int"),)),
    "MISSING": (17, ((0, "track", "int"), (1, "objects", "int[][]"),)),
    "REPLACED": (18, ((0, "track", "int"), (1, "objects", "int[][]"), (2, "newest", "int"),)),
    "PEOPLE": (19, ((0, "you", "int"), (1, "mode", "int"), (2, "holder", "int"), (3, "viewers", "int"), (4, "people", "any[][]"),)),
    "CONTROL": (20, ((0, "act", "int"), (1, "to", "int"),)),
    "POINT": (21, ((0, "x", "int"), (1, "y", "int"), (2, "laser", "bool"),)),
    "POINTS": (22, ((0, "rows", "int[][]"),)),
    "STROKE": (23, ((0, "stroke", "int"), (1, "points", "int[][]"),)),
    "DRAWN": (24, ((0, "person", "int"), (1, "stroke", "int"), (2, "points", "int[][]"),)),
    "CLEAR": (25, ((0, "everybody", "bool"),)),
    "CLEARED": (26, ((0, "person", "int"),)),
    "RIGHTS": (27, ((0, "permissions", "int"), (1, "until", "int"), (2, "why", "int"),)),
    "SOUND": (28, ((0, "state", "int"), (1, "microphone", "int"), (2, "speakers", "int"),)),
    "HEARD": (29, ((0, "received", "int"), (1, "played", "int"), (2, "concealed", "int"), (3, "late", "int"), (4, "buffer_ms", "int"),)),
    "FIT": (32, ((0, "width", "int"), (1, "height", "int"), (2, "scale", "int"),)),
    "FITTED": (33, ((0, "state", "int"), (1, "width", "int"), (2, "height", "int"), (3, "scale", "int"),)),
    "AIM": (34, ((0, "width", "int"), (1, "height", "int"), (2, "time_us", "int"),)),
    "WATCH": (35, ((0, "monitors", "int[]"),)),
    "WATCHED": (36, ((0, "monitors", "int[][]"), (1, "tracks", "int[][]"),)),
    "INPUT_DEVICES": (38, ((0, "devices", "int"),)),
}
INPUT_MESSAGES: dict[str, tuple[int, tuple[tuple[int, str, str], ...]]] = {
    "BATCH": (1, ((0, "sequence", "int"), (1, "time_us", "int"), (2, "events", "any[][]"),)),
    "ECHO": (2, ((0, "sequence", "int"), (1, "host_us", "int"), (2, "discarded", "int"),)),
}
BULK_MESSAGES: dict[str, tuple[int, tuple[tuple[int, str, str], ...]]] = {
    "CLIPBOARD": (1, ((0, "serial", "int"), (1, "text", "str"), (2, "state", "int"),)),
    "CLIPBOARD_ASK": (2, ()),
    "CLIPBOARD_SET": (3, ((0, "serial", "int"), (1, "taken", "bool"), (2, "state", "int"),)),
    "CLIPBOARD_OFFER": (4, ((0, "serial", "int"), (1, "formats", "any[][]"), (2, "text", "bool"), (3, "origin", "bytes"), (4, "keep", "bool"), (5, "time_us", "int"),)),
    "CLIPBOARD_FETCH": (5, ((0, "fetch", "int"), (1, "serial", "int"), (2, "format", "str"),)),
    "CLIPBOARD_PART": (6, ((0, "fetch", "int"), (1, "data", "bytes"), (2, "size", "int"),)),
    "CLIPBOARD_TAKEN": (7, ((0, "fetch", "int"), (1, "taken", "int"),)),
    "CLIPBOARD_DONE": (8, ((0, "fetch", "int"), (1, "state", "int"),)),
    "CLIPBOARD_STOP": (9, ((0, "fetch", "int"),)),
}
FILE_MESSAGES: dict[str, tuple[int, tuple[tuple[int, str, str], ...]]] = {
    "FILE_LIST": (1, ((0, "job", "int"), (1, "path", "str"), (2, "after", "str"),)),
    "FILE_ROWS": (2, ((0, "job", "int"), (1, "path", "str"), (2, "rows", "any[][]"), (3, "last", "bool"),)),
    "FILE_PUT": (3, ((0, "job", "int"), (1, "path", "str"), (2, "single", "bool"), (3, "overwrite", "int"), (4, "files", "int"), (5, "size", "int"),)),
    "FILE_GET": (4, ((0, "job", "int"), (1, "paths", "str[]"), (2, "folders", "bool"),)),
    "FILE_BEGIN": (5, ((0, "job", "int"), (1, "files", "int"), (2, "size", "int"),)),
    "FILE_OFFER": (6, ((0, "job", "int"), (1, "rows", "any[][]"), (2, "last", "bool"),)),
    "FILE_ANSWER": (7, ((0, "job", "int"), (1, "rows", "any[][]"),)),
    "FILE_DECIDE": (8, ((0, "job", "int"), (1, "number", "int"), (2, "replace", "bool"),)),
    "FILE_START": (9, ((0, "job", "int"), (1, "number", "int"), (2, "offset", "int"),)),
    "FILE_DATA": (10, ((0, "job", "int"), (1, "number", "int"), (2, "offset", "int"), (3, "data", "bytes"), (4, "hash", "bytes"),)),
    "FILE_FAIL": (11, ((0, "job", "int"), (1, "number", "int"), (2, "reason", "int"),)),
    "FILE_DONE": (12, ((0, "job", "int"), (1, "rows", "int[][]"),)),
    "FILE_CREDIT": (13, ((0, "job", "int"), (1, "size", "int"),)),
    "FILE_STOP": (14, ((0, "job", "int"), (1, "reason", "int"),)),
}
SOUND_MESSAGES: dict[str, tuple[int, tuple[tuple[int, str, str], ...]]] = {
    "VOICE": (1, ((0, "position", "int"), (1, "packets", "bytes[]"), (2, "last", "bool"),)),
}
HANDSHAKE_MESSAGES: dict[str, tuple[int, tuple[tuple[int, str, str], ...]]] = {
    "OFFER": (1, ((0, "versions", "int[]"), (1, "features", "str[]"),)),
    "HOST_HELLO": (2, ((0, "version", "int"), (1, "identity", "bytes"), (2, "not_before", "int"), (3, "not_after", "int"), (4, "signature", "bytes"), (5, "methods", "str[]"), (6, "time_ms", "int"),)),
    "VIEWER_HELLO": (3, ((0, "identity", "bytes"), (1, "not_before", "int"), (2, "not_after", "int"), (3, "signature", "bytes"), (4, "name", "str"), (5, "permissions", "int"), (6, "share", "bytes"), (7, "ticket", "bytes"), (8, "chain", "str[]"),)),
    "CHALLENGE": (4, ((0, "shares", "bytes[]"), (1, "tags", "bytes[]"),)),
    "CONFIRM": (5, ((0, "which", "int"), (1, "tag", "bytes"),)),
    "WAIT": (6, ((0, "seconds", "int"),)),
    "REFUSAL": (7, ((0, "code", "int"), (1, "why", "int"),)),
}
