from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import chain
from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from poterne.knowledge.discovery import Trust
from poterne.net.gate import Gate
from poterne.policy import Allow, Lab, Policy
from poterne.report import Endpoint, Role
from poterne.target.embedded_addresses import faces, read

TRUSTS: tuple[Trust, ...] = get_args(Trust)
PUBLIC = ["1.1.1.1", "203.0.114.1", "2606:4700:4700::1111", "2a00::1"]
PRIVATE = [
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.254",
    "192.168.1.1",
    "100.64.0.1",
    "198.18.0.1",
    "fd12:3456::1",
    "fc00::1",
    "192.0.2.1",
    "2001:db8::1",
]
CLOSE = [
    "127.0.0.1",
    "127.255.255.254",
    "::1",
    "169.254.1.1",
    "fe80::1",
    "fe80::1%eth0",
    "169.254.169.254",
    "fd00:ec2::254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
]
NOWHERE = ["0.0.0.0", "::", "224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1", "255.255.255.255"]


def disguised(address: str) -> list[str]:
    """Ways in which an IPv6 address carries that IPv4 address: mapped, NAT64 (RFC 6052), 6to4 (RFC 3056), translated
    (RFC 2765), compatible (RFC 4291 section 2.5.5.1).
    """
    a, b, c, d = (int(part) for part in address.split("."))
    high, low = f"{a << 8 | b:x}", f"{c << 8 | d:x}"
    written = f"{high}:{low}"
    return [f"::ffff:{address}", f"64:ff9b::{written}", f"2002:{written}::1", f"::ffff:0:{written}", f"::{written}"]


# RFC 6052 section 2.2: which bits of the IPv6 address hold the IPv4 address, by the length of the prefix. Bits 64 to 71
# are none of them, and zero.
PLACES: dict[int, tuple[tuple[int, int], ...]] = {
    32: ((32, 64),),
    40: ((40, 64), (72, 80)),
    48: ((48, 64), (72, 88)),
    56: ((56, 64), (72, 96)),
    64: ((72, 104),),
    96: ((96, 128),),
}
POOL = "64:ff9b:1::"
POOL_LENGTHS = (48, 56, 64, 96)


def embedded(prefix: str, length: int, address: str) -> str:
    """The IPv6 address that carries an IPv4 address behind a prefix, bit for bit from that table."""
    bits = list(f"{int(ip_address(prefix)):0128b}")
    source = iter(f"{int(ip_address(address)):032b}")
    for first, end in PLACES[length]:
        for place in range(first, end):
            bits[place] = next(source)
    return str(IPv6Address(int("".join(bits), 2)))


def pooled(address: str) -> list[str]:
    """The forms of an IPv4 address in the pool of a network's own translators (RFC 8215)."""
    return [embedded(POOL, length, address) for length in POOL_LENGTHS]


def place(address: str, role: Role, source: str) -> Endpoint:
    return Endpoint(
        id="o1",
        role=role,
        host="x.example",
        address=address,
        family=6 if ":" in address else 4,
        port=25,
        service="smtp",
        asked="starttls",
        source=source,
    )


def allowed(address: str, policy: Policy | None = None) -> list[str]:
    gate = Gate(policy or Policy())
    return [trust for trust in TRUSTS if gate.allows(address, trust)]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_always_be_dialled(address: str) -> None:
    assert allowed(address) == ["typed", "named", "foreign"]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_need_a_user_who_typed_the_host_or_its_domain(address: str) -> None:
    assert allowed(address) == ["typed", "named"]


@pytest.mark.parametrize("address", CLOSE)
def test_loopback_link_local_and_metadata_need_a_user_who_typed_the_host(address: str) -> None:
    assert allowed(address) == ["typed"]


def test_a_zone_does_not_help_metadata() -> None:
    assert faces("fe80::1%eth0").certain == (IPv6Address("fe80::1"),)
    assert allowed("fd00:ec2::254%eth0") == ["typed"]


