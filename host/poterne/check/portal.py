"""The page that a captive portal alters."""

import asyncio
from datetime import UTC, datetime

from poterne.errors import Forbidden, WebError
from poterne.knowledge import controls
from poterne.net import web
from poterne.net.gate import Gate
from poterne.net.resolver import NameResolver
from poterne.policy import Policy
from poterne.report import Portal
from poterne.report.display import display

_GOOD_BODY = b"success"
_MAX_TEXT = 300


async def ask(policy: Policy, gate: Gate, resolver: NameResolver, deadline: float) -> Portal | None:
    """What the page answers by `deadline` (loop time) and within a few seconds; None where the policy switches it off
    or does not allow its port or address. Redirects are looked at, never followed.
    """
    page = controls.table().portal
    url = page.url if policy.controls.portal is None else policy.controls.portal
    if not url:
        return None
    by_policy = policy.controls.portal is not None
    try:
        answer = await web.get(
            url,
            gate,
            policy=policy,
            resolver=resolver,
            trust="typed" if by_policy else "foreign",
            source="policy" if by_policy else "default",
            deadline=min(deadline, asyncio.get_running_loop().time() + gate.timing.compare.portal),
            limit=page.limit,
        )
    except Forbidden:
        return None
    except WebError as error:
        return Portal(url=display(url, _MAX_TEXT), state="failed", error=display(str(error), 200), asked_at=_now())
    good = answer.status == 204 or (answer.status == 200 and answer.whole and answer.body.strip() == _GOOD_BODY)
    location = answer.header("location")
    return Portal(
        url=display(url, _MAX_TEXT),
        state="clear" if good else "altered",
        status=answer.status,
        location=None if location is None else display(location, _MAX_TEXT),
        date=_moment(answer.header("date")),
        asked_at=_now(),
    )


def _now() -> str:
    return _iso(datetime.now(UTC))


def _moment(text: str | None) -> str | None:
    """An HTTP date (RFC 9110 section 5.6.7); None where it is none."""
    from email.utils import parsedate_to_datetime

    if text is None:
        return None
    try:
        moment = parsedate_to_datetime(text[:64])
        return _iso(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
