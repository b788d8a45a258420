"""A copy of the program and the extension, to which a test adds what docs/ARCHITECTURE.md says that it takes."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "ARCHITECTURE.md"
# What the program, the generators and the extension consist of.
_PARTS = ("host/poterne", "extension", "tests/tools", "tests/extension", "manifests/ids.json")
_PARAGRAPH = re.compile(r"^\*\*(?P<title>[^*]+)\.\*\*(?P<text>.*?)(?=^\*\*|\Z)", re.MULTILINE | re.DOTALL)
_PLACE = re.compile(r"`([\w./-]+)`")


def paragraphs() -> dict[str, str]:
    """What the guide says of things that are added in one place, by its bold titles."""
    guide = GUIDE.read_text(encoding="utf-8").partition("### In one place")[2].partition("\n### ")[0]
    return {found["title"]: found["text"] for found in _PARAGRAPH.finditer(guide)}


def places(title: str) -> list[str]:
    """The files and folders that the guide names for one kind of thing."""
    return [place for place in _PLACE.findall(paragraphs()[title]) if "/" in place]


class Copy:
    """A copy below `folder`. `title` is the paragraph of the guide that is followed, `name` stands in its paths for
    NAME: files that the paragraph does not name cannot be changed.
    """

    def __init__(self, folder: Path, title: str, name: str = "NAME") -> None:
        self.root = folder / "copy"
        self._named = [place.replace("NAME", name) for place in places(title)]
        for part in _PARTS:
            source, target = ROOT / part, self.root / part
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(source, target) if source.is_dir() else shutil.copy2(source, target)

    def add(self, path: str, text: str) -> None:
        """Puts text at the end of a file, which need not be there yet."""
        file = self._place(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as whole:
            whole.write(text)

    def insert(self, path: str, before: str, text: str) -> None:
        """Puts text before the only place where a file says `before`."""
        file = self._place(path)
        whole = file.read_text(encoding="utf-8")
        assert whole.count(before) == 1, f"{path}: {before}"
        file.write_text(whole.replace(before, text + before), encoding="utf-8")

    def say(self, messages: Mapping[str, str]) -> None:
        """Adds messages to every language, each behind the language's code."""
        for folder in sorted((self.root / "extension" / "_locales").iterdir()):
            file = self._place(f"extension/_locales/{folder.name}/messages.json", "LANGUAGE", folder.name)
            catalogue = json.loads(file.read_text(encoding="utf-8"))
            for key, text in messages.items():
                names = re.findall(r"\$([A-Z]+)\$", text)
                catalogue[key] = {
                    "message": f"{folder.name}: {text}",
                    "placeholders": {name.lower(): {"content": f"${at}"} for at, name in enumerate(names, 1)},
                }
            file.write_text(json.dumps(catalogue), encoding="utf-8")

    def poterne(self, *arguments: str | Path, **environment: str) -> str:
        """What a command of the copy prints. Its exit status does not matter."""
        return self._run([sys.executable, "-m", "poterne", *map(str, arguments)], environment, (0, 1))

    def report(self, *arguments: str | Path) -> dict[str, Any]:
        """The report of a check that the copy makes."""
        found: dict[str, Any] = json.loads(self.poterne("check", *arguments, "--json", "--no-trace"))
        return found

    def explained(self, report: Mapping[str, Any], *arguments: str, **environment: str) -> str:
        """What the copy tells of a report, in one line."""
        file = self.root / "report.json"
        file.write_text(json.dumps(report), encoding="utf-8")
        return " ".join(self.poterne("explain", file, *arguments, COLUMNS="200", **environment).split())

    def python(self, code: str) -> str:
        """What a script prints that imports the copy's modules."""
        return self._run([sys.executable, "-c", code], {}, (0,))

    def generated(self, module: str) -> Any:
        """A table of the extension, generated anew: the value that `extension/core/data/MODULE.js` exports."""
        self._run([sys.executable, "tests/tools/extension_data.py"], {}, (0,))
        text = (self.root / "extension" / "core" / "data" / f"{module}.js").read_text(encoding="utf-8")
        return json.loads(text.partition(f"export const {module} = ")[2].rstrip().removesuffix(";"))

    def node(self, code: str) -> str:
        """What a script prints that imports the copy's extension."""
        return self._run(["node", "--input-type=module", "--eval", code], {}, (0,))

    def node_tests(self, *paths: str) -> None:
        """Runs files of the extension's tests on the copy."""
        self._run(["node", "--test", *paths], {}, (0,))

    def _place(self, path: str, placeholder: str = "", name: str = "") -> Path:
        named = [place.replace(placeholder, name) if placeholder else place for place in self._named]
        assert any(path == place or (place.endswith("/") and path.startswith(place)) for place in named), (
            f"the guide does not name {path}"
        )
        return self.root / path

    def _run(self, command: list[str], environment: Mapping[str, str], statuses: tuple[int, ...]) -> str:
        kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TEMP") if name in os.environ}
        own = {"HOME": str(self.root), "PYTHONPATH": str(self.root / "host"), "LANGUAGE": "en", "PYTHONUTF8": "1"}
        done = subprocess.run(  # noqa: S603
            command,
            cwd=self.root,
            env={**kept, **own, **environment},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        said = f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        assert done.returncode in statuses, f"{command}: {done.returncode}\n{said}"
        return done.stdout