@pytest.mark.parametrize("address", NOWHERE)
def test_addresses_of_no_single_machine_are_never_dialled(address: str) -> None:
    assert allowed(address) == []


@pytest.mark.parametrize("address", [a for a in CLOSE if ":" not in a])
def test_a_disguise_does_not_help_loopback_and_metadata(address: str) -> None:
    assert [form for form in disguised(address) if allowed(form) != ["typed"]] == []


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.1.1"])
def test_a_disguise_does_not_help_private_addresses(address: str) -> None:
    assert [form for form in disguised(address) if "foreign" in allowed(form)] == []


def test_a_local_translation_prefix_is_judged_too() -> None:
    """RFC 8215: 64:ff9b:1::/48 stands for IPv4 addresses of the local network."""
    assert allowed("64:ff9b:1::a9fe:a9fe") == ["typed"]
    assert allowed("64:ff9b:1::7f00:1") == ["typed"]


@pytest.mark.parametrize(
    ("prefix", "length", "form"),
    [
        ("2001:db8::", 32, "2001:db8:c000:221::"),
        ("2001:db8:100::", 40, "2001:db8:1c0:2:21::"),
        ("2001:db8:122::", 48, "2001:db8:122:c000:2:2100::"),
        ("2001:db8:122:300::", 56, "2001:db8:122:3c0:0:221::"),
        ("2001:db8:122:344::", 64, "2001:db8:122:344:c0:2:2100::"),
        ("2001:db8:122:344::", 96, "2001:db8:122:344::c000:221"),
    ],
)
def test_the_examples_of_rfc_6052(prefix: str, length: int, form: str) -> None:
    """Section 2.4: 192.0.2.33 behind a prefix of each length."""
    assert ip_address(embedded(prefix, length, "192.0.2.33")) == ip_address(form)
    assert read(IPv6Address(form), length) == IPv4Address("192.0.2.33")


@pytest.mark.parametrize("length", sorted(PLACES))
@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.33", "255.255.255.255"])
def test_what_stands_around_an_embedded_address_is_not_read(address: str, length: int) -> None:
    for around in ("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"):
        assert str(read(IPv6Address(embedded(around, length, address)), length)) == address


@given(st.ip_addresses(v=4), st.sampled_from(sorted(PLACES)), st.integers(0, (1 << 128) - 1))
def test_what_was_embedded_is_read(address: IPv4Address, length: int, around: int) -> None:
    form = embedded(str(IPv6Address(around)), length, str(address))
    assert read(IPv6Address(form), length) == address


@given(st.ip_addresses(v=4), st.sampled_from(POOL_LENGTHS), st.integers(0, (1 << 80) - 1))
@example(IPv4Address("224.1.1.0"), 48, 16777216)
def test_the_pool_is_never_wider_than_what_it_leads_to(address: IPv4Address, length: int, rest: int) -> None:
    """Whatever stands in the other bits: who may not dial an address may not dial it in the pool. Where no single
    machine has it, another reading may be meant, but by nobody foreign.
    """
    around = IPv6Address(int(IPv6Address(POOL)) | rest)
    plain, form = allowed(str(address)), allowed(embedded(str(around), length, str(address)))
    assert set(form) <= set(plain) if plain else "foreign" not in form


def test_the_pool_is_read_at_each_of_its_lengths() -> None:
    """As 192.168.1.1 at /48, where a translator led that the last 32 bits, 8.8.8.8, let pass."""
    assert allowed("64:ff9b:1:c0a8:1:100:808:808") == ["typed", "named"]
    private = chain.from_iterable(pooled(address) for address in PRIVATE if "." in address)
    assert [form for form in private if "foreign" in allowed(form)] == []
    for address in CLOSE:
        if "." in address:
            assert [allowed(form) for form in pooled(address)] == [["typed"]] * 4, address


def test_who_may_name_a_public_address_in_the_pool() -> None:
    """With zeros around it, one of the other readings is 0.0.0.0: nobody foreign gets that far, everybody else does."""
    assert [allowed(form) for form in pooled("8.8.8.8")] == [["typed", "named"]] * 4
    assert allowed("64:ff9b:1:808:8:808:808:808") == ["typed", "named", "foreign"], "8.8.8.8 however it is read"


