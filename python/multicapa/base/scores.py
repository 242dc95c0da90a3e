"""Which way a score is good: known by its name, in one place for all that follow one."""

from __future__ import annotations

_RISING = (
    "accuracy", "acc", "auc", "auroc", "average_precision", "f1", "f1_score", "fbeta", "precision", "recall",
    "sensitivity", "specificity", "jaccard", "iou", "dice", "kappa", "mcc", "matthews_corrcoef", "r2", "r2_score",
    "explained_variance", "ndcg", "bleu", "score", "likelihood", "likelihood_ratio",
)  # fmt: skip
_FALLING = (
    "loss", "cost", "error", "mse", "rmse", "mae", "mape", "msle", "rmsle", "deviance", "brier", "brier_score", "nll",
    "log_loss", "logloss", "perplexity", "norm", "seconds", "learning_rate",
)  # fmt: skip
_MEANS = ("_micro", "_macro", "_weighted", "_samples", "_ovr", "_ovo")  # over the classes, in scikit-learn's names


def rises(name: str) -> bool:
    """Whether a value that is called so is better when it is higher.

    Parameters
    ----------
    name : str
        What it is called in a history, such as ``"val_auc"``; its last words count, or a ``neg_`` or ``d2_`` before
        all: so scikit-learn calls what rises though it is made of errors.

    Raises
    ------
    ValueError
        If that cannot be told from the name.

    Examples
    --------
    >>> from multicapa.base.scores import rises
    >>> rises("val_roc_auc"), rises("val_loss")
    (True, False)
    """
    lower = name.lower().removeprefix("val_")
    if lower.startswith(("neg_", "d2_")):
        return True
    while lower.endswith(_MEANS):
        lower = lower.rpartition("_")[0]
    for names, answer in ((_FALLING, False), (_RISING, True)):
        if any(lower == known or lower.endswith(f"_{known}") for known in names):
            return answer
    raise ValueError(f"whether {name!r} should rise or fall cannot be told from its name: say mode='max' or mode='min'")
