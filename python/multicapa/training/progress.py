"""A display of a fit under way: a bar in terminals and notebooks, nothing elsewhere."""

from __future__ import annotations

import io
import sys
from typing import Any

_SECONDS_BEFORE_AUTO = 2.0
_SHOWN = {"loss": "train", "val_loss": "dev"}
_USUAL, _METRICS = ("epoch", "loss", "learning_rate", "seconds"), 3  # metrics that are shown: on dev, if there is one
_LEAST_BAR = 6
_PAGE = 100  # characters in a line of a notebook

# The first whose bar has room is taken.
_FORMATS = (
    "epoch {epochs} {percentage:3.0f}% |{bar}| {speed}/s  {time}  {losses}{metrics}",
    "{epochs} |{bar}| {time}  {losses}{metrics}",
    "epoch {epochs} {percentage:3.0f}% |{bar}| {speed} samples/s  {time}  {losses}",
    "epoch {epochs} {percentage:3.0f}% |{bar}| {speed}/s  {time}  {losses}",
    "{epochs} |{bar}| {speed}/s  {time}  {losses}",
    "{epochs} |{bar}| {time}  {losses}",
    "{epochs} |{bar}| {clock}  {losses}",
)
_WITHOUT_END = (
    "epoch {epochs}  {seen} samples, {speed}/s  {time}  {losses}{metrics}",
    "epoch {epochs}  {seen} samples  {clock}  {losses}",
)
_WITHOUT_BAR = ("{epochs}  {clock}  {losses}", "{epochs}  {losses}", "{epochs}")


class Progress:
    """Shows the epoch, speed, time left and the losses of the last epoch."""

    def __init__(self, epochs: int, samples: int | None, verbose: bool | str, done: int = 0) -> None:
        """``samples`` of an epoch, None where that will only turn out; ``done`` epochs lie behind."""
        self._epochs = epochs
        self._samples = samples
        self._bar: Any = None
        self._done = self._earlier = done
        self._delay = _SECONDS_BEFORE_AUTO if verbose == "auto" else 0.0
        self._shows = bool(verbose) and epochs > 0 and (_on_a_terminal() or _in_a_notebook())

    def __enter__(self) -> Progress:
        if self._shows:
            bar = _bar_class(self._epoch(min(self._done + 1, self._epochs)))
            place: dict[str, Any] = {"dynamic_ncols": True}
            if _in_a_notebook():
                place = {"ncols": _PAGE, "file": io.StringIO(), "ascii": False}
            total = None if self._samples is None else self._epochs * self._samples
            self._bar = bar(total=total, initial=self._done * (self._samples or 0), delay=self._delay, **place)
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.tell(epochs=self._epoch(self._done), over=True)
            self._bar.close()

    def _epoch(self, number: int) -> str:
        return f"{number:{len(str(self._epochs))}}/{self._epochs}"

    def within_part(self, before: int, count: int, total: int | None) -> Any:
        """What the core calls now and then with how much of a part of the epoch is done; None when nobody looks.

        ``before`` of the ``total`` samples of the epoch come before the part, which has ``count``.
        """
        if self._bar is None:
            return None
        if self._samples is None and total is not None:
            self._expect(total)
        if total is None or self._samples is None:
            return lambda done: self._show_seen(before + count * min(done, 1.0))
        return lambda done: self._show((before + count * min(done, 1.0)) / total)

    def _expect(self, samples: int) -> None:
        """An epoch has shown how many samples it has."""
        self._samples = samples
        self._bar.total, self._bar.initial = self._epochs * samples, self._earlier * samples
        self._bar.n = self._done * samples

    def _show(self, share: float) -> None:
        samples = self._samples or 0
        self._bar.update(self._done * samples + int(min(share, 1.0) * samples) - self._bar.n)

    def _show_seen(self, samples: float) -> None:
        self._bar.update(max(0, int(samples) - self._bar.n))

    def epoch_done(self, record: dict[str, Any]) -> None:
        """Show the losses of a finished epoch."""
        self._done += 1
        if self._bar is None:
            return
        losses = [f"{short} {_figure(record[name])}" for name, short in _SHOWN.items() if name in record]
        asked = [name for name in record if name not in _USUAL and not name.startswith("val_")][:_METRICS]
        metrics = "".join(f"  {name} {_figure(record.get(f'val_{name}', record[name]))}" for name in asked)
        epochs = self._epoch(min(self._done + 1, self._epochs))
        self._bar.tell(epochs=epochs, losses="  ".join(losses), metrics=metrics)
        if self._samples is None:
            self._bar.refresh()
        else:
            self._show(0.0)


def _on_a_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def _in_a_notebook() -> bool:
    return "ipykernel.zmqshell" in sys.modules  # as tqdm asks


def _figure(value: float) -> str:
    return f"{value:#.3g}".rstrip(".")


def _bar_class(epochs: str) -> Any:
    """tqdm's bar for this place, with what it says chosen by the width it has.

    In a notebook it is text that is shown anew: unlike a widget, the last of it is still there in exported pages.
    """
    from tqdm.std import tqdm

    class Bar(tqdm):  # type: ignore[misc]
        said: dict[str, Any] = {"epochs": epochs, "losses": "", "metrics": "", "over": False}  # noqa: RUF012 - never changed in place

        def tell(self, **what: Any) -> None:
            self.said = {**self.said, **what}

        @property
        def format_dict(self) -> dict[str, Any]:
            values = super().format_dict
            elapsed, over = values["elapsed"], self.said["over"]
            rate = (
                (values["n"] - values["initial"]) / elapsed if elapsed else 0.0
            )  # tqdm's own jumps with every evaluation
            if values["total"] is None:
                over = True
            left = tqdm.format_interval((values["total"] - values["n"]) / rate) if rate and not over else "?"
            clock = tqdm.format_interval(elapsed) if over else left
            values |= {
                "epochs": self.said["epochs"],
                "losses": self.said["losses"],
                "metrics": self.said["metrics"],
                "speed": f"{tqdm.format_sizeof(rate) if rate else '?':>5}",  # as wide as any
                "seen": tqdm.format_sizeof(values["n"]),
                "clock": clock,
                "time": f"in {clock}  " if over else f"{clock} left",
            }
            return {**values, "bar_format": _fitting(tqdm, values)}

    if not _in_a_notebook():
        return Bar
    from IPython.display import display

    class BarInPage(Bar):
        shown: Any = None

        def display(self, msg: str | None = None, pos: int | None = None) -> None:
            text = {"text/plain": str(self) if msg is None else msg}
            if self.shown is None:
                self.shown = display(text, raw=True, display_id=True)
            else:
                self.shown.update(text, raw=True)

    return BarInPage


def _fitting(tqdm: Any, values: dict[str, Any]) -> str:
    """The richest format for which the line is wide enough; notebooks break lines themselves."""
    columns = values["ncols"] if isinstance(values["ncols"], int) else 120

    def length(form: str) -> int:
        return len(tqdm.format_meter(**values | {"bar_format": form, "ncols": None}).rstrip())

    for form in _WITHOUT_END if values["total"] is None else _FORMATS[0 if values["metrics"] else 2 :]:
        if length(form.replace("{bar}", "")) + _LEAST_BAR <= columns:
            return form
    return next((form for form in _WITHOUT_BAR if length(form) <= columns), _WITHOUT_BAR[-1])
