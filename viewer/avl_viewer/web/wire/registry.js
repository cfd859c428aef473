// Every number that travels, generated from spec/registry.json by spec/generate.py: do not edit.

export const LABEL = "avl/1";
export const ALPN = "avl/1";
export const PATH = "/avl/1";
export const HOP_VERSIONS = [1];
export const SESSION_VERSIONS = [2];
export const CELL = 16;
export const MAX = Object.freeze({
  REPORTED: 60,
  DATAGRAM_PAYLOAD: 1152,
  FRAGMENT_PAYLOAD: 1128,
  OBJECT_SIZE: 1048576,
  HOP_MESSAGE: 65536,
  HANDSHAKE_MESSAGE: 4096,
  RECORD_DATA: 16384,
  RECORD_PAD: 64,
  CHANNEL_MESSAGE: 1048576,
  RETAINED_CONTROL: 65536,
  RETAINED_BULK: 4194304,
  CLIPBOARD_TEXT: 1048000,
  DIRTY_RECTS: 32,
  EXACT_RECTS: 1024,
  MISSING_ROWS: 64,
  PICTURE_SIDE: 8192,
  PICTURE_PIXELS: 16777216,
  PICTURE_REFERENCES: 4,
  TRACKS: 16,
  TRACK_LIFETIME: 10000,
  CURSOR_SIDE: 512,
  CODE_LENGTH: 8,
  CANDIDATES: 16,
  PEOPLE: 32,
  PERSON_NAME: 40,
  STROKE_PART: 64,
  STROKE_POINTS: 512,
  DRAWN_POINTS: 2048,
  DRAWN_RATE: 256,
  WEBSOCKET_DATA: 16384,
  WEBSOCKET_CREDIT: 262144,
  CHAIN: 2900,
  CHAIN_GRANTS: 3,
  STATEMENT: 32768,
  STATEMENTS: 16,
  SHOWN_NAME: 64,
  HOURS: 64,
  KEY_LINK: 7776000,
  CLOCK_SKEW: 60,
  STALENESS: 86400,
  LOGGED: 1024,
  OPERATOR_TEXT: 200,
});
/** Milliseconds. */
export const TIMER = Object.freeze({
  HELLO: 10000,
  UNADMITTED: 10000,
  CONSENT: 30000,
  ASKED: 5000,
  BEACON: 1000,
  STALE: 3000,
  INPUT_SILENCE: 2000,
  INPUT_REPEAT: 400,
  INPUT_REFRESH: 200,
  INPUT_UNCONFIRMED: 5000,
  ECHO: 10,
  INPUT_OLD_PRESS: 2000,
  INPUT_OLD: 10000,
  KEY_SPACING: 300,
  REPORT: 250,
  KEEPALIVE: 10000,
  IDLE: 30000,
  SILENCE: 100,
  RESUME: 600000,
  PEOPLE: 250,
  POINTING: 50,
  POINTED: 3000,
  CONTROL_IDLE: 5000,
  STROKE: 8000,
  HEAD: 60000,
  LOGGED: 300000,
  WARNED_FIRST: 300000,
  WARNED_LAST: 60000,
});
/** Timing of paths, in milliseconds. */
export const PATH_TIMER = Object.freeze({
  FIRST_RETRY: 250,
  HOST_LAST_RETRY: 10000,
  URGENT_RETRY: 500,
  FIRST_YIELD: 5000,
  LAST_YIELD: 120000,
  COMPARE: 50,
  REDIAL: 250,
  GIVE_UP: 5000,
  MOVE: 500,
  ATTEMPT: 5000,
  ATTEMPT_AGAIN: 1500,
  UNANSWERED_ATTEMPT: 1500,
  UPGRADES: [5000, 10000, 30000, 60000],
  PARTING: 1000,
  BUSY: 500,
  ANSWER_DELAY: 30,
  IDLE_ASK: 2500,
  UNANSWERED: 100,
  REPEAT: 250,
  UNMEASURED: 200,
  RELAY_PENALTY: 5,
  TCP_PENALTY: 50,
  LOSS_PENALTY: 5,
  MARGIN: 10,
  PATIENCE: 2000,
  SLOWER_BY: 8,
  FIRST_PROOF: 1000,
  LAST_PROOF: 60000,
  FORGIVEN: 120000,
});
export const PATH_FACTOR = Object.freeze({
  BETTER: 0.75,
  SLOWER: 1.25,
});
export const STREAM = Object.freeze({
  HOP_CONTROL: 1,
  CHANNEL: 2,
});
export const CHANNEL = Object.freeze({
  CONTROL: 0,
  INPUT: 1,
  BULK: 2,
});
export const DATAGRAM = Object.freeze({
  MEDIA: 0,
  PARITY: 1,
  REPAIR: 2,
  PROBE: 3,
  FEEDBACK: 4,
});
export const RAW = Object.freeze({
  LOCATE: 1,
  PUNCH: 2,
  ANSWER: 3,
  FILTER: 4,
});
export const CARRIER_FRAME = Object.freeze({
  STREAM: 0,
  CREDIT: 1,
  RESET: 2,
  DATAGRAM: 3,
  CLOSE: 4,
  PING: 5,
  PONG: 6,
});
export const CANDIDATE = Object.freeze({
  LOCAL: 1,
  OBSERVED: 2,
  MAPPED: 3,
});
export const FLAG = Object.freeze({
  KEY: 1,
  DISCARDABLE: 2,
  LAYER: 4,
  END_OF_GROUP: 8,
});
export const TRACK_KIND = Object.freeze({
  VIDEO: 1,
  AUDIO: 2,
  CURSOR: 3,
  EXACT: 4,
  LOWER: 5,
});
export const TRACK_ENTRY = Object.freeze({
  KEY: 1,
  NEXT: 2,
  KEPT: 3,
  ASKED: 4,
});
export const EXACT_CODING = Object.freeze({
  SOLID: 0,
  COPY: 1,
  PALETTE: 2,
  PLAIN: 3,
});
export const PRIORITY = Object.freeze({
  FEEDBACK: 0,
  EXACT: 1,
  AUDIO: 2,
  CURSOR: 3,
  VIDEO: 4,
  PROBE: 5,
});
export const ROLE = Object.freeze({
  HOST: 1,
  VIEWER: 2,
});
export const RECORD = Object.freeze({
  DATA: 0,
  ACK: 1,
  FIN: 2,
  REKEY: 3,
});
export const PERMISSION = Object.freeze({
  VIEW: 1,
  POINTER: 2,
  KEYBOARD: 4,
  CLIPBOARD_OUT: 8,
  CLIPBOARD_IN: 16,
  ANNOTATE: 32,
  FILES_IN: 64,
  FILES_OUT: 128,
  AUDIO_OUT: 256,
  AUDIO_IN: 512,
  MONITORS: 1024,
  BLANK: 2048,
  POWER: 4096,
  TUNNEL: 8192,
  TERMINAL: 16384,
  MANAGE: 32768,
  DELEGATE: 65536,
  RECORD: 131072,
});
export const GRANT_REFUSAL = Object.freeze({
  FORGED: 1,
  WIDENED: 2,
  EXPIRED: 3,
  NOT_YET: 4,
  REVOKED: 5,
  STALE: 6,
  WRONG_HOLDER: 7,
  WRONG_DEVICE: 8,
  TOO_DEEP: 9,
  OUTSIDE_HOURS: 10,
  USED_UP: 11,
  NOT_ENROLLED: 12,
  POLICY: 13,
});
export const RIGHTS_REASON = Object.freeze({
  ADMITTED: 0,
  CHANGED: 1,
  ENDING: 2,
});
export const MODIFIER = Object.freeze({
  CONTROL: 1,
  SHIFT: 2,
  ALT: 4,
  META: 8,
  ALTGR: 16,
  CAPS_LOCK: 256,
  NUM_LOCK: 512,
  SCROLL_LOCK: 1024,
});
export const INPUT = Object.freeze({
  MOVE: 1,
  BUTTON: 2,
  WHEEL: 3,
  KEY: 4,
  TEXT: 5,
  RELEASE_ALL: 6,
  HOLDING: 7,
});
export const CLIPBOARD_STATE = Object.freeze({
  TEXT: 0,
  EMPTY: 1,
  NOT_TEXT: 2,
  TOO_LARGE: 3,
  NO_ANSWER: 4,
  NOT_PERMITTED: 5,
});
export const CONTROL_MODE = Object.freeze({
  SHARED: 0,
  ONE: 1,
  HOST: 2,
});
export const CONTROL_ACT = Object.freeze({
  REQUEST: 1,
  RELEASE: 2,
  GIVE: 3,
});
export const CHROMA = Object.freeze({
  YUV420: 0,
  YUV444: 1,
});
export const CODEC = Object.freeze({
  H264: 0,
  H265: 1,
  VP9: 2,
  AV1: 3,
});
/** Role -> the permissions that it stands for. */
export const PRESETS = Object.freeze({
  CODE: 63,
  VIEWER: 257,
  ASSISTANT: 1319,
  OPERATOR: 8191,
  ADMIN: 196607,
  OWNER: 262143,
});
/** Why a grant is refused -> the sentence a person is shown. */
export const GRANT_REFUSALS = Object.freeze({
  1: "a statement is not one, or its signature is not its issuer's",
  2: "a grant gives more than the one it stands on",
  3: "its time is over",
  4: "its time has not begun",
  5: "it was taken back",
  6: "the host has heard no revocations for too long",
  7: "it is somebody else's",
  8: "it is for another device",
  9: "it was handed on too often",
  10: "not at this hour",
  11: "it was used as often as it may be",
  12: "the host has no owner",
  13: "the owner's policy leaves nothing of it",
});
export const CLOSE = Object.freeze({
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  VERSION: 2,
  INTERNAL: 3,
  GOING_AWAY: 4,
  TIMEOUT: 5,
  WRONG_RELAY: 6,
  UNAVAILABLE: 7,
  LIMIT: 8,
  BAD_RECORD: 9,
  REPLACED: 10,
  FORBIDDEN: 11,
  TAKEN: 13,
  REFUSED: 64,
  DENIED: 65,
  NO_CONSENT: 66,
  WRONG_HOST: 67,
  SESSION_VERSION: 68,
  SESSION_PROTOCOL: 69,
  NOT_PERMITTED: 70,
  ENDED: 71,
  DISPLAY_LOST: 72,
  EVICTED: 73,
  TAMPERED: 74,
  SESSION_LOST: 75,
  TOO_SLOW: 76,
  SESSION_UNKNOWN: 77,
  CLOCK: 78,
  TOO_LARGE: 79,
  HOST_FAILED: 81,
  GRANT_REFUSED: 82,
  TIME_OVER: 83,
  REVOKED: 84,
});
/** Close code -> the sentence a person is shown. */
export const CLOSE_TEXT = Object.freeze({
  0: "The connection was closed.",
  1: "The other side broke the protocol. Update avl on both sides.",
  2: "The two sides speak different versions of avl. Update the older one.",
  3: "The relay failed. Its log says why.",
  4: "The relay is shutting down or restarting.",
  5: "The other side did not answer in time.",
  6: "The relay's identity is not the one that was pinned. Check the address and the pin; do not continue if you did not change the relay.",
  7: "No such device, or it is offline.",
  8: "Too many attempts or connections. Wait a minute and try again.",
  9: "The relay refused this device's signed record. Check the clock and the device's state folder.",
  10: "Another connection of the same device took its place.",
  11: "That is not permitted. Where the relay asks for accounts, sign in first (avl login); hosts are enrolled (avl-host enroll).",
  13: "The device is online from elsewhere.",
  64: "Refused: the code is wrong or no longer valid.",
  65: "The person at the host declined.",
  66: "Nobody at the host answered.",
  67: "The host's identity is not the one in the target. Do not continue.",
  68: "Host and viewer speak different versions of avl. Update the older one.",
  69: "Host and viewer no longer understand each other. Update avl on both sides.",
  70: "The code admits to viewing only.",
  71: "The session ended.",
  72: "The host lost its display.",
  73: "The host ended this session.",
  74: "What arrived was changed on the way. The session was ended.",
  75: "The connection to the host was lost.",
  76: "The other side stopped reading.",
  77: "The host no longer knows this session.",
  78: "The clocks of the two sides differ by more than a day. Set the one that is wrong; if both are right, do not continue.",
  79: "The desktop is larger than viewers take: 8,192 pixels a side and 16,777,216 in all. Lower its resolution or use fewer monitors.",
  81: "The host failed in this session. What it printed says why.",
  82: "The host refused the grant.",
  83: "The time of this session is over.",
  84: "The permission was taken back.",
});
/** A stream is reset, or a hop ends, and nobody has ended the session on purpose. @type {ReadonlySet<number>} */
export const LOSSES = new Set([0, 75, 4, 5, 3]);
/** A session that ran and ended so is begun again; every other code is an answer. @type {ReadonlySet<number>} */
export const RETRYABLE = new Set([4, 5, 7, 75, 3, 76, 77]);
/** A relay's refusal of a running session that may be over soon: it is dialled again. @type {ReadonlySet<number>} */
export const PASSING = new Set([7, 8, 76]);
/** Message name -> [number, [[key, field, type, default], ...]]; no default: it has to be there. */
export const HOP_MESSAGES = Object.freeze({
  HELLO: [1, [[0, "versions", "int[]"], [1, "role", "int"], [2, "software", "str", ""], [3, "required", "str[]", []]]],
  WELCOME: [2, [[0, "version", "int"], [1, "nonce", "bytes"], [2, "observed", "str"], [3, "identity", "bytes"], [4, "endorsement", "bytes"], [5, "time_ms", "int", 0], [6, "name", "str", ""], [7, "page", "str", ""]]],
  REGISTER: [3, [[0, "identity", "bytes"], [1, "record", "bytes"], [2, "signature", "bytes"], [3, "proof", "bytes"], [4, "yields", "int", 0]]],
  REGISTERED: [4, [[0, "media_handle", "int"]]],
  ATTACH: [5, [[0, "device", "bytes"], [1, "session", "bytes"], [2, "moves", "int", 0], [3, "access_pass", "bytes", ""]]],
  INCOMING: [6, [[0, "session", "bytes"], [1, "handle", "int"], [2, "source", "bytes", ""], [3, "moves", "int", 0], [4, "near", "int", 0]]],
  ACCEPT: [7, [[0, "handle", "int"]]],
  REJECT: [8, [[0, "handle", "int"], [1, "code", "int"]]],
  ATTACHED: [9, [[0, "session", "bytes"], [1, "handle", "int"], [2, "media_handle", "int"], [3, "near", "int", 0]]],
  TRACKS: [10, [[0, "tracks", "int[][]"]]],
  ADMIT: [11, [[0, "handle", "int"], [1, "tracks", "int[]"], [2, "channels", "int[]"], [3, "since", "int[]", []]]],
  EVICT: [12, [[0, "handle", "int"], [1, "code", "int"]]],
  DETACH: [13, [[0, "handle", "int"], [1, "code", "int"]]],
  SUBSCRIBE: [14, [[0, "handle", "int"], [1, "track", "int"], [2, "wish", "int"]]],
  RECOVER: [15, [[0, "handle", "int"], [1, "track", "int"], [2, "object", "int"]]],
  VIEWERS: [16, [[0, "count", "int"], [1, "tracks", "int[]", []], [2, "rate", "int", 0], [3, "hold_ms", "int", 0], [4, "slow", "int", 0]]],
  PING: [17, [[0, "token", "int"]]],
  PONG: [18, [[0, "token", "int"]]],
  GOAWAY: [19, [[0, "elsewhere", "str[]", []]]],
  CLOSE: [20, [[0, "code", "int"], [1, "text", "str", ""]]],
  HOP_RATE: [21, [[0, "handle", "int"], [1, "state", "str"], [2, "reason", "str"], [3, "figures", "int[]"]]],
  OBSERVED: [22, [[0, "address", "str"]]],
  NAT_TEST: [23, [[0, "token", "bytes"]]],
  NAT_TESTED: [24, [[0, "token", "bytes"], [1, "port", "int"]]],
  STATEMENTS: [30, [[0, "tokens", "str[]"]]],
  ABOUT: [31, [[0, "name", "str"], [1, "system", "str", ""], [2, "software", "str", ""], [3, "owner", "str", ""], [4, "policy", "int", 0], [5, "revocation", "int", 0]]],
  HEAD: [32, [[0, "size", "int"], [1, "root", "bytes"], [2, "chain", "bytes"], [3, "time_ms", "int"], [4, "key", "bytes"], [5, "signature", "bytes"], [6, "proof", "bytes[]", []]]],
  HEAD_KNOWN: [33, [[0, "size", "int"]]],
  LOGGED: [34, [[0, "covers", "int"], [1, "sessions", "any[][]", []]]],
  OPERATOR_SAYS: [35, [[0, "handle", "int"], [1, "text", "str"]]],
});
/** Message name -> [number, [[key, field, type, default], ...]]; no default: it has to be there. */
export const CONTROL_MESSAGES = Object.freeze({
  GRANT: [1, [[0, "permissions", "int"], [1, "media_session", "bytes"], [2, "signer", "bytes"], [3, "endorsement", "bytes"], [4, "keys", "bytes[]"], [5, "host_time_us", "int"], [6, "name", "str", ""], [7, "tracks", "int[][]", []]]],
  MEDIA_KEYS: [2, [[0, "keys", "bytes[]"]]],
  NEED_KEYS: [3, [[0, "track", "int"], [1, "kid", "int"]]],
  LAYOUT: [4, [[0, "width", "int"], [1, "height", "int"], [2, "names", "str[]", []], [3, "monitors", "int[][]", []]]],
  CURSOR: [5, [[0, "serial", "int"], [1, "width", "int"], [2, "height", "int"], [3, "hot_x", "int"], [4, "hot_y", "int"], [5, "image", "bytes"], [6, "scale", "int", 1]]],
  DECODER: [6, [[0, "chroma", "int[]"], [1, "others", "int[][]", []]]],
  CLOCK_PING: [7, [[0, "sent_us", "int"]]],
  CLOCK_PONG: [8, [[0, "sent_us", "int"], [1, "host_us", "int"]]],
  BEACON: [9, [[0, "host_us", "int"], [1, "objects", "int[][]", []]]],
  REPORT: [10, [[0, "track", "int"], [1, "objects", "int[][]", []], [2, "decode_queue", "int", 0], [3, "lost", "int", 0], [4, "received", "int", 0]]],
  STAGES: [12, [[0, "track", "int"], [1, "object", "int"], [2, "times_us", "int[]"], [3, "coder", "str", ""]]],
  END: [13, [[0, "code", "int"], [1, "text", "str", ""]]],
  RATE: [14, [[0, "state", "str"], [1, "reason", "str"], [2, "figures", "int[]"]]],
  CANDIDATES: [15, [[0, "serial", "int"], [1, "rows", "any[][]", []], [2, "hashes", "bytes[]", []]]],
  TICKET: [16, [[0, "ticket", "bytes"], [1, "seconds", "int"]]],
  MISSING: [17, [[0, "track", "int"], [1, "objects", "int[][]"]]],
  REPLACED: [18, [[0, "track", "int"], [1, "objects", "int[][]"], [2, "newest", "int"]]],
  PEOPLE: [19, [[0, "you", "int"], [1, "mode", "int"], [2, "holder", "int"], [3, "viewers", "int"], [4, "people", "any[][]", []]]],
  CONTROL: [20, [[0, "act", "int"], [1, "to", "int", 0]]],
  POINT: [21, [[0, "x", "int"], [1, "y", "int"], [2, "laser", "bool", false]]],
  POINTS: [22, [[0, "rows", "int[][]"]]],
  STROKE: [23, [[0, "stroke", "int"], [1, "points", "int[][]"]]],
  DRAWN: [24, [[0, "person", "int"], [1, "stroke", "int"], [2, "points", "int[][]"]]],
  CLEAR: [25, [[0, "everybody", "bool", false]]],
  CLEARED: [26, [[0, "person", "int", 0]]],
  RIGHTS: [27, [[0, "permissions", "int"], [1, "until", "int", 0], [2, "why", "int", 0]]],
});
/** Message name -> [number, [[key, field, type, default], ...]]; no default: it has to be there. */
export const INPUT_MESSAGES = Object.freeze({
  BATCH: [1, [[0, "sequence", "int"], [1, "time_us", "int"], [2, "events", "any[][]"]]],
  ECHO: [2, [[0, "sequence", "int"], [1, "host_us", "int"], [2, "discarded", "int", 0]]],
});
/** Message name -> [number, [[key, field, type, default], ...]]; no default: it has to be there. */
export const BULK_MESSAGES = Object.freeze({
  CLIPBOARD: [1, [[0, "serial", "int"], [1, "text", "str"], [2, "state", "int", 0]]],
  CLIPBOARD_ASK: [2, []],
  CLIPBOARD_SET: [3, [[0, "serial", "int"], [1, "taken", "bool"], [2, "state", "int", 0]]],
});
/** Message name -> [number, [[key, field, type, default], ...]]; no default: it has to be there. */
export const HANDSHAKE_MESSAGES = Object.freeze({
  OFFER: [1, [[0, "versions", "int[]"], [1, "features", "str[]", []]]],
  HOST_HELLO: [2, [[0, "version", "int"], [1, "identity", "bytes"], [2, "not_before", "int"], [3, "not_after", "int"], [4, "signature", "bytes"], [5, "methods", "str[]", []], [6, "time_ms", "int", 0]]],
  VIEWER_HELLO: [3, [[0, "identity", "bytes"], [1, "not_before", "int"], [2, "not_after", "int"], [3, "signature", "bytes"], [4, "name", "str"], [5, "permissions", "int"], [6, "share", "bytes"], [7, "ticket", "bytes", ""], [8, "chain", "str[]", []]]],
  CHALLENGE: [4, [[0, "shares", "bytes[]"], [1, "tags", "bytes[]"]]],
  CONFIRM: [5, [[0, "which", "int"], [1, "tag", "bytes"]]],
  WAIT: [6, [[0, "seconds", "int"]]],
  REFUSAL: [7, [[0, "code", "int"], [1, "why", "int", 0]]],
});
/** Channel -> permissions, any of which opens it (0: always open), whether it is bulk, its messages. */
export const CHANNELS = Object.freeze({
  0: { openedBy: 0, bulk: false, messages: CONTROL_MESSAGES },
  1: { openedBy: 6, bulk: false, messages: INPUT_MESSAGES },
  2: { openedBy: 24, bulk: true, messages: BULK_MESSAGES },
});
