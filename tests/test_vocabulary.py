"""Texts become numbers and texts again."""

import pytest

import multicapa as mc

Vocabulary = mc.data.Vocabulary


def test_characters_words_and_tokens():
    for texts, level, tokens in (
        (["abba", "cab"], None, ["a", "b", "c"]),
        (["dos más dos", "más"], "words", ["dos", "más"]),
        ([["x1", "x2"], ["x2"]], None, ["x2", "x1"]),
    ):
        vocabulary = Vocabulary.of(texts, level)
        assert vocabulary.tokens == tokens
        assert len(vocabulary) == len(tokens) + 3
        for text in texts:
            numbers = vocabulary.encode(text)
            assert min(numbers) > Vocabulary.END
            assert vocabulary.decode(numbers) == text
            assert vocabulary.decode([Vocabulary.START, *numbers, Vocabulary.END, 3]) == text
        assert vocabulary == Vocabulary(vocabulary.tokens, vocabulary.level)
    assert vocabulary != Vocabulary(tokens, "words")


def test_unknown_and_empty():
    vocabulary = Vocabulary.of(["ab"])
    assert vocabulary.encode("xay") == [0, 3, 0]
    assert vocabulary.decode([0, 3, 99, -1]) == "�a��"
    assert vocabulary.encode("") == []
    assert vocabulary.decode([]) == ""
    assert "a" in vocabulary
    assert "x" not in vocabulary
    assert Vocabulary.of(["abc", "ab", "a"], most=2).tokens == ["a", "b"]
    assert len(Vocabulary.of([""])) == 3


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: Vocabulary(["a"], "letters"), ValueError, "one of characters, words, tokens"),
        (lambda: Vocabulary(["a", "a"]), ValueError, "'a' comes twice"),
        (lambda: Vocabulary(["ab"]), ValueError, "a single one"),
        (lambda: Vocabulary(["a b"], "words"), ValueError, "no blanks"),
        (lambda: Vocabulary([""], "tokens"), TypeError, "something in it"),
        (lambda: Vocabulary.of(["a", 3], "words"), TypeError, "text 1 should be a string, not 3"),
        (lambda: Vocabulary.of([["a"], "b"]), TypeError, "text 1 should be a list of tokens"),
        (lambda: Vocabulary.of([["a", 1]]), TypeError, "tokens of text 0 should be strings"),
        (lambda: Vocabulary.of(["a"], most=0), ValueError, "most"),
    ],
)
def test_what_is_refused(call, kind, words):
    with pytest.raises(kind, match=words):
        call()