@pytest.mark.parametrize("address", ["64:ff9b:1::", "64:ff9b:1:e0e0:e0:e0e0:e0e0:e0e0"])
def test_what_leads_to_no_single_machine_however_it_is_read(address: str) -> None:
    assert allowed(address) == []


@pytest.mark.parametrize("network", ["192.168.0.0/16", "8.8.8.8", "64:ff9b:1::/48"])
def test_the_pool_is_no_way_round_denied_networks(network: str) -> None:
    policy = Policy(allow=Allow(deny_networks=(network,)))
    assert allowed("64:ff9b:1:c0a8:1:100:808:808", policy) == []
    assert policy.forbids("64:ff9b:1:c0a8:1:100:808:808%eth0") == "allow.deny_networks"


def test_the_pool_is_no_way_round_the_only_networks() -> None:
    address = "64:ff9b:1:c0a8:1:100:808:808"
    own, others = "64:ff9b:1::/48", ["8.8.8.0/24", "192.168.0.0/16", "168.1.1.0/24", "1.1.0.0/24"]
    assert {str(face) for face in faces(address).readings} == {"192.168.1.1", "168.1.1.0", "1.1.0.8", "8.8.8.8"}
    assert Policy(allow=Allow(networks=(own, *others))).forbids(address) is None
    for missing in others:
        left = [network for network in others if network != missing]
        assert Policy(allow=Allow(networks=(own, *left))).forbids(address) == "allow.networks"


@pytest.mark.parametrize("address", disguised("10.0.0.1"))
def test_an_address_that_was_typed_is_no_way_round_denied_networks(address: str) -> None:
    assert Policy(allow=Allow(deny_networks=("10.0.0.0/8",))).forbids(address) == "allow.deny_networks"


def test_public_addresses_in_disguise_are_public() -> None:
    assert [allowed(form) for form in disguised("1.1.1.1")] == [["typed", "named", "foreign"]] * 5


@pytest.mark.parametrize(
    ("network", "address"),
    [
        ("1.1.1.0/24", "1.1.1.1"),
        ("1.1.1.1", "::ffff:1.1.1.1"),
        ("1.1.1.1", "64:ff9b::101:101"),
        ("1.1.1.1", "2002:101:101::1"),
        ("127.0.0.0/8", "127.0.0.1"),
        ("::ffff:0:0/96", "::ffff:1.1.1.1"),
        ("2606:4700::/32", "2606:4700:4700::1111"),
        ("fe80::/10", "fe80::1%eth0"),
        ("0.0.0.0/0", "8.8.8.8"),
    ],
)
def test_denied_networks_are_denied_to_everybody(network: str, address: str) -> None:
    assert allowed(address, Policy(allow=Allow(deny_networks=(network,)))) == []


@given(st.ip_addresses().map(str))
def test_more_trust_never_allows_less(address: str) -> None:
    assert allowed(address) in ([], ["typed"], ["typed", "named"], ["typed", "named", "foreign"])
    assert allowed(address, Policy(allow=Allow(deny_networks=("0.0.0.0/0", "::/0")))) == []


SOURCES = {
    "target": {"typed": "typed", "guess": "named", "mx": "named", "certificate": "foreign"},
    "control": {"policy": "typed", "gateway": "typed", "default": "foreign", "network": "foreign"},
    "canary": {"canary": "typed", "policy": "typed", "default": "foreign"},
    "relay": {"policy": "typed", "option": "typed", "network": "foreign"},
}


@pytest.mark.parametrize(
    ("role", "source", "trust"), [(role, *row) for role, rows in SOURCES.items() for row in rows.items()]
)
def test_who_named_a_host_decides_what_it_may_lead_to(role: Role, source: str, trust: Trust) -> None:
    gate = Gate(Policy())
    for address in (PUBLIC[0], PUBLIC[2], PRIVATE[0], "fd12:3456::1", "192.0.2.1", "127.0.0.1", "::1", "fe80::1%eth0"):
        assert gate.permits(place(address, role, source)) is gate.allows(address, trust), address


