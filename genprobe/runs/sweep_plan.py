"""What a sweep does at every β: data, network, epochs; plain values, made before any work."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

from genprobe.architectures.mlp_vae import MlpVae
from genprobe.datasets.row_hashes import data_fingerprint
from genprobe.errors import GenprobeError
from genprobe.loaders.open import open_dataset
from genprobe.runs.chosen_labels import by_name, labels_asked, labels_before, named_only
from genprobe.runs.evaluate import evaluate
from genprobe.runs.train import train
from genprobe.types import Dataset

LEARNING = ("batch_size", "learning_rate")
"""The settings of the optimiser that a sweep hands on to ``genprobe.train``."""
EVALUATION = ("draws", "tolerance", "labels", "leaks")
"""The settings of the evaluations."""
HELD_OUT = "held_out_labels"
"""The labels of the held-out data; those of the training data are ``labels``."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a sweep does at every β; plain values, so that it reaches another process.

    Attributes:
        betas: from the lowest to the highest.
        folder: of the bundles and stores.
        data: a name or path of the data to train on, or the data themselves.
        split: of a named data set.
        held_out: other data to evaluate on, if any; ``data`` itself if only a split is named.
        held_out_split: of named held-out data.
        binarize: ``none``, ``threshold`` or ``stochastic``.
        first_epochs: of the model that all others go on from, at the lowest β.
        epochs: of every model after it.
        seed: of everything random.
        settings: further ones of ``genprobe.train``.
        evaluation: further ones of ``genprobe.evaluate``, and the labels of held-out data.
    """

    betas: tuple[float, ...]
    folder: Path
    data: Any
    split: str | None = None
    held_out: Any = None
    held_out_split: str | None = None
    binarize: str = "none"
    first_epochs: int
    epochs: int
    seed: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Mapping[str, Any] = field(default_factory=dict)

    @property
    def first_beta(self) -> float:
        """The β of the model that all others go on from."""
        return self.betas[0]

    def path(self, beta: float, ending: str) -> Path:
        """Where a file of one β is kept: ``beta-0.5.pt``, ``beta-0.5.training.h5``."""
        return self.folder / f"beta-{beta:.6g}.{ending}"

    def evaluation_of(self, side: str) -> dict[str, Any]:
        """The settings of the evaluations on ``training`` or ``held-out`` data."""
        found = dict(self.evaluation)
        held_out = found.pop(HELD_OUT, None)
        if side == "training":
            return found
        leaks = leaks_of_others(found["leaks"], found["labels"], held_out)
        return {**found, "labels": held_out, "leaks": leaks}

    @property
    def first(self) -> Path:
        """Where the first model is kept."""
        return self.folder / "first.pt"


def make_plan(arguments: Mapping[str, Any]) -> Plan:
    """The plan that the arguments of ``genprobe.sweep`` ask for.

    Args:
        arguments: by their names.

    Raises:
        GenprobeError: if one makes no sense.
    """
    asked = {name: arguments[name] for name in ("data", "split", "held_out_split", "binarize")}
    betas = sorted({float(beta) for beta in arguments["betas"]})
    epochs = {name: arguments[name] for name in ("epochs", "first_epochs")}
    if not betas or arguments["jobs"] < 1 or min(epochs.values()) < 1:
        raise GenprobeError("A sweep needs a β, a job and an epoch at least.")
    other, split = arguments["held_out"], arguments["held_out_split"]
    complete = complete_settings(arguments["settings"])
    return Plan(
        **asked,
        **epochs,
        betas=tuple(betas),
        folder=Path(arguments["folder"]),
        held_out=asked["data"] if other is None and split is not None else other,
        evaluation={name: complete.pop(name) for name in (*EVALUATION, HELD_OUT)},
        seed=complete.pop("seed"),
        settings=complete,
    )


def complete_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of a sweep with the default of each that is not given, as plain values.

    Args:
        given: settings of the network, the optimiser, the evaluation, and the seed.

    Raises:
        GenprobeError: if there is no such setting.
    """
    network = [k for k in signature(MlpVae).parameters if k not in ("data_shape", "posterior")]
    known = {
        **defaults(MlpVae, network),
        **defaults(train, [*LEARNING, "seed"]),
        **defaults(evaluate, EVALUATION),
        HELD_OUT: None,
    }
    if unknown := given.keys() - known.keys():
        raise GenprobeError(
            f"A sweep has no setting {', '.join(sorted(unknown))}.",
            f"There are: {', '.join(known)}.",
        )
    return {k: list(v) if isinstance(v, tuple) else v for k, v in {**known, **given}.items()}


def defaults(function: Callable[..., Any], names: Iterable[str]) -> dict[str, Any]:
    """The defaults of some parameters of a function, by name."""
    parameters = signature(function).parameters
    return {name: parameters[name].default for name in names}


def open_datasets(plan: Plan) -> tuple[Dataset, Dataset | None]:
    """The training data and the held-out data.

    Raises:
        GenprobeError: if they are the same.
    """
    opened = partial(open_dataset, binarize=plan.binarize, seed=plan.seed)
    training = opened(plan.data, split=plan.split)
    if plan.held_out is None:
        return training, None
    held_out = opened(plan.held_out, split=plan.held_out_split)
    if data_fingerprint(held_out) == data_fingerprint(training):
        raise GenprobeError(
            f"The held-out data are those trained on, {training.name}.", "Name others, or a split."
        )
    return training, held_out


def leaks_of_others(leaks: Any, labels: Any, others: Any) -> dict[str, Any]:
    """The leaks to look for in other data: labels of theirs, and what both may have as a covariate.

    Args:
        leaks: of the data to train on, as ``evaluate`` takes them.
        labels: of the data to train on.
        others: labels of the other data.

    Example:
        >>> leaks_of_others(["batch", "site"], {"batch": "a.npy"}, {"batch": "b.npy"})
        {'batch': 'batch', 'site': 'site'}
        >>> leaks_of_others({"batch": "a.npy"}, None, None)
        {}
    """
    mine, theirs = by_name("labels", labels), by_name("labels", others)
    return {
        name: name
        for name, source in by_name("leaks", leaks).items()
        if name in theirs or (named_only(name, source) and name not in mine)
    }


def require_labels(plan: Plan, dataset: Dataset, held_out: Dataset | None) -> None:
    """Check the labels of both sides before anything is trained.

    Raises:
        GenprobeError: if one is not there, does not read, or is no label.
    """
    for side, data in (("training", dataset), ("held-out", held_out)):
        if data is not None:
            asked = plan.evaluation_of(side)
            before = labels_before(plan.path(plan.first_beta, f"{side}.h5"), fresh=False)
            labels_asked(asked["labels"], asked["leaks"], data, data, seed=plan.seed, before=before)


def training_facts(plan: Plan, dataset: Dataset, beta: float | None) -> dict[str, Any]:
    """What decides the weights at one β, or with None those of the first model: plain values."""
    first = {"beta": plan.first_beta, "epochs": plan.first_epochs}
    own = first if beta is None else {"beta": beta, "epochs": plan.epochs, "first": first}
    rest = {"data": data_fingerprint(dataset), "seed": plan.seed, **plan.settings}
    return {**own, **rest}


def count_steps(plan: Plan, dataset: Dataset) -> int:
    """Steps of the optimiser at one β."""
    return plan.epochs * -(-dataset.n // int(plan.settings["batch_size"]))
