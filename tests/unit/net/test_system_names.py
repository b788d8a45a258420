"""What this system's own files say of names."""

import pytest

from poterne.net.system_names import SystemResolver, parse_hosts, parse_resolv_conf


@pytest.mark.parametrize(
    ("text", "expected", "patience"),
    [
        ("", SystemResolver(), 10.0),
        ("nameserver 192.0.2.1\n", SystemResolver(("192.0.2.1",)), 10.0),
        (
            "# two\nnameserver 192.0.2.1\nnameserver 2001:db8::1\noptions timeout:1 attempts:3 rotate\n",
            SystemResolver(("192.0.2.1", "2001:db8::1"), 1, 3),
            6.0,
        ),
        ("options timeout:99 attempts:99\nnameserver fe80::1%eth0", SystemResolver(("fe80::1%eth0",), 30, 5), 150.0),
        ("nameserver\nnameserver nobody\noptions timeout: attempts:x timeout:0\n", SystemResolver((), 1, 2), 2.0),
        (
            "".join(f"nameserver 192.0.2.{number}\n" for number in range(1, 6)),
            SystemResolver(("192.0.2.1", "192.0.2.2", "192.0.2.3")),
            30.0,
        ),
    ],
)
def test_name_servers_and_how_long_they_are_waited_for(text: str, expected: SystemResolver, patience: float) -> None:
    assert parse_resolv_conf(text) == expected
    assert expected.patience == patience


HOSTS = """127.0.0.1 localhost
192.0.2.7   Mail.Example.org mail  # before the move
2001:db8::7 mail.example.org.
#192.0.2.9  mail.example.org
192.0.2.7   mail.example.org
nonsense    mail.example.org
"""


def test_the_lines_of_a_name_in_a_hosts_file() -> None:
    assert parse_hosts(HOSTS, "mail.example.org") == ("192.0.2.7", "2001:db8::7")
    assert parse_hosts(HOSTS, "mail") == ("192.0.2.7",)
    assert parse_hosts(HOSTS, "example.org") == ()
    assert parse_hosts("", "mail") == ()
