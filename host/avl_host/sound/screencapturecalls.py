"""ScreenCaptureKit's calls by pyobjc: a stream of the main display of which nothing but its sound is taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import CoreMedia
import numpy as np
import ScreenCaptureKit
from Foundation import NSObject

from avl_host.sound.screencapturekit import NO_DISPLAY, NOT_PERMITTED, TOO_OLD, Capture
from avl_protocol.endpoint.sound.opus import RATE

_CHANNELS, _FLOAT = 2, 4
#: SCStreamOutputTypeAudio, and the error of a person who has declined (SCStreamErrorUserDeclined).
_AUDIO, _DECLINED = 1, -3801


class _Output(NSObject):  # type: ignore[misc]
    """Gets what is captured, and what ends it."""

    def stream_didOutputSampleBuffer_ofType_(self, stream: Any, sample: Any, kind: int) -> None:
        """10 or 20 ms, one plane after the other."""
        if kind != _AUDIO or not CoreMedia.CMSampleBufferIsValid(sample):
            return
        buffer = CoreMedia.CMSampleBufferGetDataBuffer(sample)
        status, planes = CoreMedia.CMBlockBufferCopyDataBytes(
            buffer, 0, CoreMedia.CMBlockBufferGetDataLength(buffer), None
        )
        if status == 0:
            self.heard(interleaved(bytes(planes)))

    def stream_didStopWithError_(self, stream: Any, error: Any) -> None:
        """The system has ended it."""
        self.failed(sentence(error))


def interleaved(planes: bytes) -> bytes:
    """Frames of what comes as the left ear's floats and then the right one's."""
    return np.frombuffer(planes, np.float32).reshape(_CHANNELS, -1).T.tobytes()


def sentence(error: Any) -> str:
    """What to do about an error of the system's."""
    if error.code() == _DECLINED:
        return NOT_PERMITTED
    return f"macOS does not give its sound ({error.localizedDescription()}): start the host again."


class _Stream:
    """Satisfies Capture. The stream is there once the system has told what it may be of."""

    def __init__(
        self, heard: Callable[[bytes], None], began: Callable[[], None], failed: Callable[[str], None]
    ) -> None:
        self._began, self._failed = began, failed
        self._output = _Output.alloc().init()
        self._output.heard, self._output.failed = heard, failed
        self._stream: Any = None
        self._stopped = False
        if not ScreenCaptureKit.SCStreamConfiguration.instancesRespondToSelector_(b"setCapturesAudio:"):
            failed(TOO_OLD)
            return
        ScreenCaptureKit.SCShareableContent.getShareableContentWithCompletionHandler_(self._content)

    def _content(self, content: Any, error: Any) -> None:
        if error is not None or not content.displays():
            self._failed(sentence(error) if error is not None else NO_DISPLAY)
            return
        wanted = ScreenCaptureKit.SCStreamConfiguration.alloc().init()
        wanted.setCapturesAudio_(True)
        wanted.setSampleRate_(RATE)
        wanted.setChannelCount_(_CHANNELS)
        wanted.setWidth_(2)
        wanted.setHeight_(2)
        of = ScreenCaptureKit.SCContentFilter.alloc().initWithDisplay_excludingWindows_(content.displays()[0], [])
        self._stream = ScreenCaptureKit.SCStream.alloc().initWithFilter_configuration_delegate_(
            of, wanted, self._output
        )
        added, problem = self._stream.addStreamOutput_type_sampleHandlerQueue_error_(self._output, _AUDIO, None, None)
        if not added:
            self._failed(sentence(problem))
        elif not self._stopped:
            self._stream.startCaptureWithCompletionHandler_(self._started)

    def _started(self, error: Any) -> None:
        if error is not None:
            self._failed(sentence(error))
        elif self._stopped:
            self.stop()
        else:
            self._began()

    def stop(self) -> None:
        self._stopped = True
        if self._stream is not None:
            self._stream.stopCaptureWithCompletionHandler_(lambda error: None)


def open_capture(heard: Callable[[bytes], None], began: Callable[[], None], failed: Callable[[str], None]) -> Capture:
    """Begin."""
    return _Stream(heard, began, failed)
