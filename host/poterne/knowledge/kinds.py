"""Kinds of values that several tables have."""

import ipaddress
import re
from typing import Annotated, Literal

from poterne.knowledge.reading import Matching, Parsed, Within

Seconds = Annotated[float, Within(0, 600)]
PortNumber = Annotated[int, Within(1, 65535)]
Count = Annotated[int, Within(1, 1_000_000)]
Text = Annotated[str, Matching(r"\S|\S.*\S", "a text without space around it")]
Label = Annotated[str, Matching(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9])?", "a label of DNS in small letters")]
Host = Annotated[str, Matching(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", "a host in small letters")]
Day = Annotated[str, Matching(r"20\d\d(-[01]\d(-[0-3]\d)?)?", "a year, a month or a day of ISO 8601")]

IpAddress = Annotated[ipaddress.IPv4Address | ipaddress.IPv6Address, Parsed(ipaddress.ip_address)]
IpNetwork = Annotated[ipaddress.IPv4Network | ipaddress.IPv6Network, Parsed(ipaddress.ip_network)]


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from None


Pattern = Annotated[re.Pattern[str], Parsed(_pattern)]

Direction = Literal["outgoing", "incoming", "filters", "other"]
"""What a mail program uses a port for."""
SignIn = Literal["password", "oauth2", "kerberos", "ntlm", "certificate"]
"""What a person needs for a sign-in mechanism."""
