"""What counts as a change of the code: tests/tools/mutants.py."""

import ast

import pytest
from tests.tools.mutants import difference, is_words, subjects


@pytest.mark.parametrize(
    ("was", "becomes", "words"),
    [
        ('raise ValueError("not a host")', 'raise ValueError("XXnot a hostXX")', True),
        ('raise ValueError("not a host")', "raise ValueError(None)", True),
        ('broken(path, f"larger than {most}")', "broken(path, None)", True),
        ('broken(path, "not UTF-8")', "broken(path, )", True),
        ('broken(path, "not UTF-8")', 'broken("not UTF-8")', False),
        ('raise Forbidden(f"not {name}", "allow.ports")', 'raise Forbidden(f"not {name}", None)', False),
        ('" ".join(parts)', '"XX XX".join(parts)', False),
        ('text.strip("[]")', 'text.strip("XX[]XX")', False),
        ('"no more" if a and b else ""', '"no more" if a or b else ""', False),
        ('a = "no more"', "a = None", True),
        ("1 < a", "1 <= a", False),
        ("not a", "a", False),
    ],
)
def test_a_change_of_words_alone_is_told_from_others(was: str, becomes: str, words: bool) -> None:
    assert is_words(difference(ast.parse(was), ast.parse(becomes))) is words


def test_the_same_has_no_difference() -> None:
    assert difference(ast.parse("a = [1, b]"), ast.parse("a = [1,b]")) is None


def test_every_exception_has_a_reason() -> None:
    for subject in subjects().values():
        assert all(known.why for known in subject.equivalents)
