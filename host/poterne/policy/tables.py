"""What the tables of a policy file are made of."""

import ipaddress
import os
import re
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from poterne.errors import InvalidTarget
from poterne.policy import files
from poterne.target.parser import host_name


class Table(BaseModel):
    """Frozen, strict, and refuses keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, ignored_types=(cached_property,))


def host_of(text: str) -> str:
    try:
        return host_name(text)
    except InvalidTarget as error:
        raise ValueError(str(error)) from None


def address_of(text: str) -> str:
    return str(ipaddress.ip_address(text))


def network_of(text: str) -> str:
    return str(ipaddress.ip_network(text, strict=False))


def as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def listed(value: object) -> object:
    return (value,) if isinstance(value, str) else as_tuple(value)


def _file(text: str) -> str:
    try:
        os.close(files.open_regular(Path(text)))
    except OSError as error:
        raise ValueError(f"{text}: {error.strerror or error}") from None
    return text


RootsFile = Annotated[str, AfterValidator(_file)]
Host = Annotated[str, AfterValidator(host_of)]
Hosts = Annotated[tuple[Host, ...], BeforeValidator(as_tuple)]


def _https(text: str) -> str:
    if text and not re.fullmatch(r"https://[^\s/?#@]+(/[!-~]*)?", text, re.ASCII):
        raise ValueError("expected an https:// URL, or nothing")
    return text


Https = Annotated[str, AfterValidator(_https)]
Networks = Annotated[tuple[Annotated[str, AfterValidator(network_of)], ...], BeforeValidator(as_tuple)]
