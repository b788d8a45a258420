"""The peer to be ahead of: a minimal client by hand, all ports and families side by side, nothing else.

    python client.py NAME ROOTS PORT,… ADDRESS …

Greeting, capabilities, STARTTLS, TLS verified, capabilities again. Prints the milliseconds until the last has ended,
its own start not counted.
"""

import asyncio
import ssl
import sys
import time

_SMTP = (b"EHLO [192.0.2.1]\r\n", b"STARTTLS\r\n", b"250 ")
_IMAP = (b"a CAPABILITY\r\n", b"b STARTTLS\r\n", b"a ")
_POP3 = (b"CAPA\r\n", b"STLS\r\n", b".\r")
_SIDES = {25: _SMTP, 587: _SMTP, 465: _SMTP, 143: _IMAP, 993: _IMAP, 110: _POP3, 995: _POP3}
_IMPLICIT = (465, 993, 995)


async def _until(reader: asyncio.StreamReader, end: bytes) -> None:
    while not (await reader.readline()).startswith(end):
        pass


async def _probe(address: str, name: str, port: int, context: ssl.SSLContext) -> None:
    ask, upgrade, end = _SIDES[port]
    implicit = port in _IMPLICIT
    reader, writer = await asyncio.open_connection(
        address, port, ssl=context if implicit else None, server_hostname=name if implicit else None
    )
    await reader.readline()
    writer.write(ask)
    await _until(reader, end)
    if not implicit:
        writer.write(upgrade)
        await reader.readline()
        await writer.start_tls(context, server_hostname=name)
        writer.write(ask)
        await _until(reader, end)
    writer.transport.abort()


async def _all(addresses: list[str], name: str, ports: list[int], context: ssl.SSLContext) -> float:
    started = time.perf_counter()
    await asyncio.gather(*(_probe(address, name, port, context) for address in addresses for port in ports))
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    trusted = ssl.create_default_context(cafile=sys.argv[2])
    print(asyncio.run(_all(sys.argv[4:], sys.argv[1], [int(port) for port in sys.argv[3].split(",")], trusted)))
