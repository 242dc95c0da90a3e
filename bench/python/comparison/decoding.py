"""The decoding table: the time in which sentences are translated, greedily and with a beam."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from comparison.contenders import Contender, Measured, calls_as_json, ratio, take_turns
from comparison.graphs import Translation
from comparison.rows import TRANSLATION
from comparison.schedule import Schedule
from comparison.worker import DecodingBench, Failure

SENTENCES = 300
AGREEMENT = 0.02  # of the mean scores


@dataclass(frozen=True)
class Request:
    """How sentences are translated, and how much faster than the others multicapa must be."""

    work: Translation
    width: int
    sentences: int = SENTENCES
    must: float = 2.0

    @property
    def title(self) -> str:
        how = "greedily" if self.width == 1 else f"with a beam of {self.width}"
        return f"{self.work.name}, {self.sentences} sentences {how}"


REQUESTS = (Request(TRANSLATION, 1), Request(TRANSLATION, 4))


@dataclass(frozen=True)
class Decoding:
    """A row of the table."""

    request: Request
    measured: list[Measured]  # seconds of all sentences

    def reaches_must(self) -> bool | None:
        ahead = ratio(self.measured)
        return None if ahead is None else ahead >= self.request.must


def measure(request: Request, contenders: list[Contender], schedule: Schedule) -> Decoding:
    able = [contender for contender in contenders if contender.library.decodes]
    found = [contender.prepare(DecodingBench, request.work, request.sentences, request.width) for contender in able]
    for contender, translated in zip(able, found, strict=True):
        check_agreement(str(contender), translated, found[0])
    return Decoding(request, take_turns(able, schedule))


def check_agreement(name: str, translated: list[tuple[list[int], float]], first: list[tuple[list[int], float]]) -> None:
    """All find about as likely sentences. A beam of multicapa's has the greedy one beside it, others need not."""
    ours, theirs = (sum(score for _, score in found) / len(found) for found in (translated, first))
    if not abs(ours - theirs) < AGREEMENT * abs(theirs):
        raise Failure(f"{name} found sentences with a mean score of {ours:.3f}, others of {theirs:.3f}")


def as_json(result: Decoding) -> dict[str, Any]:
    request = result.request
    return {
        "network": request.work.name,
        "sentences": request.sentences,
        "beam_width": request.width,
        "ratio": ratio(result.measured),
        "must": f"{request.must:g}×",
        "must_reached": result.reaches_must(),
        "results": calls_as_json(result.measured, "sentences", request.sentences),
    }
