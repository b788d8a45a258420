"""What the organisation states, tested with a domain's servers that run here."""

from poterne.diagnosis.expected import compare
from poterne.report import ExpectedServer, NameAnswer, Observation, Setting, Settings

STATED = ExpectedServer(protocol="smtp", host="smtp.example.org", port=587, security="starttls", state="untested")
FOUND = Setting(protocol="smtp", host="smtp.example.org", port=587, security="starttls", verified=True, source="srv")


def settings(*rows: Setting) -> Settings:
    return Settings(outgoing=rows)


def seen(port: int = 587, host: str = "smtp.example.org") -> Observation:
    return Observation(
        id=f"o{port}",
        host=host,
        address="192.0.2.1",
        family=4,
        port=port,
        service="submission",
        asked="starttls",
        state="no-answer",
    )


def changed(setting: Setting, **changes: object) -> Setting:
    return setting.model_copy(update=changes)


def test_as_it_says() -> None:
    answer = compare("Example Ltd", [STATED], settings(FOUND), [seen()])
    assert answer is not None
    assert (answer.state, answer.servers[0].state, answer.organisation) == ("as-stated", "works", "Example Ltd")


def test_nothing_stated_is_no_answer() -> None:
    assert compare("", [], settings(FOUND), []) is None


def test_another_port_works() -> None:
    other = changed(FOUND, port=465, security="tls")
    answer = compare("", [STATED], settings(other), [seen()])
    assert answer is not None
    (server,) = answer.servers
    assert (answer.state, server.state, server.differs, server.found) == (
        "differs",
        "differs",
        ("port", "security"),
        other,
    )


def test_the_same_port_with_another_security() -> None:
    answer = compare("", [STATED], settings(changed(FOUND, security="tls")), [seen()])
    assert answer is not None
    assert answer.servers[0].differs == ("security",)


def test_another_sign_in() -> None:
    stated = STATED.model_copy(update={"auth": ("password",)})
    for auth, state in ((("oauth2",), "differs"), (("oauth2", "password"), "works"), ((), "works")):
        answer = compare("", [stated], settings(changed(FOUND, auth=auth)), [seen()])
        assert answer is not None
        assert answer.servers[0].state == state


def test_what_works_nowhere_fails() -> None:
    answer = compare("", [STATED], settings(changed(FOUND, verified=False)), [seen()])
    assert answer is not None
    assert (answer.state, answer.servers[0].state, answer.servers[0].found) == ("differs", "fails", None)


def test_what_was_not_tried_is_not_judged() -> None:
    answer = compare("", [STATED, STATED.model_copy(update={"port": 465})], settings(FOUND), [seen()])
    assert answer is not None
    assert answer.state == "untested"
    assert [server.state for server in answer.servers] == ["works", "untested"]


def test_an_unencrypted_setting_is_never_what_works_instead() -> None:
    plain = changed(FOUND, port=25, security="none")
    answer = compare("", [STATED], settings(plain), [seen()])
    assert answer is not None
    assert (answer.servers[0].state, answer.servers[0].found) == ("fails", None)


def test_a_host_that_has_no_address_fails() -> None:
    missing = NameAnswer(name="smtp.example.org", source="expected", state="nxdomain")
    answer = compare("", [STATED], settings(), [], [missing])
    assert answer is not None
    assert (answer.state, answer.servers[0].state) == ("differs", "fails")
