"""Two contenders on each row, paired by seed, as a table: what ours is beside another library."""

from __future__ import annotations

from scores.record import Difference, markdown, paired

Scores = dict[str, dict[str, dict[int, float]]]


def table(scores: Scores, ours: str, theirs: str) -> str:
    """Means and paired differences of each row, and what they say as a whole."""
    lines, means, worse = [], [], []
    for row, by in scores.items():
        if not (ours in by and theirs in by and by[ours].keys() & by[theirs].keys()):
            continue
        difference = paired(by[ours], by[theirs])
        means.append(difference.mean)
        if difference.worse():
            worse.append(row)
        seeds = sorted(by[ours].keys() & by[theirs].keys())
        both = (sum(by[name][seed] for seed in seeds) / len(seeds) for name in (theirs, ours))
        lines.append([row, *(f"{mean:.4f}" for mean in both), str(difference), "worse" if difference.worse() else ""])
    if not lines:
        return "nothing to compare"
    told = f"worse by more than two standard errors: {', '.join(worse) or 'none'}"
    return (
        f"{markdown(['', theirs, ours, 'difference', ''], lines)}\n\n{len(lines)} rows, "
        f"mean difference {Difference.of(means)}; {told}"
    )
