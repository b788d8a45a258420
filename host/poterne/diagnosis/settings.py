"""What to type: every way in that was seen, the best first (RFC 8314 section 3)."""

from collections.abc import Collection, Iterable
from functools import cache

from poterne.diagnosis.evidence import answers, verified
from poterne.diagnosis.offers import is_offered, not_offered, of_certified, place, standing, told
from poterne.knowledge import auth, names, ports
from poterne.report import Lookup, MailProtocol, Observation, Offer, Setting, Settings

_SECURITY_RANK = {"tls": 0, "starttls": 1, "none": 2}
_PROTOCOL_RANK: dict[MailProtocol, int] = {"smtp": 0, "imap": 0, "pop3": 1}


@cache
def _family_order() -> dict[str, int]:
    return {family: position for position, family in enumerate(auth.table().order.families)}


def sign_in(mechanisms: Iterable[str]) -> tuple[str, ...]:
    """What a person needs for mechanisms: password, oauth2, kerberos, ntlm, certificate; unknown ones are left out."""
    families = auth.table().mechanisms
    found = {families[mechanism] for mechanism in mechanisms if mechanism in families}
    return tuple(sorted(found, key=lambda family: _family_order()[family]))


def settings(
    observations: Iterable[Observation],
    *,
    distrusted: Collection[int] = (),
    offers: Collection[Offer] = (),
    lookups: Iterable[Lookup] = (),
) -> Settings:
    """The settings that observations of the target show; both families of one port make one. `distrusted` ports, which
    this network blocks or somebody intercepts, stand behind the others that were verified. `offers` tell the form of
    the user name, and who recommends a host; `lookups` what the domain says that it does not have, which is no advice
    where nobody offers it.
    """
    observations = tuple(observations)
    offers = of_certified(offers, observations)
    withheld = not_offered(lookups)
    found: dict[tuple[str, int, str], Setting] = {}
    for observation in observations:
        setting = _setting(observation)
        if setting is None:
            continue
        # Without a sign-in an SMTP server takes mail for its own domains only, unless somebody says otherwise.
        receives = observation.service == "smtp" and not setting.auth and setting.source != "certificate"
        if (observation.service in withheld or receives) and not is_offered(offers, setting):
            continue
        key = (setting.host, setting.port, setting.security)
        known = found.get(key)
        if known is None or _fuller(setting) > _fuller(known):
            found[key] = setting
    ordered = sorted(
        (told(offers, setting) for setting in found.values()),
        key=lambda setting: _rank(
            setting,
            distrusted=setting.port in distrusted,
            recommended=standing(offers, setting),
            said=place(offers, setting),
        ),
    )
    return Settings(
        outgoing=tuple(setting for setting in ordered if setting.protocol == "smtp"),
        incoming=tuple(setting for setting in ordered if setting.protocol != "smtp"),
    )


def _fuller(setting: Setting) -> tuple[bool, int, tuple[str, ...]]:
    """Of two families of one port, the one that offers more; the words decide where they offer as much."""
    return setting.verified, len(setting.auth), setting.auth


def improves(later: Settings, earlier: Settings) -> bool:
    """Whether either list begins with something verified that was not so before."""
    return any(
        bool(new) and new[0].verified and not (old and old[0].verified)
        for new, old in ((later.outgoing, earlier.outgoing), (later.incoming, earlier.incoming))
    )


def _setting(observation: Observation) -> Setting | None:
    row = ports.row_of(observation)
    if observation.role != "target" or row is None or row.direction not in ("outgoing", "incoming"):
        return None
    if not answers(observation) or observation.security is None:
        return None
    auth = sign_in(observation.auth)
    return Setting(
        protocol=_protocol(row.dialogue),
        host=observation.host,
        port=observation.port,
        security=observation.security,
        auth=auth,
        verified=verified(observation),
        source=observation.source,
    )


def _protocol(dialogue: str) -> MailProtocol:
    protocols: dict[str, MailProtocol] = {"smtp": "smtp", "imap": "imap", "pop3": "pop3"}
    return protocols[dialogue]


def _rank(
    setting: Setting, *, distrusted: bool, recommended: int, said: tuple[int, int]
) -> tuple[bool, bool, bool, int, int, int, int, int, tuple[int, int], int, str]:
    row = ports.facts(setting.port)
    if row is None or row.dialogue != setting.protocol:
        row = ports.at_odds(ports.service_of(setting.protocol, setting.security) or "", setting.port)
    rank = row.rank if row else 9
    return (
        not setting.verified,
        setting.security == "none",
        distrusted,
        # 2525 and 25 stand behind the standard ports of submission, whatever their security.
        rank if rank > 2 and setting.protocol == "smtp" else 0,
        recommended,
        _PROTOCOL_RANK[setting.protocol],
        _SECURITY_RANK[setting.security],
        rank,
        said,
        _label_rank(setting),
        setting.host,
    )


@cache
def _labels() -> dict[str, int]:
    return {row.label: position for position, row in enumerate(names.table().name)}


def _label_rank(setting: Setting) -> int:
    return _labels().get(setting.host.partition(".")[0], 99) if setting.source == "guess" else 0
