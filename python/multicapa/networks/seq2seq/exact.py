"""How many texts are right to the last token, after each epoch."""

from __future__ import annotations

from typing import Any

import numpy as np

from multicapa import training
from multicapa.base.vocabulary import Vocabulary
from multicapa.networks.seq2seq import parts
from multicapa.networks.seq2seq.decoder import decoder_of
from multicapa.networks.seq2seq.search import search


class ExactMatches(training.Callback):
    """Notes the share of validation pairs that greedy decoding gets right."""

    def __init__(self, plan: parts.Plan, vocabularies: list[Vocabulary], sources: Any, targets: Any, most: int) -> None:
        self.plan, self.most = plan, most
        self.sources, self.targets = (
            [v.encode(text) for text in texts] for v, texts in zip(vocabularies, (sources, targets), strict=True)
        )

    def on_epoch_end(self, run: training.Run, epoch: dict[str, Any]) -> None:
        longest = max(map(len, self.sources))
        found = search(decoder_of(self.plan, run.network, longest, self.most), self.sources, 1, self.most)
        right = [each.tokens == target for each, target in zip(found, self.targets, strict=True)]
        epoch["val_exact"] = float(np.mean(right))
