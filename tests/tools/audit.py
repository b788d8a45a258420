"""Known vulnerabilities of what is pinned, and bandit's look at the host: `make audit`.

Python's and npm's advisories have to be asked for. Where their data cannot be reached, or a tool is not there, that is
said with the reason, and is no failure: only a finding is.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
VENV = ROOT / "build" / "audit"
_PATIENCE = 300


class SkippedError(Exception):
    """Why nothing was asked."""


def _run(*command: str) -> tuple[str, str]:
    try:
        done = subprocess.run(  # noqa: S603
            command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=_PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SkippedError(str(error)) from None
    return done.stdout, done.stderr


def _json(command: tuple[str, ...]) -> Any:
    """What a tool prints; one that prints none could not ask."""
    out, complaints = _run(*command)
    try:
        return json.loads(out)
    except ValueError:
        lines = [line for line in (complaints or out).splitlines() if line.strip()]
        raise SkippedError(lines[-1][:200] if lines else "no answer") from None


def pip_audit() -> list[str]:
    """The pinned Python packages."""
    tool = VENV / "bin" / "pip-audit"
    if not tool.exists():
        _run(sys.executable, "-m", "venv", str(VENV))
        _run(str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "pip-audit")
    found: list[str] = []
    for lock in sorted(ROOT.glob("requirements*.lock")):
        report = _json((str(tool), "--require-hashes", "--disable-pip", "--format", "json", "--requirement", str(lock)))
        unasked = [package["skip_reason"] for package in report["dependencies"] if "skip_reason" in package]
        if unasked and len(unasked) == len(report["dependencies"]):
            raise SkippedError(unasked[0][:200])
        for package in report["dependencies"]:
            known = package.get("vulns", ())
            found += [f"{lock.name}: {package['name']} {package['version']}: {each['id']}" for each in known]
    return found


def npm_audit() -> list[str]:
    """The pinned npm packages, which are tools of development only."""
    report = _json(("npm", "audit", "--json"))
    if "vulnerabilities" not in report:
        said = report.get("message") or report.get("error", {}).get("summary") or "no answer"
        raise SkippedError(" ".join(str(said).split())[:200])
    return [f"{name}: {each['severity']}" for name, each in report["vulnerabilities"].items()]


def bandit() -> list[str]:
    """The host's own code, findings of medium severity and above."""
    report = _json((sys.executable, "-m", "bandit", "-q", "-r", "-ll", "-f", "json", "host"))
    return [f"{each['filename']}:{each['line_number']}: {each['issue_text']}" for each in report["results"]]


def main() -> int:
    """1 where anything was found."""
    status = 0
    audits: dict[str, Callable[[], list[str]]] = {"bandit": bandit, "pip-audit": pip_audit, "npm audit": npm_audit}
    for name, audit in audits.items():
        try:
            found = audit()
        except SkippedError as reason:
            print(f"{name}: skipped: {reason}")
            continue
        print(f"{name}: " + (f"{len(found)} found" if found else "nothing found"))
        for line in found:
            print(f"  {line}")
        status |= bool(found)
    return status


if __name__ == "__main__":
    sys.exit(main())
