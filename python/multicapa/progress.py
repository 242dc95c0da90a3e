"""A display of a fit under way: a bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
from typing import Any

_SECONDS_BEFORE_AUTO = 2.0
_SHOWN = {"loss": "train", "val_loss": "dev"}


class Progress:
    """Shows samples seen, speed, time left and the losses of the last epoch."""

    def __init__(self, epochs: int, samples: int, verbose: bool | str) -> None:
        self._epochs = epochs
        self._samples = samples
        self._bar: Any = None
        self._done = 0
        shows = bool(verbose) and epochs > 0 and sys.stderr is not None and sys.stderr.isatty()
        self._delay = _SECONDS_BEFORE_AUTO if verbose == "auto" else 0.0
        self._shows = shows

    def __enter__(self) -> Progress:
        if self._shows:
            from tqdm.auto import tqdm

            self._bar = tqdm(
                total=self._epochs * self._samples,
                desc=f"epoch 1/{self._epochs}",
                unit_scale=True,
                bar_format="{desc} {percentage:3.0f}% |{bar}| {rate_fmt} {remaining} left{postfix}",
                delay=self._delay,
                dynamic_ncols=True,
            )
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()

    @property
    def within_epoch(self) -> Any:
        """What the core calls now and then with the share of the epoch that is done; None when nobody looks."""
        return self._show if self._bar is not None else None

    def _show(self, share: float) -> None:
        self._bar.update(self._done * self._samples + int(min(share, 1.0) * self._samples) - self._bar.n)

    def epoch_done(self, record: dict[str, Any]) -> None:
        """Show the losses of a finished epoch."""
        self._done += 1
        if self._bar is None:
            return
        shown = {short: f"{record[name]:.3g}" for name, short in _SHOWN.items() if name in record}
        self._bar.set_postfix(shown, refresh=False)
        self._bar.set_description(f"epoch {min(self._done + 1, self._epochs)}/{self._epochs}", refresh=False)
        self._show(0.0)
