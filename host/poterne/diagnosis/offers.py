"""What offers add to a setting that was seen: who recommends it, and the form of the user name."""

from collections.abc import Iterable, Iterator

from poterne.knowledge import app_passwords, discovery
from poterne.report import Lookup, Observation, Offer, Remark, Setting, UserName


def told(offers: Iterable[Offer], setting: Setting) -> Setting:
    """The setting with the user name's form, the source of the best offer for it, and what is to be known of it. The
    nearest offers count: those of the same protocol, port and security, then of the same port, of the same protocol,
    and of the same host; of these the most authoritative that knows. What the user typed stays typed, and `auth` stays
    what the server announces.
    """
    near = sorted(
        (offer for offer in offers if offer.host == setting.host),
        key=lambda offer: (_distance(offer, setting), *_authority(offer)),
    )
    sources = {setting.source, *(offer.source for offer in near if offer.protocol == setting.protocol)}
    return setting.model_copy(
        update={
            "username": _user_name(near, setting),
            "source": min(sources, key=position),
            "remarks": tuple(_remarks(near, setting)),
        },
    )


def of_certified(offers: Iterable[Offer], observations: Iterable[Observation]) -> list[Offer]:
    """The offers, and the same for hosts that only a certificate names where they share an address with one that is
    offered: it is that server by its other name.
    """
    every = list(offers)
    seen = [observation for observation in observations if observation.role == "target"]
    twins = {
        (one.host, other.host)
        for one in seen
        if one.source == "certificate"
        for other in seen
        if other.source != "certificate" and other.address == one.address
    }
    known = {offer.host for offer in every}
    copies = [
        offer.model_copy(update={"host": host})
        for host, twin in sorted(twins)
        if host not in known
        for offer in every
        if offer.host == twin
    ]
    return [*every, *copies]


def _remarks(near: list[Offer], setting: Setting) -> Iterator[Remark]:
    """What to know before a setting is used (`Setting.remarks`)."""
    alike = [offer for offer in near if offer.protocol == setting.protocol]
    if setting.source == "certificate":
        yield "certificate"
    elif setting.source != "typed" and alike and not any(offer.trusted for offer in alike):
        yield "unvouched"
    name = next((offer for offer in near if offer.own_name or offer.username != "unknown"), None)
    if name is not None and name.own_name:
        yield "own-name"
    takes_passwords = "password" in setting.auth or not setting.auth
    signing_in = next((offer.auth for offer in alike if offer.auth), ())
    if takes_passwords and signing_in == ("oauth2",):
        yield "oauth2-only"
    elif takes_passwords and _wants_app_password(setting.host):
        yield "app-password"


def _wants_app_password(host: str) -> bool:
    return any(host in provider.hosts for provider in app_passwords.table().provider)


def standing(offers: Iterable[Offer], setting: Setting) -> int:
    """Who recommends the host of a setting for its protocol: 0 the user or the domain itself, 1 others, or a record for
    which nothing vouches (RFC 6186 section 6), 2 nobody. The port does not count: a host that is recommended may have a
    better one than it says.
    """
    if setting.source == "typed":
        return 0
    near = _of_host(offers, setting)
    return 2 if not near else 0 if any(offer.trusted and is_own(offer.source) for offer in near) else 1


def is_offered(offers: Iterable[Offer], setting: Setting) -> bool:
    """Whether the user or a source names this very port."""
    return setting.source == "typed" or any(offer.port == setting.port for offer in _of_host(offers, setting))


def place(offers: Iterable[Offer], setting: Setting) -> tuple[int, int]:
    """Where the host of a setting stands for its protocol: the most authoritative source that names it, and its place
    in that source's own order.
    """
    near = (_authority(offer) for offer in _of_host(offers, setting))
    return min(near, default=(position(setting.source), 0))


def not_offered(lookups: Iterable[Lookup]) -> frozenset[str]:
    """The services (IANA names) of which the domain says in DNS that there are none."""
    return frozenset(
        lookup.place.partition("._tcp.")[0].removeprefix("_") for lookup in lookups if lookup.state == "not-offered"
    )


def is_own(source: str) -> bool:
    """Whether it is the domain itself that speaks."""
    return source in discovery.table().own


def position(source: str) -> int:
    """How much a source is believed; 0 is the most."""
    authority = discovery.table().authority
    return authority.index(source) if source in authority else len(authority)


def _of_host(offers: Iterable[Offer], setting: Setting) -> list[Offer]:
    return [offer for offer in offers if (offer.host, offer.protocol) == (setting.host, setting.protocol)]


def _user_name(near: list[Offer], setting: Setting) -> UserName:
    if setting.username != "unknown":
        return setting.username
    return next((offer.username for offer in near if offer.own_name or offer.username != "unknown"), "unknown")


def _distance(offer: Offer, setting: Setting) -> int:
    if offer.protocol != setting.protocol:
        return 3
    if offer.port != setting.port:
        return 2
    return 0 if offer.security == setting.security else 1


def _authority(offer: Offer) -> tuple[int, int]:
    return position(offer.source), offer.rank
