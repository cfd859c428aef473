"""Why a clipboard's content can't be had, or was not taken, for people and programs (spec 04-session, 4.7)."""

from __future__ import annotations

from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import MAX_CLIPBOARD_TEXT, ClipboardState, CloseCode

#: What a person is told of the host's clipboard, and of ours on its way there; whole sentences.
_GETTING = {
    ClipboardState.NOT_TEXT: "What is on the desktop's clipboard is not text; only text can be fetched.",
    ClipboardState.TOO_LARGE: f"The text on the desktop's clipboard is too long (over {MAX_CLIPBOARD_TEXT:,} bytes).",
    ClipboardState.NO_ANSWER: "The program that holds the desktop's clipboard does not answer. Copy there again.",
    ClipboardState.NOT_PERMITTED: "The desktop's owner keeps texts on its clipboard from leaving.",
}
_FETCHING = {
    ClipboardState.TOO_LARGE: "What was copied on the desktop is larger than may cross.",
    ClipboardState.NO_ANSWER: "What was copied on the desktop did not come: its program does not answer, or the way "
    "here was lost for too long. Paste again.",
    ClipboardState.NOT_PERMITTED: "The desktop's owner keeps what was copied there from leaving.",
    ClipboardState.GONE: "Something else was copied on the desktop meanwhile, or nothing in that format.",
}
_SETTING = {
    ClipboardState.NOT_TEXT: "That is not text (it holds a NUL, or half a character) and was not set.",
    ClipboardState.TOO_LARGE: f"That is too large: a clipboard takes {MAX_CLIPBOARD_TEXT:,} bytes of text, and of "
    "other things what the desktop's owner allows.",
    ClipboardState.NO_ANSWER: "The desktop did not take what was copied: its clipboard can't be set now.",
    ClipboardState.NOT_PERMITTED: "This session may not set the desktop's clipboard, or not to that.",
    ClipboardState.GONE: "The desktop's clipboard was set to something newer meanwhile.",
}
#: Of a clipboard that holds nothing.
EMPTY = "The desktop's clipboard is empty."
#: state -> (close code, exit code of the command line)
_CODES = {
    ClipboardState.NOT_TEXT: (CloseCode.FORBIDDEN, 1),
    ClipboardState.TOO_LARGE: (CloseCode.LIMIT, 1),
    ClipboardState.NO_ANSWER: (CloseCode.TIMEOUT, 4),
    ClipboardState.NOT_PERMITTED: (CloseCode.NOT_PERMITTED, 3),
    ClipboardState.GONE: (CloseCode.UNAVAILABLE, 4),
}


class ClipboardError(Refused):
    """A clipboard did not give a text, or did not take one; `state` says why, the text says it to a person."""

    def __init__(self, state: ClipboardState, text: str) -> None:
        super().__init__(_CODES.get(state, (CloseCode.FORBIDDEN, 1))[0], text)
        self.state = state

    @property
    def exit_status(self) -> int:
        """What the command line exits with: an answer is no refusal."""
        return _CODES.get(self.state, (CloseCode.FORBIDDEN, 1))[1]


def not_given(state: ClipboardState) -> ClipboardError:
    """The host's clipboard has no text."""
    return ClipboardError(state, _GETTING.get(state, _GETTING[ClipboardState.NO_ANSWER]))


def format_not_given(state: ClipboardState) -> ClipboardError:
    """The host's copy is not to be had in a format."""
    return ClipboardError(state, _FETCHING.get(state, _FETCHING[ClipboardState.NO_ANSWER]))


def not_taken(state: ClipboardState) -> ClipboardError:
    """The host's clipboard did not take ours."""
    return ClipboardError(state, _SETTING.get(state, _SETTING[ClipboardState.NO_ANSWER]))
