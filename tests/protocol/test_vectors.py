"""The published vectors: Python still makes them, byte for byte, and reads them as any other implementation has to."""

from __future__ import annotations

import json
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from avl_protocol.audit.entry import BadEntry, encode, from_line, link, to_line
from avl_protocol.audit.head import head_of
from avl_protocol.audit.merkle import leaf_hash, verify_consistency, verify_inclusion
from avl_protocol.crypto import cpace, identity, sframe
from avl_protocol.crypto.channel import SecureChannel, open_channel, read_resume_header
from avl_protocol.crypto.handshake import ViewerHandshake
from avl_protocol.crypto.hpke import NotSealed
from avl_protocol.crypto.identity import Identity
from avl_protocol.crypto.record import RecordOpener, RecordSealer
from avl_protocol.crypto.schedule import SessionKeys
from avl_protocol.crypto.sframe import ObjectOpener, Replayed, UnknownKey
from avl_protocol.media import parity
from avl_protocol.media.frame import Chroma
from avl_protocol.media.packetizer import packetize
from avl_protocol.media.reassembler import Reassembler
from avl_protocol.path.candidate import Candidate, Site, from_rows, reachable
from avl_protocol.path.punch import Punch, PunchKey, tag_of
from avl_protocol.rights import jws, lastpicture, personkey
from avl_protocol.rights.chain import Trust, verify_chain
from avl_protocol.rights.effective import effective
from avl_protocol.rights.enrolled import enrolled
from avl_protocol.rights.sharelink import Share
from avl_protocol.rights.statements import (
    AccessGrant,
    Enrolment,
    KeyLink,
    PictureKey,
    Policy,
    RevocationList,
    read,
    revocations_of,
)
from avl_protocol.websocket import frames
from avl_protocol.wire import clipfiles, clipformats, cliptext, codec, datagram, device_id, packing, target, varint
from avl_protocol.wire.errors import GrantRefused, Refused, RemoteProtocolError
from avl_protocol.wire.registry import CandidateKind, Permission
from spec.vectors import bounds_cases, carrier_cases, make, parity_cases, track_cases
from spec.vectors.bounds_codec_cases import Case
from spec.vectors.message_cases import TABLES
from spec.vectors.notation import untagged

PLACE = Path(make.__file__).parent


