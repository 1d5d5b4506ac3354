"""Makes captures of TCP conversations with nothing but struct: handshake, request, answer, end."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

SERVER = IPv4Address("10.0.0.80")
_MSS = 1_400
_FIN, _SYN, _PSH, _ACK = 0x01, 0x02, 0x08, 0x10
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


@dataclass(frozen=True, slots=True)
class Conversation:
    """What one client sends to a port; `is_http` gets an HTTP answer. `client` tells conversations apart."""

    client: IPv4Address
    port: int
    sent: bytes
    is_http: bool


def capture(conversations: list[Conversation]) -> bytes:
    """A pcap file (libpcap, Ethernet, microseconds) of the conversations, one after another."""
    packets = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)]
    for number, frame in enumerate(frame for each in conversations for frame in _frames(each)):
        seconds, micros = divmod(number * 1_000, 1_000_000)
        packets.append(struct.pack("<IIII", 1_764_000_000 + seconds, micros, len(frame), len(frame)) + frame)
    return b"".join(packets)


def _frames(talk: Conversation) -> Iterator[bytes]:
    client_port, mine, theirs = 40_000, 1_000, 5_000
    there = (talk.client, SERVER, client_port, talk.port)
    back = (SERVER, talk.client, talk.port, client_port)
    yield _frame(*there, mine, 0, _SYN, b"")
    yield _frame(*back, theirs, mine + 1, _SYN | _ACK, b"")
    mine, theirs = mine + 1, theirs + 1
    yield _frame(*there, mine, theirs, _ACK, b"")
    for start in range(0, len(talk.sent), _MSS):
        piece = talk.sent[start : start + _MSS]
        yield _frame(*there, mine, theirs, _PSH | _ACK, piece)
        mine += len(piece)
        yield _frame(*back, theirs, mine, _ACK, b"")
    answer = _ANSWER if talk.is_http else b"\0"
    yield _frame(*back, theirs, mine, _PSH | _ACK, answer)
    theirs += len(answer)
    yield _frame(*there, mine, theirs, _FIN | _ACK, b"")
    yield _frame(*back, theirs, mine + 1, _FIN | _ACK, b"")
    yield _frame(*there, mine + 1, theirs + 1, _ACK, b"")


def _frame(
    source: IPv4Address, target: IPv4Address, source_port: int, port: int, seq: int, ack: int, flags: int, data: bytes
) -> bytes:
    tcp = struct.pack(">HHIIBBHHH", source_port, port, seq, ack if flags & _ACK else 0, 5 << 4, flags, 65_000, 0, 0)
    pseudo = source.packed + target.packed + struct.pack(">BBH", 0, 6, len(tcp) + len(data))
    tcp = tcp[:16] + struct.pack(">H", _checksum(pseudo + tcp + data)) + tcp[18:]
    ip = (
        struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp) + len(data), 1, 0x4000, 64, 6, 0)
        + source.packed
        + target.packed
    )
    ip = ip[:10] + struct.pack(">H", _checksum(ip)) + ip[12:]
    return b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0" + ip + tcp + data


def _checksum(data: bytes) -> int:
    words = struct.unpack(f">{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2))
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
