# ruff: noqa: RUF001
import pytest

from poterne.target.parser import host_name
from poterne.target.unicode_names import in_unicode, with_unicode


@pytest.mark.parametrize("name", ["bücher.example", "post.müller.example", "почта.рф", "例え.テスト", "łódź.example"])
def test_a_name_that_deceives_nobody_is_shown_as_people_read_it(name: str) -> None:
    host = host_name(name)
    assert in_unicode(host) == name
    assert with_unicode(host) == f"{host} ({name})"


@pytest.mark.parametrize(
    "name",
    [
        "аррӏе.example",  # Cyrillic throughout, below a Latin top-level domain
        "pаypal.example",  # one Cyrillic letter among Latin ones
        "ıcloud.example",  # a Latin letter that passes for another
        "ɡoogle.example",
        "gοogle.example",  # a Greek omicron
    ],
)
def test_a_name_that_passes_for_another_is_not(name: str) -> None:
    host = host_name(name)
    assert host.startswith("xn--")
    assert in_unicode(host) is None
    assert with_unicode(host) == host


@pytest.mark.parametrize("host", ["mail.example.org", "192.0.2.7", "2001:db8::7", "xn--zzzzzz-.example", "localhost"])
def test_other_hosts_stay_as_they_are(host: str) -> None:
    assert with_unicode(host) == host