@pytest.mark.parametrize("source", ["typed", "certificate", "policy", "canary", "gateway", "default"])
@pytest.mark.parametrize("role", get_args(Role))
def test_a_denied_network_is_denied_whoever_named_it(role: Role, source: str) -> None:
    policy = Policy(allow=Allow(deny_networks=("1.1.1.0/24", "10.0.0.0/8")))
    assert not Gate(policy).permits(place("1.1.1.1", role, source))
    assert not Gate(policy).permits(place("10.0.0.1", role, source))


@pytest.mark.parametrize(("role", "source"), [("target", "certificate"), ("control", "default"), ("relay", "network")])
def test_a_lab_may_send_everybody_to_loopback(role: Role, source: str) -> None:
    lab = Lab.model_validate({"connect_to": ["x.example:25:127.0.0.1:2525"]})
    assert Gate(Policy(lab=lab)).permits(place("127.0.0.1", role, source))
    denied = Policy(lab=lab, allow=Allow(deny_networks=("127.0.0.0/8",)))
    assert not Gate(denied).permits(place("127.0.0.1", role, source))
    assert not Gate(Policy()).permits(place("127.0.0.1", role, source))


def test_in_a_lab_addresses_for_documentation_stand_for_public_ones() -> None:
    made = Policy(lab=Lab())
    for address in ("192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"):
        assert allowed(address, made) == ["typed", "named", "foreign"]
        assert allowed(address) == ["typed", "named"]
    assert allowed("10.0.0.1", made) == ["typed", "named"]


@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1"])
def test_whoever_names_a_host_further_may_lead_where_the_user_has(address: str) -> None:
    gate = Gate(Policy())
    assert not gate.permits(place(address, "target", "certificate"))
    gate.admit(address)
    assert gate.permits(place(address, "target", "certificate"))
    assert not gate.permits(place("10.0.0.2", "target", "certificate"))
    assert not gate.permits(place(address, "control", "default"))


@pytest.mark.parametrize("source", ["typed", "guess", "mx", "srv", "certificate", "autoconfig"])
def test_what_a_page_says_leads_to_public_addresses_only(source: str) -> None:
    gate = Gate(Policy(), "page")
    for address in (*PRIVATE, *CLOSE, "::ffff:10.0.0.1", "64:ff9b::7f00:1"):
        gate.admit(address)
        assert not gate.permits(place(address, "target", source)), address
        assert not gate.permits(place(address, "control", "domain")), address
    for address in PUBLIC:
        assert gate.permits(place(address, "target", source)), address


def test_what_the_administrator_named_stays_named_in_a_check_of_a_page() -> None:
    gate = Gate(Policy(), "page")
    assert gate.permits(place("10.0.0.1", "relay", "policy"))
    assert gate.permits(place("192.168.1.1", "control", "gateway"))


@pytest.mark.parametrize(
    "address",
    [
        "fec0::1",
        "192.0.0.8",
        "5f00::1",
        "3fff::1",
        "64:ff9b:1:c000:8::",
        "2600::5efe:192.168.1.1",
        "2600::200:5efe:10.0.0.1",
    ],
)
def test_what_no_stranger_may_lead_to_is_the_same_under_every_python(address: str) -> None:
    gate = Gate(Policy())
    assert not gate.allows(address, "foreign")
    assert gate.allows(address, "typed")


def test_isatap_leads_where_its_ipv4_address_is() -> None:
    denying = Gate(Policy(allow=Allow(deny_networks=("192.168.0.0/16",))))
    for trust in ("typed", "named", "foreign"):
        assert not denying.allows("2600::5efe:192.168.1.1", trust)
    assert not Gate(Policy()).allows("2600::5efe:127.0.0.1", "named")
    assert Gate(Policy()).allows("2600::200:5efe:8.8.8.8", "foreign")
