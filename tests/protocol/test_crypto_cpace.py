"""CPace: against the draft's vectors, against an independent implementation, and with wrong codes and points."""

from __future__ import annotations

import json
from pathlib import Path

import cpace as oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avl_protocol.crypto import cpace
from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.registry import CloseCode
from tests.protocol.handshakes import Seeded

PUBLIC = Path(__file__).parents[3] / "shared/vectors/cpace.json"
needs_vectors = pytest.mark.skipif(not PUBLIC.exists(), reason="the public CPace vectors are not at ../shared/vectors")

#: u-coordinates whose order divides 8, as RFC 7748 and the draft's appendix list them.
LOW_ORDER = (
    *(0, 1, 2**255 - 19, 2**255 - 20, 2**255 - 18),
    int.from_bytes(bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"), "little"),
    int.from_bytes(bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"), "little"),
)


def _run(first: bytes, second: bytes) -> tuple[cpace.Agreement, cpace.Agreement]:
    initiator = cpace.Initiator(prs=first, ci=b"ci", sid=b"sid", ad=b"viewer", entropy=Seeded("a"))
    responder = cpace.Responder(prs=second, ci=b"ci", sid=b"sid", ad=b"host", entropy=Seeded("b"))
    return initiator.finish(responder.share, b"host"), responder.finish(initiator.share, b"viewer")


@needs_vectors
def test_the_public_vector_holds() -> None:
    vector = {k: bytes.fromhex(v) for k, v in json.loads(PUBLIC.read_text("utf-8"))["G_25519"].items()}
    prs, ci, sid = vector["PRS"], vector["CI"], vector["sid"]
    assert cpace.generator(prs, ci, sid) == vector["g"]
    initiator = cpace.Initiator(prs=prs, ci=ci, sid=sid, ad=vector["ADa"], entropy=lambda size: vector["ya"])
    responder = cpace.Responder(prs=prs, ci=ci, sid=sid, ad=vector["ADb"], entropy=lambda size: vector["yb"])
    assert (initiator.share, responder.share) == (vector["Ya"], vector["Yb"])
    assert initiator.finish(vector["Yb"], vector["ADb"]).isk == vector["ISK_IR"]
    assert responder.finish(vector["Ya"], vector["ADa"]).isk == vector["ISK_IR"]


@settings(max_examples=25)
@given(st.binary(max_size=200), st.binary(max_size=200), st.binary(max_size=40), st.binary(max_size=40))
def test_an_independent_implementation_agrees(prs: bytes, ci: bytes, ad_a: bytes, ad_b: bytes) -> None:
    sid = b"a session id"
    ours = cpace.Initiator(prs=prs, ci=ci, sid=sid, ad=ad_a, entropy=Seeded("ours"))
    theirs = oracle.CPace.start(role=oracle.CPaceRole.RESPONDER, prs=prs, sid=sid, ci=ci, ad=ad_b)
    theirs.derive(ours.share, ad_a)
    agreement = ours.finish(theirs.public_share, ad_b)
    assert agreement.isk == theirs.isk
    assert agreement.responder_tag == theirs.tag()
    assert theirs.verify(agreement.initiator_tag)


@given(st.integers(min_value=0, max_value=2**255 - 1))
def test_the_map_to_the_curve_agrees_with_an_independent_one(r: int) -> None:
    assert cpace.elligator2(r) == oracle._elligator2(r)


def test_two_who_know_the_code_agree() -> None:
    ours, theirs = _run(b"code", b"code")
    assert ours == theirs


def test_with_another_code_nothing_agrees() -> None:
    ours, theirs = _run(b"code", b"Code")
    assert ours.isk != theirs.isk
    assert ours.responder_tag != theirs.responder_tag
    assert ours.initiator_tag != theirs.initiator_tag


def test_identities_and_session_enter_the_agreement() -> None:
    initiator = cpace.Initiator(prs=b"code", ci=b"ci", sid=b"sid", ad=b"viewer", entropy=Seeded("a"))
    responder = cpace.Responder(prs=b"code", ci=b"ci", sid=b"sid", ad=b"host", entropy=Seeded("b"))
    elsewhere = cpace.Responder(prs=b"code", ci=b"ci", sid=b"another", ad=b"host", entropy=Seeded("b"))
    right = initiator.finish(responder.share, b"host")
    assert initiator.finish(responder.share, b"impostor").responder_tag != right.responder_tag
    assert initiator.finish(elsewhere.share, b"host").responder_tag != right.responder_tag
    assert responder.share != elsewhere.share


@pytest.mark.parametrize("point", LOW_ORDER, ids=hex)
def test_low_order_shares_are_refused(point: int) -> None:
    initiator = cpace.Initiator(prs=b"code", ci=b"ci", sid=b"sid", ad=b"viewer", entropy=Seeded("a"))
    responder = cpace.Responder(prs=b"code", ci=b"ci", sid=b"sid", ad=b"host", entropy=Seeded("b"))
    for side in (initiator, responder):
        with pytest.raises(RemoteProtocolError) as raised:
            side.finish(point.to_bytes(32, "little"), b"")
        assert raised.value.code == CloseCode.SESSION_PROTOCOL


def test_equal_shares_are_refused() -> None:
    initiator = cpace.Initiator(prs=b"code", ci=b"ci", sid=b"sid", ad=b"viewer", entropy=Seeded("a"))
    with pytest.raises(RemoteProtocolError) as raised:
        initiator.finish(initiator.share, b"host")
    assert raised.value.code == CloseCode.SESSION_PROTOCOL


@given(st.binary(max_size=40).filter(lambda share: len(share) != 32))
def test_shares_of_another_size_are_refused(share: bytes) -> None:
    responder = cpace.Responder(prs=b"code", ci=b"ci", sid=b"sid", ad=b"host", entropy=Seeded("b"))
    with pytest.raises(RemoteProtocolError):
        responder.finish(share, b"viewer")
