"""Documents say what is so."""

import re
import tomllib
from pathlib import Path
from typing import get_args

import pytest
from tests.unit.setup_machines import tree

from poterne.install import deployment
from poterne.install.examination import Problem
from poterne.policy import Policy, load

ROOT = Path(__file__).resolve().parents[3]
THREATS = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "administrators.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", THREATS)))


def test_the_threat_model_names_tests() -> None:
    assert len(NAMED) > 30
    unproved = [
        line for line in THREATS.splitlines() if line.startswith("| ") and "::" not in line and "shown by" not in line
    ]
    assert unproved == []


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_the_tests_that_the_threat_model_names_exist(file: str, name: str) -> None:
    assert re.search(rf"def {name}\(", (ROOT / file).read_text(encoding="utf-8"))


def test_the_policy_of_the_guide_is_one() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    policy = Policy.model_validate(tomllib.loads(example))
    assert policy.allow.targets == ("example.org",)
    assert len(policy.expected.servers) == 2
    for table in ("allow", "organisation", "expected", "deploy", "log"):
        # Every key is shown, or named in a comment.
        for key in type(getattr(policy, table)).model_fields:
            assert re.search(rf"\b{key}\b", example), f"{table}.{key}"


def test_the_guide_names_every_problem_of_the_doctor() -> None:
    for problem in get_args(Problem):
        assert f"`{problem}`" in GUIDE, problem


def test_the_policies_that_are_shown_are_those_that_are_generated(tmp_path: Path) -> None:
    shown = ROOT / "manifests" / "policies"
    (example,) = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    assert (shown / "policy.toml").read_text(encoding="utf-8").endswith(example)
    deployment.generate(load(shown / "policy.toml"), tmp_path, ["chrome", "chromium", "edge", "firefox"])
    assert tree(tmp_path) == {name: data for name, data in tree(shown).items() if name != "policy.toml"}
