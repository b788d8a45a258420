"""What counts as a change of the code: tests/tools/mutants.py."""

import ast

import pytest
from tests.tools.mutants import Mutant, Plan, difference, is_words, subjects, undecorated


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


def test_a_function_is_decorated_after_its_definition() -> None:
    source = """
@first
@second(1,
        2)
def one(): ...
class Two:
    @property
    def three(self): ...
    @staticmethod
    def four(): ...
@cache
def five(): ...
"""
    assert (
        undecorated(source)
        == """
def one(): ...
one = first(second(1, 2)(one))
class Two:
    def three(self): ...
    three = property(three)
    @staticmethod
    def four(): ...
def five(): ...
"""
    )


def test_a_sample_is_the_same_for_the_same_seed_and_leaves_out_what_nothing_can_notice() -> None:
    subject = subjects()["policy"]
    known = subject.equivalents[0]
    mutants = [Mutant(f"m{number}", "policy.py", "f", "a", "b", number % 2 == 0, None) for number in range(100)]
    mutants.append(Mutant("known", "policy.py", known.function, known.was, known.becomes, False, False))

    def chosen(sample: int | None, seed: int) -> list[Mutant]:
        return Plan(sample, seed, None, 1).chosen(subject, mutants)

    assert chosen(20, 1) == chosen(20, 1) != chosen(20, 2)
    assert len(set(chosen(20, 1))) == 20
    assert {mutant.key for mutant in chosen(1000, 1)} == {f"m{number}" for number in range(1, 100, 2)}
    assert chosen(None, 1) == mutants


def test_every_exception_has_a_reason() -> None:
    for subject in subjects().values():
        assert all(known.why for known in subject.equivalents)
