"""Chapter 2 of the specification: first packets, streams and trust; what the tests of the transport leave out."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from avl_protocol.endpoint.dial.dialling import Unreachable
from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.tls import TlsServer, TrustPinned, TrustPublic, self_signed
from avl_protocol.quic.carrier import QuicCarrier
from avl_protocol.wire import varint
from avl_protocol.wire.messages import Admit, Hello
from avl_protocol.wire.registry import CloseCode, Role
from avl_relay.http.app import PageInfo, build, names_allowed
from tests.protocol.carriers import RecordingReceiver
from tests.relay.stand import Stand
from tests.simulator.run import Simulation, run

# -- streams -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [0, 3, 64, varint.MAX])
def test_a_stream_of_an_unknown_type_ends_the_connection(kind: int) -> None:
    viewer = Stand().viewer()
    assert viewer.closed is None
    viewer.raw(varint.encode(kind) + b"whatever", 4)
    assert viewer.closed == CloseCode.PROTOCOL_ERROR


def test_windows_are_widened_by_registration_and_admission_alone() -> None:
    stand = Stand()
    host = stand.neighbour("10.0.0.2")
    host.say(Hello((1,), Role.HOST))
    assert not host.connection.server.trusted
    host, viewer = stand.host(), stand.viewer()
    assert host.connection.server.trusted
    handle = stand.meet(host, viewer, admit=False)
    viewer.open(handle, 0, b"a handshake")
    assert not viewer.connection.server.trusted
    host.say(Admit(handle, (), (0,)))
    assert viewer.connection.server.trusted


# -- real connections, in virtual time ---------------------------------------------------------------------------------


async def served(sim: Simulation, tls: TlsServer) -> tuple[Endpoint, Endpoint, list[RecordingReceiver]]:
    server, client = sim.endpoint("10.0.0.1", name="relay.test"), sim.endpoint("10.0.0.2")
    accepted: list[RecordingReceiver] = []

    def on_carrier(carrier: QuicCarrier, _alpn: str) -> RecordingReceiver:
        accepted.append(RecordingReceiver(carrier))
        return accepted[-1]

    await server.bind(("0.0.0.0", 4433))
    server.listen(tls, on_carrier=on_carrier)
    await client.bind(("0.0.0.0", 0))
    return server, client, accepted


def test_a_unidirectional_stream_ends_the_connection() -> None:
    async def main(sim: Simulation) -> None:
        server, client, accepted = await served(sim, sim.certificate())
        carrier = await client.connect(("relay.test", 4433), trust=TrustPinned(), on_carrier=RecordingReceiver)
        connection = carrier.connection
        connection.send_stream_data(connection.get_next_available_stream_id(is_unidirectional=True), b"x")
        connection.on_wanted()
        while not accepted or not accepted[0].lost:
            await asyncio.sleep(0.01)
        assert accepted[0].lost[0][0] == CloseCode.PROTOCOL_ERROR
        assert accepted[0].streams == {}
        await client.close()
        await server.close()

    run(main)


def chain() -> tuple[bytes, TlsServer]:
    """An authority's PEM, and a server's certificate for relay.test that it signed; valid by any clock there is."""
    start, end = (datetime.datetime(year, 1, 1, tzinfo=datetime.UTC) for year in (2020, 2099))

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def build(subject: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name("authority"))
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        return builder.not_valid_before(start).not_valid_after(end)

    root, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ski = x509.SubjectKeyIdentifier.from_public_key(root.public_key())
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    authority = (
        build("authority", root)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(ski, critical=False)
        .sign(root, hashes.SHA256())
    )
    certificate = (
        build("relay.test", leaf)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("relay.test")]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ski), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(root, hashes.SHA256())
    )
    return authority.public_bytes(Encoding.PEM), TlsServer(certificate, leaf)


@pytest.mark.parametrize(
    ("asked", "genuine", "known", "connects"),
    [
        ("relay.test", True, True, True),
        ("other.test", True, True, False),
        ("relay.test", True, False, False),
        ("relay.test", False, True, False),
    ],
    ids=["right", "another name", "unknown authority", "self-signed"],
)
def test_without_a_pin_the_certificate_is_an_authority_s_and_for_this_name(
    asked: str, genuine: bool, known: bool, connects: bool, tmp_path: Path
) -> None:
    async def main(sim: Simulation) -> None:
        pem, signed = chain()
        (tmp_path / "authorities.pem").write_bytes(pem)
        trust = TrustPublic(asked, str(tmp_path / "authorities.pem") if known else None)
        tls = signed if genuine else self_signed(["relay.test"], now=sim.clock.wall(), entropy=sim.entropy)
        server, client, _accepted = await served(sim, tls)
        attempt = client.connect(("relay.test", 4433), trust=trust, on_carrier=RecordingReceiver)
        if connects:
            assert (await attempt).peer_certificate == tls.der
        else:
            with pytest.raises(Unreachable, match="refused the connection"):
                await attempt
        await client.close()
        await server.close()

    run(main)


# -- the page ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("relay.test:8080", None, 200),
        ("relay.test:8080", "https://relay.test", 200),
        ("localhost", None, 421),
        ("evil.test", None, 421),
        ("relay.test.evil.test", None, 421),
        ("", None, 421),
        ("relay.test:8080", "https://evil.test", 421),
        ("relay.test:8080", "null", 421),
        ("relay.test:8080", "file://relay.test", 421),
    ],
)
async def test_a_request_by_another_name_or_from_another_page_is_refused(
    host: str, origin: str | None, status: int
) -> None:
    app: Callable[..., Any] = build(
        lambda: PageInfo("relay.test:4433", bytes(32), (), True), names_allowed("relay.test", "10.0.0.1"), lambda: ""
    )
    answers: list[int] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answers.append(message["status"])

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    headers = [(b"host", host.encode()), *([(b"origin", origin.encode())] if origin is not None else [])]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/health",
        "raw_path": b"/health",
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("10.0.0.9", 1),
        "server": None,
    }
    await app(scope, receive, send)
    assert answers == [status]
