"""Trains the networks that come into question and keeps the one that does best on the validation part."""

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path

import keras

from nlpkit.estimators.building import build_network
from nlpkit.estimators.choices import Choices
from nlpkit.estimators.class_weights import weights_of_texts
from nlpkit.training import TrainingResult, epochs_that_fit, train
from nlpkit.training.checkpoint import Checkpoint
from nlpkit.training.progress import announce
from nlpkit.training.seeding import seeded
from nlpkit.training.state_files import remove_states

# With fewer, a network that learns slowly is not worth its time.
MIN_EPOCHS = 3
# Tracing a network and timing its steps takes about so long.
MIN_SECONDS = 10.0


@dataclass
class Run:
    """What all candidates of one `fit` share.

    Args:
        seed: int.
        deadline: float. `time.monotonic` time at which to stop, or `None`.
        checkpoint: Path of the folder for the checkpoints, one subfolder per encoder, or `None`.
        resume: bool. Whether to go on from them.
        data: list. What identifies data and text settings in a checkpoint.
        verbose: int. 1 shows a progress bar.
    """

    seed: int
    deadline: float | None
    checkpoint: str | Path | None
    resume: bool
    data: list
    verbose: int

    def keeper(self, choices):
        """The checkpoint of a candidate."""
        facts = [*self.data, repr(choices.network), choices.training.model_dump(), self.seed]
        fingerprint = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
        return Checkpoint(self.checkpoint and Path(self.checkpoint) / _name(choices), fingerprint, {})

    def resumes(self, choices):
        """Whether a candidate is to go on from its checkpoint."""
        return self.resume and self.keeper(choices).path.is_file()

    def seconds_left(self):
        """Seconds until the deadline; infinite without one."""
        return float("inf") if self.deadline is None else self.deadline - time.monotonic()


@dataclass
class Trained:
    """A candidate after its training.

    Args:
        model: `keras.Model` from ids to logits.
        network: dict. Settings that it was built with.
        choices: `Choices` that it was trained with.
        result: `TrainingResult`.
    """

    model: keras.Model
    network: dict
    choices: Choices
    result: TrainingResult

    def validation(self):
        """Name and value of the measure that decides: the accuracy, or with several labels a text the loss."""
        name = "accuracy" if "val_accuracy" in self.result.history else "loss"
        return name, self.result.history[f"val_{name}"][self.result.best_epoch - 1]

    def beats(self, other):
        """Whether it is better on the validation part than a simpler candidate, which wins a tie."""
        (name, own), (_, others) = self.validation(), other.validation()
        return own > others if name == "accuracy" else own < others

    def story(self):
        """How it did, in words."""
        learned = f"{len(self.result.history['loss'])} epochs in {self.result.seconds:.0f} s"
        if "val_loss" not in self.result.history:
            return learned
        name, value = self.validation()
        return f"validation {name} {value:.4f} after {learned}"


def train_best(classifier, plans, parts, run):
    """Trains one network after the other as far as the time allows, and keeps the best.

    Args:
        classifier: `TextClassifier` with its text layer and its classes.
        plans: List of `Choices`, the simplest first. That one is trained in any case.
        parts: Training and validation `Part`, the latter perhaps `None`.
        run: `Run`.

    Returns:
        `Trained`. If there was a choice, the reasons of its `Choices` tell which candidates were tried, how they did
        and why this one was kept.
    """
    kept, outcomes = None, {}
    if run.checkpoint and not run.resume:
        remove_states(run.checkpoint)
    for choices in plans:
        obstacle = kept and _obstacle(choices, parts[1], run)
        if run.verbose and len(plans) > 1 and not obstacle:
            announce(f"candidate {_name(choices)}:")
        outcome = obstacle or _train(classifier, choices, parts, run, first=kept is None)
        outcomes[_name(choices)] = outcome
        if isinstance(outcome, Trained) and (kept is None or outcome.beats(kept)):
            kept = outcome
    if len(plans) > 1:
        others = [reason for reason in kept.choices.reasons if reason["setting"] != "encoder"]
        kept.choices.reasons[:] = [*_verdict(kept, outcomes), *others]
    return kept


def _name(choices):
    encoder = choices.network["encoder"]
    return encoder if isinstance(encoder, str) else "custom"


def _obstacle(choices, validation, run):
    """Why a candidate other than the first cannot even be timed, or `None`."""
    if validation is None:
        return "too few texts to hold out a validation part, which would decide"
    if run.resumes(choices) or run.seconds_left() >= MIN_SECONDS:
        return None
    return f"{max(run.seconds_left(), 0.0):.0f} s were left, too short to train it"


def _train(classifier, choices, parts, run, first):
    """`Trained`, or the reason why not; the first candidate always is."""
    part, validation = parts
    keeper = run.keeper(choices)  # before the epochs are fitted to the time: a resumed run must find it
    resume = run.resume if first else run.resumes(choices)
    with seeded(run.seed):
        model, network = build_network(classifier, choices, part)
        epochs = keeper.planned_epochs() if resume else _epochs_in_time(model, choices, part, run, first)
        if not epochs:
            return f"fewer than {MIN_EPOCHS} epochs of it would have fitted into the time left"
        _set_epochs(choices, epochs)
        weights = weights_of_texts(
            choices.training.class_weight, part.targets, classifier.classes_, classifier.multi_label
        )
        result = train(
            model,
            part.rows,
            part.targets,
            choices.training,
            validation=validation and (validation.rows, validation.targets),
            sample_weight=weights,
            seed=run.seed,
            deadline=run.deadline,
            checkpoint=keeper.folder,
            resume=resume,
            fingerprint=keeper.fingerprint,
            verbose=run.verbose,
        )
    return Trained(model, network, choices, result)


def _epochs_in_time(model, choices, part, run, first):
    """Number of epochs to train: the user's, or as many as fit; 0 if too few do for a candidate after the first."""
    settings = choices.training
    given = all(reason["setting"] != "epochs" for reason in choices.reasons)
    if run.deadline is None or first and given:
        return settings.epochs
    epochs = epochs_that_fit(model, part.rows, part.targets, settings, run.seconds_left())
    if first:
        return max(epochs, 1)
    if epochs < min(MIN_EPOCHS, settings.epochs):
        return 0
    return settings.epochs if given else epochs


def _set_epochs(choices, epochs):
    most = choices.training.epochs
    if epochs < most:
        chosen = next(reason for reason in choices.reasons if reason["setting"] == "epochs")
        chosen.update(value=epochs, reason=f"as many as fit into the time allowed; without limit {most}")
    choices.training = choices.training.model_copy(update={"epochs": epochs})


def _verdict(kept, outcomes):
    """Rows of the report: the encoder that was kept and why, then every candidate and how it did."""
    tried = [encoder for encoder, outcome in outcomes.items() if isinstance(outcome, Trained)]
    encoder, first = kept.network["encoder"], next(iter(outcomes))
    others = ", ".join(name for name in tried if name != encoder)
    if not others:
        reason = "the only one trained; " + "; ".join(
            f"{name}: {why}" for name, why in outcomes.items() if name not in tried
        )
    elif encoder == first:
        reason = f"no worse on the validation part than {others}, and simpler"
    else:
        reason = f"better on the validation part than {others}"
    rows = [{"setting": "encoder", "value": encoder, "reason": reason}]
    for name, outcome in outcomes.items():
        told = outcome.story() if name in tried else f"not trained: {outcome}"
        rows.append({"setting": "candidate", "value": name, "reason": told})
    return rows
