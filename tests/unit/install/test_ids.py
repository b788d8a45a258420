import base64
import hashlib
import json
from pathlib import Path

import pytest

from poterne.install import manifest
from poterne.install.browsers import BrowserFamily

ROOT = Path(__file__).resolve().parents[3]


def test_the_ids_are_those_of_the_extension() -> None:
    extension = json.loads((ROOT / "extension" / "manifest.json").read_text(encoding="utf-8"))
    digest = hashlib.sha256(base64.b64decode(extension["key"], validate=True)).hexdigest()[:32]

    assert manifest.extension_ids() == {
        "chromium": "".join(chr(ord("a") + int(digit, 16)) for digit in digest),
        "firefox": extension["browser_specific_settings"]["gecko"]["id"],
    }


@pytest.mark.parametrize("family", ["chromium", "firefox"])
def test_the_manifests_for_administrators_are_those_that_are_installed(family: BrowserFamily) -> None:
    shown = (ROOT / "manifests" / "native-hosts" / f"{family}.json").read_text(encoding="utf-8")

    assert shown == manifest.dump(manifest.make(family, Path("/usr/local/lib/poterne/poterne-host")))
