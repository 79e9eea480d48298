"""The robot speaks the participant's language and answers what it can."""

import pytest

from remote_assist.robot.small_talk import greeting, reply


@pytest.mark.parametrize(
    ("locale", "word"),
    [("de", "Roboter"), ("de-CH", "Roboter"), ("fr", "robot"), ("it-IT", "robot"), ("en", "robot")],
)
def test_the_greeting_is_in_the_language(locale: str, word: str) -> None:
    """Four languages, with or without a region."""
    assert word in greeting(locale)


def test_an_unknown_language_gets_english() -> None:
    """Nobody is left without an answer."""
    assert greeting("rm") == greeting("en")


def test_a_question_of_money_is_answered() -> None:
    """Cost is explained when asked for, and pictures are counted otherwise."""
    assert "Uhr" in reply("Was kostet das?", "de", 5)
    assert "5" in reply("hello", "en", 5)
