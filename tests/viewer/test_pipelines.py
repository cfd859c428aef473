"""One decoder and one book of figures a track; the first book stays the desktop's, whatever number its track has."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from avl_viewer.decode.pipeline import PicturePipelines
from avl_viewer.present.headless import HeadlessPresenter


class Idle:
    """A decoder that is given nothing."""

    def __init__(self, *_calls: object) -> None:
        self.depth = 0
        self.closed = False

    def close(self) -> None:
        self.closed = True


async def test_the_first_track_of_each_session_has_the_desktop_s_book() -> None:
    made: list[Idle] = []

    def make(*calls: object) -> Any:
        made.append(Idle(*calls))
        return made[-1]

    loop = asyncio.get_running_loop()
    presenter = HeadlessPresenter(now=loop.time)
    pipelines = PicturePipelines(
        presenter=presenter,
        make_decoder=cast(Any, make),
        loop=loop,
        undecodable=lambda *_: None,
        presented=lambda *_: None,
    )
    book = pipelines.book
    pipelines.begin((1, 2))
    assert pipelines.books[1] is book is not pipelines.books[2]
    pipelines.begin((1, 2))
    assert len(made) == 2 and not any(decoder.closed for decoder in made), "the same tracks keep their decoders"
    pipelines.begin((2, 3))
    assert pipelines.books[2] is book is pipelines.book and pipelines.books.keys() == {2, 3}
    assert [decoder.closed for decoder in made] == [True, True, False, False]
    pipelines.begin(())
    assert pipelines.books == {} and all(decoder.closed for decoder in made)
