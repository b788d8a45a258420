"""Rules: pure functions over evidence, one a conclusion. Each docstring states evidence, confounders, confidence."""

from poterne.diagnose.case import Case
from poterne.diagnose.rules import (
    blocks,
    clock,
    disturbed,
    endpoint,
    families,
    interception,
    names,
    nearby,
    offers,
    portal,
    servers,
    wants,
)
from poterne.diagnose.symptom import Yields

_COMPARING = (
    portal.unconnected,
    portal.offline,
    portal.captive_portal,
    names.hijacked,
    names.wrong_host_name,
    clock.clock_wrong,
    interception.tls_intercepted,
    interception.smtp_intercepted,
    interception.starttls_stripped,
    nearby.local_firewall,
    nearby.gateway_firewall,
    nearby.paths,
    blocks.allow_list,
    blocks.port25,
    blocks.other_ports,
    families.broken,
    servers.server_down,
    servers.client_rejected,
    servers.port_silent,
    wants.wants,
)
_ALONE = (
    disturbed.disturbed,
    names.names,
    names.wanted_family,
    names.null_mx,
    offers.refused,
    offers.not_sent,
    endpoint.without_service,
    endpoint.without_family,
    endpoint.endpoints,
)


def shown(case: Case) -> Yields:
    """Everything that rules show, and all the evidence that they want: first what comparisons show; then what names and
    endpoints show by themselves, unless this machine is not in any network.
    """
    for rule in _COMPARING if case.target.is_cut_off else (*_COMPARING, *_ALONE):
        yield from rule(case)