def _read(name: str) -> Any:
    return json.loads((PLACE / f"{name}.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("name", "content"), make.vectors().items(), ids=lambda value: value if type(value) is str else ""
)
def test_python_makes_the_published_vectors(name: str, content: Any) -> None:
    assert make.text(content) == (PLACE / f"{name}.json").read_text("utf-8")


def test_every_vector_file_is_one_that_is_made() -> None:
    assert {path.stem for path in PLACE.glob("*.json")} == {*make.vectors(), "kem"}


def test_the_drawn_ciphertext_holds_the_drawn_secret() -> None:
    kem = {name: bytes.fromhex(value) for name, value in _read("kem").items() if name != "about"}
    key = MLKEM768PrivateKey.from_seed_bytes(kem["seed"])
    assert key.public_key().public_bytes_raw() == kem["public"]
    assert key.decapsulate(kem["ciphertext"]) == kem["secret"]


def test_integers() -> None:
    vectors = _read("varint")
    for case in (*vectors["valid"], *vectors["wide"], *vectors["longer_than_needed"]):
        encoded = bytes.fromhex(case["encoded"])
        assert varint.decode(encoded) == (int(case["value"]), len(encoded))
    assert [varint.decode(bytes.fromhex(text)) for text in vectors["cut"]] == [None] * len(vectors["cut"])


def test_packed_values() -> None:
    vectors = _read("packing")
    for case in vectors["valid"]:
        assert packing.unpack(bytes.fromhex(case["encoded"])) == untagged(case["value"])
        assert packing.pack(untagged(case["value"])).hex() == case["encoded"]
    for case in vectors["invalid"]:
        with pytest.raises(RemoteProtocolError) as raised:
            packing.unpack(bytes.fromhex(case["encoded"]))
        assert raised.value.code.name == case["error"], case["why"]


@pytest.mark.parametrize("table", TABLES)
def test_messages(table: str) -> None:
    reader, kinds, _ = TABLES[table]
    by_name = {codec.registry_name(kind): kind for kind in kinds}
    vectors = _read("messages")[table]
    for case in (*vectors["valid"], *vectors["read"]):
        message = reader.decode(bytes.fromhex(case["encoded"]))
        assert type(message) is by_name[case["kind"]]
        assert all(_lists(getattr(message, name)) == untagged(value) for name, value in case["fields"].items())
    for case in vectors["valid"]:
        fields = {name: _tuples(untagged(value)) for name, value in case["fields"].items()}
        assert reader.encode(by_name[case["kind"]](**fields)).hex() == case["encoded"]
    for case in vectors["invalid"]:
        with pytest.raises(RemoteProtocolError) as raised:
            reader.decode(bytes.fromhex(case["encoded"]))
        assert raised.value.code.name == case["error"], case["why"]
    assert all(reader.decode(bytes.fromhex(text)) is None for text in vectors["unknown"])


def _lists(value: Any) -> Any:
    return [_lists(item) for item in value] if isinstance(value, tuple) else value


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def test_datagrams() -> None:
    vectors = _read("datagram")
    for case in vectors["valid"]:
        header, payload = datagram.decode(bytes.fromhex(case["encoded"]))
        assert {name: getattr(header, name) for name in case if name not in ("payload", "encoded")} == {
            name: value for name, value in case.items() if name not in ("payload", "encoded")
        }
        assert bytes(payload).hex() == case["payload"]
        assert datagram.encode(header, payload).hex() == case["encoded"]
    for case in vectors["invalid"]:
        with pytest.raises(RemoteProtocolError) as raised:
            datagram.decode(bytes.fromhex(case["encoded"]))
        assert raised.value.code.name == case["error"], case["why"]


def test_carrier_frames() -> None:
    vectors = _read("carrier")
    for case in vectors["valid"]:
        frame = frames.decode(bytes.fromhex(case["encoded"]))
        assert carrier_cases.fields(frame) == {name: value for name, value in case.items() if name != "encoded"}
        assert frames.encode(frame).hex() == case["encoded"]
    for case in vectors["invalid"]:
        with pytest.raises(RemoteProtocolError) as raised:
            frames.decode(bytes.fromhex(case["encoded"]))
        assert raised.value.code.name == case["error"], case["why"]


def test_bounds() -> None:
    vectors = _read("bounds")
    for case in vectors["sizes"]:
        assert bounds_cases.fits(case["width"], case["height"]) == case["fits"]
    for case in vectors["units"]:
        read = Case(**{**case, "unit": bytes.fromhex(case["unit"]), "chroma": Chroma(case["chroma"])})
        assert bounds_cases.taken(read) == case["taken"], case["about"]


def test_tracks() -> None:
    vectors = _read("track")
    for case in vectors["valid"]:
        assert track_cases.read(tuple(map(tuple, case["rows"]))) == case["tracks"], case["why"]
        assert track_cases.lower(tuple(map(tuple, case["rows"]))) == case["rungs"], case["why"]
    for case in vectors["invalid"]:
        assert track_cases.read(tuple(map(tuple, case["rows"]))) is None, case["why"]


def test_parity() -> None:
    vectors = _read("parity")
    for case in vectors["matrix"]:
        assert parity.matrix_row(case["row"]).hex() == case["coefficients"]
    for case in vectors["objects"]:
        sealed = parity_cases.content(case["object"], case["length"])
        place = (case["handle"], case["track"], case["object"], case["flags"])
        assert [data.hex() for data in parity.make(sealed, *place, case["rows"])] == case["parity"]
        rows = {
            header.fragment: (header, row) for header, row in map(datagram.decode, map(bytes.fromhex, case["parity"]))
        }
        for loss in case["losses"]:
            arriving = [datagram.decode(data) for data in packetize(sealed, *place)]
            kept = [piece for index, piece in enumerate(arriving) if index not in loss["lost"]]
            kept += [rows[block * parity.BLOCK + row] for block, row in loss["come"]]
            reassembler = Reassembler()
            found = [whole for piece in kept if (whole := reassembler.add(*piece, 0.0))]
            assert [(one.sealed, one.repaired) for one in found] == [(sealed, len(loss["lost"]))] * loss["whole"]


def test_device_ids_and_codes() -> None:
    vectors = _read("device_id")
    for case in vectors["valid"]:
        number = int(case["number"], 16)
        assert device_id.to_text(number) == case["text"] and device_id.from_text(case["text"]) == number
        if "public" in case:
            assert identity.device_number(bytes.fromhex(case["public"])) == number
    for case in vectors["typed"]:
        assert device_id.from_text(case["typed"]) == int(case["number"], 16)
    for text in vectors["invalid"]:
        with pytest.raises(ValueError, match="device ID"):
            device_id.from_text(text)
    assert all(device_id.normalise_code(case["typed"]) == case["normalised"] for case in vectors["codes"])
    assert all(device_id.show_code(case["code"]) == case["shown"] for case in vectors["shown"])


def test_clipboard_texts() -> None:
    vectors = _read("cliptext")
    for case in vectors["contents"]:
        raw = b"".join(unit.to_bytes(2, "big") for unit in case["units"])
        whole = raw.decode("utf-16-be", "surrogatepass") * case["times"]
        state, text = cliptext.as_told(cliptext.content_of(whole))
        assert (state, text[: len(case["begins"])], len(text)) == (case["state"], case["begins"], case["length"])
    for case in vectors["told"]:
        assert list(cliptext.as_told(cliptext.told(case["state"], case["text"]))) == case["means"]


def test_clipboard_formats() -> None:
    vectors = _read("clipformats")
    for case in vectors["names"]:
        found = clipformats.format_of(case["name"])
        assert (found, clipformats.kind_of(found)) == (case["format"], case["kind"]), case["name"]
    for case in vectors["offers"]:
        offered = clipformats.offered(map(tuple, case["rows"]))
        assert [list(row) for row in clipformats.rows(offered)] == case["offered"]
    for case in vectors["files"]:
        assert list(clipfiles.listed(bytes.fromhex(case["data"]))) == case["listed"]


def test_targets() -> None:
    vectors = _read("target")
    for case in vectors["valid"]:
        read = target.parse_target(case["text"])
        assert (read.relay.host, read.relay.port) == (case["host"], case["port"])
        assert (read.relay.pin.hex() if read.relay.pin else None) == case["pin"]
        assert read.device == int(case["device"], 16) and str(read) == case["shown"]
    for text in vectors["invalid"]:
        with pytest.raises(ValueError):
            target.parse_target(text)


def test_what_identities_vouch_for() -> None:
    vectors = _read("identity")
    one = Identity(bytes.fromhex(vectors["seed"]))
    public = bytes.fromhex(vectors["public"])
    assert one.public == public
    place = vectors["certificate"]
    identity.check_relay(
        bytes.fromhex(vectors["pin"]), public, bytes.fromhex(place["endorsement"]), bytes.fromhex(place["der"])
    )
    direct = (bytes.fromhex(vectors["pin"]), public, bytes.fromhex(place["host_endorsement"]))
    identity.check_relay(*direct, bytes.fromhex(place["der"]), identity.HOST_CERTIFICATE)
    with pytest.raises(Refused):
        identity.check_relay(*direct, bytes.fromhex(place["der"]))
    raw = {
        k: bytes.fromhex(v)
        for k, v in vectors["registration"].items()
        if k in ("record", "signature", "proof", "nonce")
    }
    number = identity.check_registration(
        public,
        raw["record"],
        raw["signature"],
        raw["proof"],
        raw["nonce"],
        bytes.fromhex(place["der"]),
        vectors["registration"]["relay_name"],
        vectors["registration"]["not_before"],
    )
    assert number == one.number
    for case in vectors["static"]:
        arguments = (bytes.fromhex(case["signature"]), case["label"].encode(), bytes.fromhex(case["key"]))
        for row in vectors["validity"]:
            valid = identity.check_static(public, *arguments, case["not_before"], case["not_after"], row["wall"])
            assert valid == row["valid"]
    overlong, key = vectors["overlong"], bytes.fromhex(vectors["static"][0]["key"])
    assert not identity.check_static(
        public,
        bytes.fromhex(overlong["signature"]),
        identity.STATIC_HOST,
        key,
        overlong["not_before"],
        overlong["not_after"],
        overlong["not_before"],
    )
    signer = {name: bytes.fromhex(value) for name, value in vectors["signer"].items()}
    assert identity.check_signer(public, signer["endorsement"], signer["media_session"], signer["signer"])


def test_agreements_on_a_code() -> None:
    vectors = _read("cpace")
    for case in vectors["runs"]:
        raw = {name: bytes.fromhex(value) for name, value in case.items()}
        initiator = cpace.Initiator(
            prs=raw["prs"],
            ci=raw["ci"],
            sid=raw["sid"],
            ad=raw["ad_initiator"],
            entropy=lambda size, raw=raw: raw["scalar_initiator"],  # type: ignore[misc]
        )
        assert initiator.share == raw["share_initiator"]
        agreement = initiator.finish(raw["share_responder"], raw["ad_responder"])
        assert (agreement.isk, agreement.initiator_tag, agreement.responder_tag) == (
            raw["isk"],
            raw["tag_initiator"],
            raw["tag_responder"],
        )
    raw = {name: bytes.fromhex(value) for name, value in vectors["runs"][0].items()}
    initiator = cpace.Initiator(
        prs=raw["prs"], ci=raw["ci"], sid=raw["sid"], ad=b"", entropy=lambda size: raw["scalar_initiator"]
    )
    for share in vectors["refused_by_initiator_of_run_0"]:
        with pytest.raises(RemoteProtocolError) as raised:
            initiator.finish(bytes.fromhex(share), b"")
        assert raised.value.code.name == vectors["error"]


def test_records() -> None:
    vectors = _read("record")
    key = bytes.fromhex(vectors["key"])
    for run in vectors["runs"]:
        sealer, opener = RecordSealer(key, run["pad_to"], run["rekey_every"]), RecordOpener(key)
        for case in run["records"]:
            assert sealer.seal(case["type"], bytes.fromhex(case["data"])).hex() == case["record"]
            assert opener.open(bytes.fromhex(case["record"])[2:]) == (case["type"], bytes.fromhex(case["data"]))
    for case in vectors["invalid"]:
        with pytest.raises(RemoteProtocolError) as raised:
            RecordOpener(key).open(bytes.fromhex(case["ciphertext"]))
        assert raised.value.code.name == case["error"], case["why"]


def test_sealed_objects() -> None:
    vectors = _read("sframe")
    opener = ObjectOpener(bytes.fromhex(vectors["media_session"]), bytes.fromhex(vectors["signer"]))
    for key in vectors["keys"]:
        read = sframe.MediaKey.from_bytes(bytes.fromhex(key["encoded"]))
        assert (read.generation, read.step, read.base.hex()) == (key["generation"], key["step"], key["base"])
        opener.add_key(read.generation, read.step, read.base)
    for case in vectors["objects"]:
        result: dict[str, Any]
        try:
            sealed = bytes.fromhex(case["sealed"])
            result = {"plaintext": opener.open(case["track"], case["object"], case["flags"], sealed).hex()}
        except UnknownKey as unknown:
            result = {"unknown_key": unknown.kid}
        except Replayed:
            result = {"replayed": True}
        except RemoteProtocolError as error:
            result = {"error": error.code.name}
        assert case == {**case, **result}, case["why"]


def test_channels() -> None:
    vectors = _read("channel")
    keys = SessionKeys(bytes.fromhex(vectors["master"]), bytes.fromhex(vectors["handshake_hash"]))
    session = bytes.fromhex(vectors["session"])
    assert all(keys.label(label).hex() == key for label, key in vectors["keys"].items())
    for script in vectors["scripts"]:
        ends = {side: open_channel(keys, script["channel"], side == "viewer", session) for side in ("viewer", "host")}
        for step in script["steps"]:
            try:
                result: dict[str, Any] = {"out": _do(ends[step["end"]], step)}
            except RemoteProtocolError as error:
                result = {"error": error.code.name}
            assert step == {**step, **result, "retained": ends[step["end"]].retained}, script["about"]


def _do(end: SecureChannel, step: dict[str, Any]) -> str | list[str]:
    match step["do"]:
        case "send":
            return end.send(bytes.fromhex(step["data"])).hex()
        case "receive":
            return [chunk.hex() for chunk in end.receive(bytes.fromhex(step["data"]))]
        case "resume_header":
            return end.resume_header(step["epoch"], bytes.fromhex(step["binding"])).hex()
        case "resume":
            found = read_resume_header(bytes.fromhex(step["header"]))
            assert found is not None
            return end.resume(found[0], bytes.fromhex(step["binding"])).hex()
        case "suspend":
            end.suspend()
            return ""
        case plain:
            out: bytes = getattr(end, plain)()
            return out.hex()


def test_handshakes() -> None:
    vectors = _read("handshake")
    for story in vectors["stories"]:
        draws = iter([bytes.fromhex(value) for value in story["entropy"]])
        ticket = bytes.fromhex(story["viewer"]["ticket"])
        values = {**story["viewer"], "versions": tuple(story["viewer"]["versions"]), "ticket": ticket}
        values["chain"] = tuple(values["chain"])
        viewer = ViewerHandshake(
            own=Identity(bytes.fromhex(vectors["viewer_seed"])),
            device_number=int(vectors["device"], 16),
            session_id=bytes.fromhex(vectors["session"]),
            entropy=lambda size, draws=draws: next(draws),  # type: ignore[misc]
            **values,
        )
        for step in story["steps"]:
            result: dict[str, Any]
            try:
                sent = [viewer.start()] if step["do"] == "start" else viewer.receive(bytes.fromhex(step["body"]))
                result = {"send": [body.hex() for body in sent]}
            except RemoteProtocolError as error:
                result = {"error": error.code.name}
            except Refused as refused:
                result = {"refused": refused.code.name}
                if isinstance(refused, GrantRefused):
                    result["why"] = int(refused.why or 0)
            assert step == {**step, **result}, story["about"]
            assert step.get("admitted", viewer.admitted) == viewer.admitted
            assert step.get("waiting", viewer.waiting) == viewer.waiting
        assert viewer.done == ("keys" in story)
        if viewer.done:
            assert viewer.resumed == story["keys"]["resumed"]
            assert viewer.keys.master.hex() == story["keys"]["master"]


def test_punches() -> None:
    vectors = _read("punch")
    key = PunchKey(bytes.fromhex(vectors["key"]))
    assert key.tag.hex() == vectors["tag"]
    for case in vectors["valid"]:
        data, punch = bytes.fromhex(case["encoded"]), Punch(case["answer"], bytes.fromhex(case["nonce"]))
        assert key.read(data, case["from_viewer"]) == punch and tag_of(data) == key.tag
        assert key.make(punch, case["from_viewer"]) == data
    for case in vectors["refused"]:
        assert key.read(bytes.fromhex(case["encoded"]), case["from_viewer"]) is None, case["why"]
    for case in vectors["connection_ids"]["valid"]:
        assert key.connection_id(bytes.fromhex(case["nonce"])).hex() == case["id"]
        assert key.names(bytes.fromhex(case["id"]))
    for case in vectors["connection_ids"]["refused"]:
        assert not key.names(bytes.fromhex(case["id"])), case["why"]


def test_candidates() -> None:
    vectors = _read("punch")["candidates"]
    for case in vectors["rows"]:
        (candidate,) = from_rows([case["row"]])
        assert [int(candidate.kind), candidate.host, candidate.port] == case["candidate"]
    for case in vectors["ignored"]:
        row = [bytes.fromhex(value["bytes"]) if isinstance(value, dict) else value for value in case["row"]]
        assert from_rows([row]) == [], case["why"]
    site = Site(tuple(vectors["networks"]), tuple(vectors["observed"]))

    def sent(*hosts: str, kind: CandidateKind = CandidateKind.LOCAL, near: bool = False) -> list[str]:
        return [
            candidate.host for candidate in reachable([Candidate(kind, host, 9) for host in hosts], site, near=near)
        ]

    assert [case for case in vectors["forbidden"] if sent(case["host"])] == []
    assert all(sent(host) for host in vectors["allowed"])
    beside = vectors["behind_one_address"]
    assert sent(beside["private"], beside["observed"]) == [beside["observed"]]
    both = [beside["private"], beside["observed"]]
    assert sent(*both, kind=CandidateKind.OBSERVED) == [beside["observed"]], "a peer's word is no evidence"
    assert sorted(sent(*both, near=True)) == sorted(both)
    assert len(from_rows([(1, "192.0.2.1", port) for port in range(1, 100)])) == vectors["most"]


def _given(drawn: bytes, size: int) -> bytes:
    """Entropy that was drawn before."""
    return drawn[:size]


def test_audit() -> None:
    vectors = _read("audit")
    end = bytes(32)
    for case in vectors["entries"]:
        entry = from_line(case["line"])
        assert to_line(entry) == case["line"] and entry.prev == end
        encoded = encode(entry)
        end = link(encoded)
        assert (encoded.hex(), end.hex(), leaf_hash(encoded).hex()) == (case["bytes"], case["link"], case["leaf"])
    for case in vectors["invalid"]:
        with pytest.raises(BadEntry):
            pytest.fail(f"{case['why']}: {from_line(case['line'])}")
    leaves = [bytes.fromhex(leaf) for leaf in vectors["leaves"]]
    for tree in vectors["trees"]:
        size, root = tree["size"], bytes.fromhex(tree["root"])
        for case in tree["inclusion"]:
            assert verify_inclusion(case["index"], size, leaves[case["index"]], _hashes(case["proof"]), root)
        for case in tree["consistency"]:
            before = bytes.fromhex(case["root"])
            assert verify_consistency(case["old"], before, size, root, _hashes(case["proof"]))
    head, kept, fork = head_of(vectors["head"]), vectors["kept"], head_of(vectors["fork"]["head"])
    assert head.genuine and head.chain == end and fork.genuine
    for case in vectors["forged"]:
        assert not head_of(case["head"]).genuine, case["why"]
    before = bytes.fromhex(kept["root"])
    assert verify_consistency(kept["size"], before, head.size, head.root, _hashes(vectors["proof"]))
    assert not verify_consistency(kept["size"], before, fork.size, fork.root, _hashes(vectors["fork"]["proof"]))


def _hashes(proof: list[str]) -> list[bytes]:
    return [bytes.fromhex(one) for one in proof]


def test_rights() -> None:
    vectors = _read("rights")
    owner, *_ = people = [Identity(bytes.fromhex(one["seed"])) for one in vectors["people"]]
    for one, row in zip(people, vectors["people"], strict=True):
        assert (one.public.hex(), jws.thumbprint(one.public)) == (row["public"], row["thumbprint"])
    kinds = {kind.TYPE: kind for kind in (AccessGrant, KeyLink, Enrolment, Policy, RevocationList, PictureKey)}
    for row in vectors["statements"]:
        assert jws.sign(owner, row["type"], row["claims"], with_key=row["with_key"]) == row["token"]
        statement = read(kinds[row["type"]], row["token"], owner.public)
        assert statement.claims() == row["claims"]
    for row in vectors["invalid"]:
        with pytest.raises(jws.NotSigned):
            read(AccessGrant, row["token"], owner.public)
    for row in vectors["invalid_lists"]:
        with pytest.raises(jws.NotSigned):
            read(RevocationList, row["token"], owner.public)
    for row in vectors["invalid_picture_keys"]:
        with pytest.raises(jws.NotSigned):
            read(PictureKey, row["token"], owner.public)
    for row in vectors["chains"]:
        trust = Trust(
            owner=owner.public,
            audiences=frozenset(vectors["audiences"]),
            revocation=read(RevocationList, row["revocation"], owner.public),
            delegates={jws.thumbprint(key): found for key, found in map(revocations_of, row["delegates"])},
        )
        holder, used = bytes.fromhex(row["holder"]), row["used"]
        try:
            found = verify_chain(row["tokens"], trust, holder=holder, wall=row["wall"], used=Counter(used).__getitem__)
        except GrantRefused as error:
            assert error.why is not None
            assert error.why.name == row["refused"], row["about"]
        else:
            assert (int(found.permissions), found.expires, found.longest) == (
                row["permissions"],
                row["expires"],
                row["longest"],
            ), row["about"]
            assert (found.consent.value, found.owner, found.person) == (row["consent"], row["owner"], row["person"])
    assert {row.get("refused") for row in vectors["chains"]} >= {
        "FORGED",
        "WIDENED",
        "EXPIRED",
        "NOT_YET",
        "REVOKED",
        "STALE",
        "WRONG_HOLDER",
        "WRONG_DEVICE",
        "TOO_DEEP",
        "OUTSIDE_HOURS",
        "USED_UP",
        None,
    }
    device = people[-1]
    for row in vectors["enrolled"]:
        said = enrolled(row["tokens"], device.number, jws.thumbprint(owner.public))
        assert (None if said is None else list(said.groups)) == row["groups"], row["about"]
        assert said is None or (said.key == owner.public and vectors["audiences"][0] in said.audiences)
    assert {str(row["groups"]) for row in vectors["enrolled"]} >= {"None", "['office']", "['lab']", "[]"}
    for row in vectors["effective"]:
        layers = {name: Permission(row[name]) for name in ("grant", "host", "consent", "request")}
        assert effective(policies=[Permission(one) for one in row["policies"]], **layers) == row["left"]
    share, made = Share(bytes.fromhex(vectors["share"]["secret"])), vectors["share"]
    assert (share.identity.public.hex(), share.access_pass.hex(), share.id) == (
        made["public"],
        made["pass"],
        made["id"],
    )
    for row in vectors["copies"]:
        secret, seed, nonce = (bytes.fromhex(row[name]) for name in ("secret", "seed", "nonce"))
        assert personkey.wrap(seed, secret, partial(_given, nonce)) == row["copy"]
        assert personkey.unwrap(row["copy"], secret).public == Identity(seed).public


def test_last_pictures() -> None:
    vectors = _read("lastpicture")
    private = X25519PrivateKey.from_private_bytes(bytes.fromhex(vectors["private"]))
    host, taken = Identity(bytes.fromhex(vectors["host"])), vectors["taken"]
    assert device_id.to_text(host.number) == vectors["device"]
    for row in vectors["valid"]:
        image, sealed = bytes.fromhex(row["image"]), bytes.fromhex(row["sealed"])
        ephemeral = partial(_given, bytes.fromhex(vectors["ephemeral"]))
        assert lastpicture.seal(host, bytes.fromhex(vectors["public"]), taken, image, ephemeral) == sealed
        assert lastpicture.open_picture(private, host.number, taken, sealed) == image
    for row in vectors["invalid"]:
        with pytest.raises(NotSealed):
            lastpicture.open_picture(private, host.number, taken, bytes.fromhex(row["sealed"]))
