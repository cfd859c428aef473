"""A router on loopback that speaks UPnP: SSDP, descriptions and the three actions of WANIPConnection."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any

HERE = "127.0.0.1"
_ARGUMENT = (
    "<argument><name>{0}</name><direction>{1}</direction><relatedStateVariable>{2}</relatedStateVariable></argument>"
)
_ACTIONS = {
    "GetExternalIPAddress": [("NewExternalIPAddress", "out", "Text")],
    "AddPortMapping": [
        ("NewRemoteHost", "in", "Text"),
        ("NewExternalPort", "in", "Port"),
        ("NewProtocol", "in", "Text"),
        ("NewInternalPort", "in", "Port"),
        ("NewInternalClient", "in", "Text"),
        ("NewEnabled", "in", "Flag"),
        ("NewPortMappingDescription", "in", "Text"),
        ("NewLeaseDuration", "in", "Seconds"),
    ],
    "DeletePortMapping": [
        ("NewRemoteHost", "in", "Text"),
        ("NewExternalPort", "in", "Port"),
        ("NewProtocol", "in", "Text"),
    ],
}
_TYPES = {"Text": "string", "Port": "ui2", "Flag": "boolean", "Seconds": "ui4"}


@dataclass(kw_only=True)
class Igd(asyncio.DatagramProtocol):
    """Answers as UPnP says. `elsewhere`: what its SSDP answer names instead of its own description."""

    service: str = "WANIPConnection:1"
    ip: str = "8.8.4.4"
    error: int = 0
    taken: set[int] = field(default_factory=set)
    elsewhere: str = ""
    control: str = "/control"
    replaced: dict[str, bytes] = field(default_factory=dict)
    searches: list[bytes] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    mappings: dict[int, dict[str, str]] = field(default_factory=dict)

    async def stand(self) -> None:
        self.server = await asyncio.start_server(self._serve, HERE, 0)
        self.web = self.server.sockets[0].getsockname()[1]
        self.transport: Any
        self.transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, local_addr=(HERE, 0)
        )
        self.port = int(self.transport.get_extra_info("sockname")[1])

    async def fall(self) -> None:
        self.transport.close()
        self.server.close()
        await self.server.wait_closed()
        await asyncio.sleep(0)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.searches.append(data)
        location = self.elsewhere or f"http://{HERE}:{self.web}/root.xml"
        answer = f"HTTP/1.1 200 OK\r\nLOCATION: {location}\r\nST: x\r\nUSN: uuid:1\r\nEXT:\r\n\r\n"
        self.transport.sendto(answer.encode(), addr)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"content-length: (\d+)", head.lower())
        body = (await reader.readexactly(int(length[1]))).decode() if length else ""
        path = head.split()[1]
        self.requests.append(path)
        action = re.search(r'soapaction: *"[^#]*#(\w+)"', head, re.IGNORECASE)
        if path in self.replaced:
            writer.write(self.replaced[path])
        else:
            status, text = self._answer(path, action[1] if action else "", body)
            writer.write(
                f"HTTP/1.1 {status} X\r\nContent-Type: text/xml\r\nContent-Length: {len(text)}\r\n"
                f"Connection: close\r\n\r\n{text}".encode()
            )
        writer.close()

    def _answer(self, path: str, action: str, body: str) -> tuple[int, str]:
        if path == "/root.xml":
            return 200, self._description()
        if path == "/scpd.xml":
            return 200, _scpd()
        values = dict(re.findall(r"<(New\w+)[^>]*>([^<]*)</", body))
        error = self.error if action == "AddPortMapping" else 0
        if action == "AddPortMapping" and int(values["NewExternalPort"]) in self.taken:
            error = 718
        if error:
            return 500, _soap(
                f"<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail><UPnPError "
                f'xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>{error}</errorCode><errorDescription>Refused'
                "</errorDescription></UPnPError></detail></s:Fault>"
            )
        if action == "AddPortMapping":
            self.mappings[int(values["NewExternalPort"])] = values
        if action == "DeletePortMapping":
            self.mappings.pop(int(values["NewExternalPort"]))
        out = f"<NewExternalIPAddress>{self.ip}</NewExternalIPAddress>" if action == "GetExternalIPAddress" else ""
        name = f'u:{action}Response xmlns:u="urn:schemas-upnp-org:service:{self.service}"'
        return 200, _soap(f"<{name}>{out}</u:{action}Response>")

    def _description(self) -> str:
        return (
            '<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><specVersion><major>1</major>'
            "<minor>0</minor></specVersion><device>"
            "<deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:1</deviceType>"
            "<friendlyName>Router</friendlyName><manufacturer>M</manufacturer><modelName>R</modelName>"
            "<UDN>uuid:1</UDN><serviceList><service>"
            f"<serviceType>urn:schemas-upnp-org:service:{self.service}</serviceType>"
            "<serviceId>urn:upnp-org:serviceId:WANIPConn1</serviceId><SCPDURL>/scpd.xml</SCPDURL>"
            f"<controlURL>{self.control}</controlURL><eventSubURL>/event</eventSubURL></service></serviceList>"
            "</device></root>"
        )


def _scpd() -> str:
    actions = "".join(
        f"<action><name>{name}</name><argumentList>{''.join(_ARGUMENT.format(*one) for one in arguments)}"
        "</argumentList></action>"
        for name, arguments in _ACTIONS.items()
    )
    variables = "".join(
        f'<stateVariable sendEvents="no"><name>{name}</name><dataType>{kind}</dataType></stateVariable>'
        for name, kind in _TYPES.items()
    )
    return (
        '<?xml version="1.0"?><scpd xmlns="urn:schemas-upnp-org:service-1-0"><specVersion><major>1</major>'
        f"<minor>0</minor></specVersion><actionList>{actions}</actionList><serviceStateTable>{variables}"
        "</serviceStateTable></scpd>"
    )


def _soap(body: str) -> str:
    return (
        '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
        f's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>{body}</s:Body></s:Envelope>'
    )
