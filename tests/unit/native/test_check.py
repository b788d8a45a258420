"""The host as a process with the real check behind it, on loopback."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.native_process import MODULE, MOZILLA_ARGUMENTS, HostProcess, check, within

from poterne.report import HostMessage


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of 127.0.0.1 that refuses: bound, so that nothing else takes it, and not listening."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def host_with(policy: Path) -> HostProcess:
    return HostProcess(MODULE, ("--policy", str(policy), *MOZILLA_ARGUMENTS))


def validated(message: dict[str, Any]) -> None:
    from pydantic import TypeAdapter

    TypeAdapter[HostMessage](HostMessage).validate_python(message)


def test_a_target_that_is_none_is_refused_and_the_host_lives_on() -> None:
    with HostProcess() as host:
        host.receive()
        for target in ("", "not a target", "a..b", "example.org:0", "evil\r\nQUIT"):
            host.send(check("a", target))
            error = host.receive()
            assert (error["type"], error["id"], error["code"]) == ("error", "a", "invalid-target")
            validated(error)


def test_a_port_that_refuses_is_reported(tmp_path: Path, closed_port: int) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(f"[allow]\nports = [{closed_port}]\n", encoding="utf-8")
    with host_with(policy) as host:
        messages = [host.receive()]
        host.send(check("a", f"127.0.0.1:{closed_port}", options={"trace": False, "budget": 5}))
        while messages[-1]["type"] != "report":
            messages.append(host.receive())
            assert messages[-1]["type"] != "error", messages[-1]
    for message in messages:
        validated(message)
    assert {message["id"] for message in messages[1:]} == {"a"}
    assert messages[-1]["report"]["observations"][0]["state"] == "refused"


def test_a_port_that_the_policy_does_not_allow_is_forbidden(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[allow]\nports = [25]\n", encoding="utf-8")
    with host_with(policy) as host:
        host.receive()
        host.send(check("a", "127.0.0.1:587"))
        assert host.receive()["code"] == "forbidden"


def test_a_broken_policy_forbids_every_check_until_it_is_mended(tmp_path: Path, closed_port: int) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[allow]\nport = [25]\n", encoding="utf-8")
    with host_with(policy) as host:
        host.receive()
        for identifier in ("a", "b"):
            host.send(check(identifier, "127.0.0.1:25"))
            error = host.receive()
            assert (error["id"], error["code"]) == (identifier, "forbidden")
            assert str(policy) in error["message"]
        policy.write_text(f"[allow]\nports = [{closed_port}]\n", encoding="utf-8")
        host.send(check("c", f"127.0.0.1:{closed_port}", options={"trace": False, "budget": 5}))
        assert host.receive()["type"] == "plan"


@pytest.mark.parametrize("arguments", [("--policy",), ("--policy", "/nowhere/policy.toml"), ("--policy", "/")])
def test_a_policy_file_that_cannot_be_read_forbids(arguments: tuple[str, ...]) -> None:
    with HostProcess(MODULE, arguments) as host:
        host.receive()
        host.send(check("a", "127.0.0.1:25"))
        assert host.receive()["code"] == "forbidden"


def test_a_policy_that_is_not_named_first_is_not_taken(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("nonsense", encoding="utf-8")
    with HostProcess(MODULE, (*MOZILLA_ARGUMENTS, "--policy", str(policy))) as host:
        host.receive()
        host.send(check("a", "not a target"))
        assert host.receive()["code"] == "invalid-target"


def test_a_silent_server_is_left_at_once_when_the_browser_goes(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        policy = tmp_path / "policy.toml"
        policy.write_text(f"[allow]\nports = [{port}]\n", encoding="utf-8")
        with host_with(policy) as host:
            host.receive()
            host.send(check("a", f"127.0.0.1:{port}", options={"trace": False}))
            assert host.receive()["type"] == "plan"
            connection, _ = silent.accept()
            with connection, within(1):
                host.stdin.close()
                assert host.receive_all()[-1] == {"type": "cancelled", "id": "a"}
                assert host.wait() == 0
                connection.settimeout(1)
                while connection.recv(4096):
                    pass
