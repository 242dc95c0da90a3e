"""Greedy and beam search over models that are tables of numbers, against a search of all sequences there are."""

import itertools

import numpy as np
import pytest

import multicapa as mc
from multicapa.networks.seq2seq.search import search

START, END = mc.data.Vocabulary.START, mc.data.Vocabulary.END
TOKENS = 3  # besides the three that stand for no token


class Table:
    """Next to every beginning of each sentence some log-probabilities, drawn once."""

    def __init__(self, seed, flat=False):
        self.seed, self.flat, self.rows = seed, flat, 0

    def logs(self, sentence, tokens):
        rng = np.random.default_rng([self.seed, sentence, *tokens])
        p = np.ones(TOKENS + 3) if self.flat else rng.exponential(size=TOKENS + 3)
        return np.log(p / p.sum())

    def start(self, sources):
        return [(source[0], ()) for source in sources]

    def step(self, states, tokens):
        self.rows += len(states)
        after = [(s, t if token == START else (*t, int(token))) for (s, t), token in zip(states, tokens, strict=True)]
        return np.array([self.logs(*state) for state in after]), after

    def pick(self, states, rows):
        return [states[row] for row in rows]

    def score(self, sentence, tokens, penalty):
        said = [*tokens, END]
        total = sum(self.logs(sentence, tuple(said[:i]))[token] for i, token in enumerate(said))
        return total / len(said) ** penalty


def best_of_all(model, sentence, most, penalty):
    """The first of equals: shorter ones first, since the end is the lowest token, then in the order of their tokens."""
    every = itertools.chain(*(itertools.product(range(3, 3 + TOKENS), repeat=n) for n in range(most + 1)))
    return max(every, key=lambda tokens: (model.score(sentence, tokens, penalty), -len(tokens)))


@pytest.mark.parametrize("penalty", [0.0, 0.7, 1.0, 2.0])
def test_a_wide_beam_finds_the_best(penalty):
    for seed in range(12):
        model = Table(seed)
        found = search(model, [[0], [1], [2]], 81, 4, penalty)
        for sentence, each in enumerate(found):
            expected = best_of_all(model, sentence, 4, penalty)
            assert tuple(each.tokens) == expected
            assert each.score == pytest.approx(model.score(sentence, expected, penalty), rel=1e-12)


def test_greedy_takes_the_likeliest_token_each_time():
    for seed in range(30):
        model = Table(seed)
        (found,) = search(model, [[0]], 1, 5)
        tokens = []
        while len(tokens) < 5:
            logs = model.logs(0, tuple(tokens))
            token = 2 + int(logs[2:].argmax())  # neither the unknown nor a beginning
            if token == END:
                break
            tokens.append(token)
        assert found.tokens == tokens


def test_a_beam_is_never_worse_than_greedy():
    worse = 0
    for seed in range(300):
        (greedy,), *beams = (search(Table(seed), [[0]], width, 6, 1.0) for width in (1, 2, 3, 5))
        assert all(beam[0].score >= greedy.score for beam in beams)
        worse += beams[-1][0].score > greedy.score
    assert worse > 50  # it is worth its while


def test_a_batch_gives_what_its_sentences_give_and_those_that_end_drop_out():
    sources = [[i] for i in range(20)]
    for width in (1, 3):
        model = Table(1)
        together = search(model, sources, width, 8)
        rows, model.rows = model.rows, 0
        alone = [search(model, [source], width, 8)[0] for source in sources]
        assert [each.tokens for each in together] == [each.tokens for each in alone]
        assert [each.score for each in together] == [each.score for each in alone]
        assert rows == model.rows < 20 * 9 * width


def test_ties_go_to_the_lower_token():
    assert search(Table(0, flat=True), [[0]], 1, 3)[0].tokens == []
    assert search(Table(0, flat=True), [[0]], 4, 3)[0].tokens == []

    class NeverEnds(Table):
        def logs(self, sentence, tokens):
            logs = super().logs(sentence, tokens)
            logs[END] = -9.0
            return logs

    for width in (1, 4):
        assert search(NeverEnds(0, flat=True), [[0]], width, 3, 0.0)[0].tokens == ([3, 3, 3] if width == 1 else [])
    assert search(NeverEnds(0, flat=True), [[0]], 4, 3, 1.0)[0].tokens == [3, 3, 3]


def test_no_room_and_no_sentences():
    assert search(Table(0), [], 2, 3) == []
    assert search(Table(0), [[0], [1]], 2, 0)[1].tokens == []
