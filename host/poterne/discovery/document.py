"""Documents of the web, fetched through the gate: HTTPS only, redirects and sizes bounded, each URL once."""

import asyncio
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from poterne.discovery.refusal import Unusable
from poterne.errors import Forbidden, WebError
from poterne.knowledge import discovery
from poterne.knowledge.discovery import Trust
from poterne.net import web
from poterne.net.resolver import NameResolver
from poterne.policy import Policy
from poterne.probe.toolkit import Toolkit
from poterne.report.display import display

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ABSENT = frozenset({404, 410})


class Fetched(NamedTuple):
    """What became of a URL: the body where it was `found`, else one line that says why not. `status`: of HTTP."""

    state: Literal["found", "absent", "refused", "failed"]
    problem: Unusable | None = None
    body: bytes = b""
    status: int | None = None


@dataclass(slots=True)
class Web:
    """The web as one check's sources see it."""

    policy: Policy
    resolver: NameResolver
    toolkit: Toolkit
    _kept: dict[str, Fetched] = field(default_factory=dict)

    async def fetch(self, url: str, *, trust: Trust, named_by: str) -> Fetched:
        """GETs a document. `trust` is the first URL's; what a redirect names is a stranger's (docs/contract.md 2.5).
        `named_by` is `domain` or `policy` (see `dial.Gate.permits`), `default` for anybody else. Never raises.
        """
        if url not in self._kept:
            self._kept[url] = await self._follow(url, trust, named_by)
        return self._kept[url]

    async def _follow(self, url: str, trust: Trust, named_by: str) -> Fetched:
        redirects = discovery.table().limits.redirects
        patience = self.toolkit.timing.discovery.patience
        deadline = min(self.toolkit.deadline, asyncio.get_running_loop().time() + patience)
        place = url
        for _ in range(redirects + 1):
            response = await self._get(place, trust, named_by, deadline)
            if isinstance(response, Fetched):
                # A host that is not there is no news, unless somebody sends us to it.
                lost = response.state == "absent" and place != url
                return response._replace(state="failed") if lost else response
            if response.status not in _REDIRECTS:
                return _judged(response)
            there = _absolute(place, response.header("location"))
            if there is None:
                return _refused("a redirect that leads nowhere", "redirect", response.status)
            if not there.startswith("https://"):
                return _refused("a redirect that does not lead to https:", "redirect-insecure", response.status)
            place, trust, named_by = there, "foreign", "default"
        return _refused(f"more than {redirects} redirects", "redirects")

    async def _get(self, url: str, trust: Trust, named_by: str, deadline: float) -> web.Response | Fetched:
        try:
            async with asyncio.timeout_at(deadline):
                await asyncio.shield(self.toolkit.warming)
            return await web.get(
                url,
                self.toolkit.gate,
                policy=self.policy,
                resolver=self.resolver,
                trust=trust,
                deadline=deadline,
                limit=discovery.table().limits.document,
                source=named_by,
                context=self.toolkit.stores.strict,
                proxied=True,
            )
        except TimeoutError:
            return Fetched("failed", Unusable("no answer in time", "timeout"))
        except Forbidden as error:
            return Fetched("refused", Unusable(str(error), "forbidden"))
        except WebError as error:
            said = display(str(error), 200)
            return Fetched("absent" if _no_such_name(error) else "failed", Unusable(said, "web", said))


def _absolute(url: str, location: str | None) -> str | None:
    """Where a redirect leads, its scheme in small letters; None for nowhere."""
    from urllib.parse import urljoin, urlsplit, urlunsplit

    if not location:
        return None
    try:
        return urlunsplit(urlsplit(urljoin(url, location)))
    except ValueError:
        return None


def _judged(response: web.Response) -> Fetched:
    status = response.status
    if status in _ABSENT:
        return Fetched("absent", status=status)
    if status != 200:
        problem = Unusable(f"HTTP status {status}", "status", str(status))
        return Fetched("failed", problem, status=status)
    if not response.whole:
        size = discovery.table().limits.document // 1024
        return _refused(f"the document is larger than {size} KiB", "large", status, str(size))
    encoding = (response.header("content-encoding") or "identity").strip().lower()
    if encoding != "identity":
        return _refused("the document is compressed, which was not asked for", "unreadable", status)
    return Fetched("found", body=response.body, status=status)


def _refused(problem: str, reason: str, status: int | None = None, value: str | None = None) -> Fetched:
    return Fetched("refused", Unusable(problem, reason, value), status=status)


def _no_such_name(error: WebError) -> bool:
    return str(error).endswith(("(nxdomain)", "(nodata)"))
