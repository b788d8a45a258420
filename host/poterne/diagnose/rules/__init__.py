"""Rules: pure functions over evidence, one a conclusion. Each docstring states evidence, confounders, confidence."""

from poterne.diagnose.comparison import Comparison
from poterne.diagnose.rules import blocks, clock, families, interception, names, nearby, portal, servers
from poterne.diagnose.rules.wants import wants
from poterne.diagnose.symptom import Said

_COMPARING = (
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
    wants,
)


def comparing(case: Comparison) -> Said:
    """Everything that comparisons show, and all the evidence that they want."""
    for rule in _COMPARING:
        yield from rule(case)
