"""The demonstration's SMTP servers (aiosmtpd). They take no mail and let nobody sign in."""

import asyncio
import logging
import ssl

from aiosmtpd.smtp import SMTP, Envelope, Session

from poterne.demo.connections import Connections

_SIZE_OCTETS = 36_700_160
_EXTENSIONS = ("PIPELINING", "ENHANCEDSTATUSCODES")


def hush() -> None:
    """Keep aiosmtpd's log, which repeats what clients say, off every screen and file."""
    logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)


class Refusal:
    """Answers MAIL and AUTH (RFC 5321, RFC 4954) with a refusal and keeps nothing of them."""

    def __init__(self, *, sign_in: bool) -> None:
        self._sign_in = sign_in

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        lines = [line[4:] for line in responses if line != "250 HELP"]
        if not self._sign_in:
            lines = [line for line in lines if not line.startswith("AUTH")]
        lines[1:1] = _EXTENSIONS
        return [f"250-{line}" for line in lines[:-1]] + [f"250 {lines[-1]}"]

    async def handle_AUTH(self, server: SMTP, session: Session, envelope: Envelope, args: list[str]) -> str:  # noqa: N802
        return "535 5.7.8 Sign-in is always refused here"

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        return "530 5.7.0 Authentication required" if self._sign_in else "550 5.7.1 This demonstration takes no mail"


class SmtpServer(SMTP):
    """One connection. `starttls` is the context to upgrade with, `secured` says that TLS came before SMTP."""

    def __init__(
        self,
        connections: Connections,
        host: str,
        greeting: str,
        *,
        sign_in: bool,
        starttls: ssl.SSLContext | None,
    ) -> None:
        self._connections = connections
        super().__init__(
            Refusal(sign_in=sign_in),
            hostname=host,
            ident=greeting,
            data_size_limit=_SIZE_OCTETS,
            enable_SMTPUTF8=True,
            tls_context=starttls,
            auth_require_tls=starttls is not None,
            loop=asyncio.get_running_loop(),
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self._handler_coroutine is not None:
            self._connections.watch(self._handler_coroutine)
