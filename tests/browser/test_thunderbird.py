"""The same extension in Thunderbird, from its toolbar."""

import shutil
import subprocess
from pathlib import Path

import pytest

from .conftest import EXTENSION, ROOT, Lab, message
from .drive.hosts import register_real
from .drive.page import until
from .drive.popup import Popup
from .drive.process import is_root
from .drive.thunderbird import Thunderbird

# It may have to be installed first, which takes minutes.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def executable() -> str:
    if shutil.which("thunderbird") is None and is_root():
        script = str(ROOT / "tests" / "tools" / "debian_packages.sh")
        subprocess.run(["sh", script, "thunderbird"], check=False, timeout=1200)  # noqa: S603, S607
    found = shutil.which("thunderbird")
    if found is None:
        pytest.skip("no thunderbird on PATH")
    return found


def test_the_button_and_a_check(lab: Lab, executable: str, policy: Path) -> None:
    thunderbird = Thunderbird(executable, EXTENSION, lab.directory())
    lab._stack.callback(thunderbird.close)
    host = lab._kept(register_real(thunderbird, lab.directory(), policy))

    assert until(thunderbird.button, "the button") == {"label": message("en", "app_action"), "shown": True}
    popup = Popup(thunderbird.open(thunderbird.url("popup/popup.html")))
    popup.check("jane@provider.example")

    assert host.pids() != []
    assert popup.problem is None
    assert popup.verdict == ("ok", "certain")
    assert [line for line in thunderbird.console() if line.startswith("error")] == []
