"""The callbacks of scikit-learn, from version 1.9 on: the fit is a task, and each epoch one within it."""

from __future__ import annotations

import copy
from typing import Any

from multicapa.estimators.base import EstimatorBase
from multicapa.training.run import Callback, Run


class Tasks(Callback):
    """Passes on what happens. ``samples`` makes X, y and metadata when a callback asks for them."""

    def __init__(self, estimator: EstimatorBase) -> None:
        self._model = estimator
        self._fit = estimator._init_callback_context(max_subtasks=estimator.max_iter)
        self._epoch: Any = None
        self.samples: dict[str, Any] = {}

    @classmethod
    def of(cls, estimator: EstimatorBase) -> Tasks | None:
        """None where nobody listens."""
        listened = hasattr(estimator, "_skl_callbacks") or hasattr(estimator, "_parent_callback_ctx")
        return cls(estimator) if listened else None

    def on_fit_begin(self, run: Run) -> None:
        self._fit.call_on_fit_task_begin(estimator=self._model, **self.samples)

    def on_epoch_begin(self, run: Run) -> None:
        self._epoch = self._fit.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(estimator=self._model, **self.samples)

    def on_epoch_end(self, run: Run, epoch: dict[str, Any]) -> bool:
        return bool(self._end(self._epoch))

    def on_fit_end(self, run: Run) -> None:
        self._end(self._fit)

    def _end(self, context: Any) -> Any:
        return context.call_on_fit_task_end(
            estimator=self._model, **self.samples, reconstruction_attributes=self._as_it_is_now
        )

    def _as_it_is_now(self) -> dict[str, Any]:
        return {"network_": copy.deepcopy(self._model.network_)}
