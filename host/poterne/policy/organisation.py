"""What an administrator states of the organisation in a policy file: who it is, what its servers are, what is logged,
and what its browsers are told.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from poterne.policy.tables import Host, Hosts, Https, Table, as_tuple
from poterne.report import MailProtocol, Port, Security, UserName
from poterne.report.locales import Language

Text = Annotated[str, Field(max_length=200)]
Address = Annotated[str, Field(max_length=2048, pattern=r"^(https?|file)://[!-~]+$")]
CHROMIUM_ID = r"^[a-p]{32}$"
FIREFOX_ID = r"^([A-Za-z0-9._-]{0,64}@[A-Za-z0-9._-]{1,64}|\{[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\})$"
SignIn = Literal["password", "oauth2", "kerberos", "ntlm", "certificate"]


class Organisation(Table):
    """Shown to the user; `help` is a page of the organisation, `program` the mail program in whose words settings are
    said, `history` whether past checks are kept in the browser.
    """

    name: Text = ""
    help: Https = ""
    domain: Host | None = None
    program: Text = ""
    history: bool | None = None
    language: Language | None = None


class Server(Table):
    """One server as the organisation's users are to type it."""

    protocol: MailProtocol
    host: Host
    port: Port
    security: Security
    username: UserName = "unknown"
    auth: Annotated[tuple[SignIn, ...], BeforeValidator(as_tuple)] = ()


class Expected(Table):
    """The organisation's servers, for accounts of `domains` (empty: of `organisation.domain`)."""

    domains: Hosts = ()
    servers: Annotated[tuple[Server, ...], BeforeValidator(as_tuple)] = ()

    @model_validator(mode="after")
    def _once(self) -> "Expected":
        places = [(server.protocol, server.host, server.port) for server in self.servers]
        if len(set(places)) != len(places):
            raise ValueError("a server stands twice")
        return self


class Log(Table):
    """The audit log: when, which domain, which verdict. `file` and its size in bytes, of which `keep` older ones are
    kept, count for `to = "file"`; without a name it lies in the user's own state directory.
    """

    to: Literal["off", "journal", "syslog", "file"] = "off"
    file: Text = ""
    max_bytes: Annotated[int, Field(ge=1024, le=1 << 30)] = 1 << 20
    keep: Annotated[int, Field(ge=0, le=100)] = 5


class Deploy(Table):
    """What `poterne policy generate` tells browsers. `update_url`: the update manifest for Chromium's family;
    `xpi_url`: the package for Firefox's. `chromium_id`, `firefox_id`: where the organisation signs packages of its own.
    `block_other_hosts`: no other native host may be started than this and `other_hosts`. `user_level_hosts`: browsers
    read registrations of users. By default nothing of others is switched off.
    """

    update_url: Address | None = None
    xpi_url: Address | None = None
    chromium_id: Annotated[str, Field(pattern=CHROMIUM_ID)] | None = None
    firefox_id: Annotated[str, Field(pattern=FIREFOX_ID)] | None = None
    pinned: bool = True
    user_level_hosts: bool = True
    block_other_hosts: bool = False
    other_hosts: Annotated[tuple[Annotated[str, Field(pattern=r"^[a-z0-9_.]+$")], ...], BeforeValidator(as_tuple)] = ()
