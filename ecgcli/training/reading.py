"""A reading of the curves of a training: what they show, in sentences.

For people who look at such curves for the first time. Each sentence says what is seen, in the
figures of this training, and what it means; where something can be done about it, what.
"""

from __future__ import annotations

from ecgcli.training.history import RISEN, Epoch, History, best_epoch, overfitting

#: A fall of the validation loss by this share in the last epoch is worth another epoch.
_STILL_FALLING = 0.05

#: A macro-F1 that moves less than this over all epochs has not moved.
_SAME_SCORE = 0.01

#: A model that learnt something has a higher macro-F1 than this.
_LOW_SCORE = 0.5

#: A macro-F1 this far below the accuracy is due to the rare classes.
_CLASSES_DIFFER = 0.03


def describe_curves(history: History) -> list[str]:
    """What the curves show, in two or three sentences.

    Args:
        history: the epochs of a finished training, one or more.

    Returns:
        The course of the losses and what it means: overfitting, too few epochs, nothing learnt, an
        unstable training, or none of these; which epoch was kept, and why; and what the distance
        between accuracy and macro-F1 says, where it is large.
    """
    sentences = [_course(history)]
    if overfitting(history) is None:
        sentences.append(_kept(history))
    if best_epoch(history).validation_accuracy - _best_score(history) > _CLASSES_DIFFER:
        sentences.append(_rare_classes(history))
    return sentences


def _course(history: History) -> str:
    if len(history) == 1:
        return (
            "One epoch is a point, not a curve: more of them (training.epochs) show whether the "
            "model still learns."
        )
    return (
        overfitting(history)
        or _still_falling(history)
        or _learnt_nothing(history)
        or _unstable(history)
        or _level(history)
    )


def _still_falling(history: History) -> str | None:
    last, before = history[-1], min(row.validation_loss for row in history[:-1])
    if last.validation_loss > (1 - _STILL_FALLING) * before:
        return None
    return (
        f"The validation loss was still falling in the last epoch, from {before:.4f} to "
        f"{last.validation_loss:.4f}: the model can learn more in more epochs "
        f"(training.epochs={2 * len(history)})."
    )


def _learnt_nothing(history: History) -> str | None:
    scores = [row.validation_macro_f1 for row in history]
    if max(scores) - min(scores) > _SAME_SCORE or max(scores) > _LOW_SCORE:
        return None
    return (
        f"The model learnt nothing: its macro-F1 on the validation beats was {max(scores):.3f} "
        "from the first epoch to the last. Try a lower training.learning_rate first."
    )


def _unstable(history: History) -> str | None:
    last, lowest = history[-1], _lowest(history)
    if last.validation_loss <= RISEN * lowest.validation_loss:
        return None
    return (
        f"The training is unstable: since epoch {lowest.epoch} the validation loss rose from "
        f"{lowest.validation_loss:.4f} to {last.validation_loss:.4f}, and the training loss did "
        "not fall either. Try a lower training.learning_rate first."
    )


def _level(history: History) -> str:
    lowest = _lowest(history)
    return (
        f"There is no sign of overfitting, which is a validation loss that rises while the "
        f"training loss falls: it ended at {history[-1].validation_loss:.4f}, and its lowest value "
        f"was {lowest.validation_loss:.4f}, in epoch {lowest.epoch}."
    )


def _kept(history: History) -> str:
    return (
        f"Epoch {best_epoch(history).epoch} of {len(history)} was kept, because its macro-F1 on "
        f"the validation beats, {_best_score(history):.3f}, is the highest."
    )


def _rare_classes(history: History) -> str:
    accuracy = best_epoch(history).validation_accuracy
    return (
        f"Every beat weighs the same in the accuracy, {accuracy:.3f}, and most beats are of one "
        f"class; every class weighs the same in the macro-F1, {_best_score(history):.3f}. It is "
        "lower because rare classes are recognized less well: look at each class in the evaluation."
    )


def _lowest(history: History) -> Epoch:
    return min(history, key=lambda row: row.validation_loss)


def _best_score(history: History) -> float:
    return best_epoch(history).validation_macro_f1
