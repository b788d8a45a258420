"""What offers add to a setting that was seen: who recommends it, and the form of the user name."""

from collections.abc import Iterable

from poterne.knowledge import load
from poterne.model import Offer, Setting, UserName


def told(offers: Iterable[Offer], setting: Setting) -> Setting:
    """The setting with the user name's form and the source of the best offer for it. The nearest offers count: those
    of the same protocol, port and security, then of the same port, of the same protocol, and of the same host; of these
    the most authoritative that knows. What the user typed stays typed, and `auth` stays what the server announces.
    """
    near = sorted(
        (offer for offer in offers if offer.host == setting.host),
        key=lambda offer: (_distance(offer, setting), *_authority(offer)),
    )
    sources = {setting.source, *(offer.source for offer in near if offer.protocol == setting.protocol)}
    return setting.model_copy(
        update={"username": _user_name(near, setting), "source": min(sources, key=_position)},
    )


def standing(offers: Iterable[Offer], setting: Setting) -> int:
    """Who recommends the host of a setting for its protocol: 0 the user or the domain itself, 1 others, 2 nobody. The
    port does not count: a host that is recommended may have a better one than it says.
    """
    if setting.source == "typed":
        return 0
    own = load("discovery")["own"]
    sources = {offer.source for offer in offers if (offer.host, offer.protocol) == (setting.host, setting.protocol)}
    return 2 if not sources else 0 if any(source in own for source in sources) else 1


def _user_name(near: list[Offer], setting: Setting) -> UserName:
    if setting.username != "unknown":
        return setting.username
    return next((offer.username for offer in near if offer.username != "unknown"), "unknown")


def _distance(offer: Offer, setting: Setting) -> int:
    if offer.protocol != setting.protocol:
        return 3
    if offer.port != setting.port:
        return 2
    return 0 if offer.security == setting.security else 1


def _authority(offer: Offer) -> tuple[int, int]:
    return _position(offer.source), offer.rank


def _position(source: str) -> int:
    authority: list[str] = load("discovery")["authority"]
    return authority.index(source) if source in authority else len(authority)
