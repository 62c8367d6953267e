"""A sweep over β: the reference network trained at each, and the rate-distortion curve they make.

One first model is trained at the lowest β, where every latent dimension pays, and every β goes on
from its weights. So no β waits for another, and none begins in the collapsed corner where a large β
holds a new network fast. A model is trained on one thread: the weights do not depend on how many
are trained at once.
"""

import contextlib
import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genprobe.comparing.comparison import Comparison, compare
from genprobe.comparing.curve import Shape, shape
from genprobe.errors import GenprobeError
from genprobe.loaders.bundle import save
from genprobe.loaders.open import load, open_dataset
from genprobe.report import Report
from genprobe.runs.evaluate import evaluate
from genprobe.runs.train import train
from genprobe.runtime.jobs import counting, run
from genprobe.runtime.progress import Progress, showing
from genprobe.store.read import open_store
from genprobe.types import Dataset, Model

log = logging.getLogger("genprobe")


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """The models of a sweep over β.

    Attributes:
        betas: from the lowest to the highest.
        training: a report of each on the data it was trained on.
        held_out: a report of each on the held-out data; empty without any.
        folder: of the bundles and stores.
    """

    betas: tuple[float, ...]
    training: tuple[Report, ...]
    held_out: tuple[Report, ...]
    folder: Path

    @property
    def sides(self) -> Mapping[str, tuple[Report, ...]]:
        """The reports by side, ``training`` and, if there are held-out data, ``held-out``."""
        sides = {"training": self.training, "held-out": self.held_out}
        return {side: reports for side, reports in sides.items() if reports}

    def comparison(self, side: str) -> Comparison:
        """The models of one side beside each other."""
        return compare(self.sides[side])

    def shape(self, side: str) -> Shape:
        """Whether the curve of one side falls and bends as it must."""
        rates, distortions = (
            torch.stack([column(report, f"probes/{name}") for report in self.sides[side]])
            for name in ("rate", "distortion")
        )
        return shape(self.betas, rates, distortions, trained_here=side == "training")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a sweep does at every β; plain values, so that it reaches another process.

    Attributes:
        folder: of the bundles and stores.
        data: a name or path of the data to train on, or the data themselves.
        split: of a named data set.
        held_out: other data to evaluate on, if any; ``data`` itself if only a split is named.
        held_out_split: of named held-out data.
        binarize: ``none``, ``threshold`` or ``stochastic``.
        first_beta: of the model that all others go on from.
        first_epochs: of that model.
        epochs: of every model after it.
        seed: of everything random.
        settings: further ones of ``genprobe.train``.
        evaluation: further ones of ``genprobe.evaluate``.
    """

    folder: Path
    data: Any
    split: str | None = None
    held_out: Any = None
    held_out_split: str | None = None
    binarize: str = "none"
    first_beta: float
    first_epochs: int
    epochs: int
    seed: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Mapping[str, Any] = field(default_factory=dict)

    def path(self, beta: float, ending: str) -> Path:
        """Where a file of one β is kept: ``beta-0.5.pt``, ``beta-0.5.training.h5``."""
        return self.folder / f"beta-{beta:.6g}.{ending}"

    @property
    def first(self) -> Path:
        """Where the first model is kept."""
        return self.folder / "first.pt"


def parse_betas(text: str) -> tuple[float, ...]:
    """The grid that a text stands for, rising.

    ``0.1:8:log9`` is nine values from 0.1 to 8 with equal ratios, ``0.5:1.5:lin5`` five with equal
    steps, both to four significant digits; ``0.25,1,4`` is those.

    Raises:
        GenprobeError: saying what was expected.
    """
    how = "Give LOW:HIGH:logN, LOW:HIGH:linN or values such as 0.25,1,4."
    try:
        values = spaced(*text.split(":")) if ":" in text else [float(v) for v in text.split(",")]
    except (TypeError, ValueError) as error:
        raise GenprobeError(f"{text!r} is no grid of β.", how) from error
    betas = tuple(sorted(set(values)))
    if not np.isfinite(betas).all() or betas[0] < 0:
        raise GenprobeError(f"The β in {text!r} must be finite and not negative.", how)
    return betas


def spaced(low: str, high: str, rule: str) -> list[float]:
    """Values from low to high, equally spaced by a rule such as ``log9``, four digits each.

    Raises:
        ValueError: if the ends or the rule make no sense.
    """
    start, stop, spacing, count = float(low), float(high), rule[:3], int(rule[3:])
    if spacing not in ("log", "lin") or count < 2 or not 0 <= start < stop < math.inf:
        raise ValueError(rule)
    if spacing == "log" and start == 0:
        raise ValueError("a ratio needs a value above 0")
    between = np.geomspace if spacing == "log" else np.linspace
    return [float(f"{value:.4g}") for value in between(start, stop, count)]


def sweep(
    data: Any = "digits",
    betas: Sequence[float] = parse_betas("0.1:8:log9"),
    *,
    folder: str | Path = "sweep",
    split: str | None = None,
    held_out: Any = None,
    held_out_split: str | None = None,
    binarize: str = "none",
    first_epochs: int = 100,
    epochs: int = 100,
    jobs: int = 1,
    seed: int = 0,
    draws: int = 1,
    tolerance: float = 0.01,
    progress: bool = False,
    **settings: Any,
) -> Sweep:
    """Train the reference network at each β, and evaluate it on training and held-out data.

    What is finished stays in the folder: the same call again goes on where an earlier one stopped.

    Args:
        data: to train on: a name, a path, or for one job anything that ``open_dataset`` takes.
        betas: weights of the rate.
        folder: for bundles and stores, made if it is not there.
        split: of a named data set.
        held_out: data to evaluate on besides.
        held_out_split: of named held-out data; of ``data`` if no other are named.
        binarize: ``none``, ``threshold`` or ``stochastic``.
        first_epochs: passes over the data of the first model, from whose weights all others go on.
        epochs: passes over the data at each β after that.
        jobs: models trained at once, each by a process with one thread.
        seed: of everything random.
        draws: posterior draws per example in the evaluations.
        tolerance: wanted Monte Carlo standard error of I(n;z), nats.
        progress: show progress on standard error if it is a terminal.
        settings: further ones of ``genprobe.train``, such as ``latent`` and ``hidden``.

    Returns:
        The reports by β.

    Raises:
        GenprobeError: if a choice makes no sense, the folder holds models of other settings, or
            the training fails.
    """
    betas = sorted({float(beta) for beta in betas})
    if not betas or jobs < 1 or min(epochs, first_epochs) < 1:
        raise GenprobeError("A sweep needs a β, a job and an epoch at least.")
    plan = Plan(
        folder=Path(folder),
        data=data,
        split=split,
        held_out=data if held_out is None and held_out_split is not None else held_out,
        held_out_split=held_out_split,
        binarize=binarize,
        first_beta=betas[0],
        first_epochs=first_epochs,
        epochs=epochs,
        seed=seed,
        settings=completed(settings),
        evaluation={"draws": draws, "tolerance": tolerance},
    )
    dataset, _ = open_both(plan)
    missing = [b for b in betas if not is_trained(plan.path(b, "pt"), facts(plan, dataset, b))]
    plan.folder.mkdir(parents=True, exist_ok=True)
    with showing(progress) as shown:
        if missing:
            with one_thread():
                first_model(plan, dataset, shown)
        total = len(missing) * steps(plan, dataset)
        task = partial(point, plan)
        pairs = run(
            task, betas, jobs=jobs, stage="train", total=total, progress=shown, told=announce
        )
    training, held = zip(*pairs, strict=True)
    return Sweep(
        betas=tuple(betas),
        training=tuple(reopened(report) for report in training),
        held_out=tuple(reopened(report) for report in held if report is not None),
        folder=plan.folder,
    )


def completed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of the training with the default of each that is not given, as plain values.

    Raises:
        GenprobeError: if the training has no such setting.
    """
    taken = {"dataset", "name", "data", "beta", "epochs", "seed", "start", "progress"}
    known = {
        name: parameter.default
        for name, parameter in signature(train).parameters.items()
        if name not in taken
    }
    if unknown := settings.keys() - known.keys():
        raise GenprobeError(
            f"The training has no setting {', '.join(sorted(unknown))}.",
            f"There are: {', '.join(known)}.",
        )
    return {k: list(v) if isinstance(v, tuple) else v for k, v in {**known, **settings}.items()}


def open_both(plan: Plan) -> tuple[Dataset, Dataset | None]:
    """The training data and the held-out data.

    Raises:
        GenprobeError: if they are the same.
    """
    opened = partial(open_dataset, binarize=plan.binarize, seed=plan.seed)
    training = opened(plan.data, split=plan.split)
    if plan.held_out is None:
        return training, None
    held_out = opened(plan.held_out, split=plan.held_out_split)
    if held_out.fingerprint == training.fingerprint:
        raise GenprobeError(
            f"The held-out data are those trained on, {training.name}.", "Name others, or a split."
        )
    return training, held_out


def facts(plan: Plan, dataset: Dataset, beta: float | None) -> dict[str, Any]:
    """What decides the weights at one β, or with None those of the first model: plain values."""
    first = {"beta": plan.first_beta, "epochs": plan.first_epochs}
    own = first if beta is None else {"beta": beta, "epochs": plan.epochs, "first": first}
    rest = {"data": dataset.fingerprint, "seed": plan.seed, **plan.settings}
    return {**own, **rest}


def is_trained(path: Path, wanted: Mapping[str, Any]) -> bool:
    """Whether a bundle is there already, trained just so.

    Raises:
        GenprobeError: if one is there that was trained otherwise.
    """
    if not path.exists():
        return False
    found = load(path).training.get("sweep")
    if found is None:
        raise GenprobeError(f"{path} is of no sweep.", "Name another folder, or remove it.")
    for name in (*wanted, *found):
        if found.get(name) != wanted.get(name):
            raise GenprobeError(
                f"{path} was trained with another {name}: {found.get(name)}, not "
                f"{wanted.get(name)}.",
                "Name another folder, or the settings it was trained with.",
            )
    return True


def first_model(plan: Plan, dataset: Dataset, progress: Progress) -> Model:
    """The model that all others go on from."""
    return trained(plan, dataset, None, None, plan.first, counting(progress, "first"))


def trained(
    plan: Plan,
    dataset: Dataset,
    beta: float | None,
    start: Callable[[], Model] | None,
    path: Path,
    progress: Progress,
) -> Model:
    """The model in a bundle if it is there, else trained and put there.

    Args:
        plan: of the sweep.
        dataset: to train on.
        beta: weight of the rate; None for the first model.
        start: gives the model to go on from.
        path: of the bundle.
        progress: told of steps.
    """
    wanted = facts(plan, dataset, beta)
    if is_trained(path, wanted):
        return load(path)
    model = train(
        dataset,
        name=path.stem,
        data=str(plan.data) if isinstance(plan.data, str | Path) else None,
        beta=wanted["beta"],
        epochs=wanted["epochs"],
        seed=plan.seed,
        start=None if start is None else start(),
        progress=progress,
        **plan.settings,
    )
    model = replace(model, training={**model.training, "sweep": wanted})
    save(model, path)
    return model


def point(plan: Plan, beta: float, progress: Progress) -> tuple[Report, Report | None]:
    """Train and evaluate at one β; what is there already is not done again."""
    with one_thread():
        dataset, held_out = open_both(plan)
        model = trained(
            plan, dataset, beta, lambda: load(plan.first), plan.path(beta, "pt"), progress
        )
        sides = {"training": dataset, "held-out": held_out}
        reports = [
            None
            if data is None
            else evaluate(
                model,
                data,
                binarize="none",  # it is so already
                store=plan.path(beta, f"{side}.h5"),
                seed=plan.seed,
                **plan.evaluation,
            )
            for side, data in sides.items()
        ]
    training, held = reports
    assert training is not None
    return closed(training), None if held is None else closed(held)


def announce(pair: tuple[Report, Report | None]) -> None:
    """Log where a model lies as soon as it is evaluated."""
    report, _ = pair
    rate, distortion = (report[name].value for name in ("rate", "distortion"))
    log.info("%s: R = %.3f, D = %.3f", report.model, rate, distortion)


def steps(plan: Plan, dataset: Dataset) -> int:
    """Steps of the optimiser at one β."""
    return plan.epochs * -(-dataset.n // int(plan.settings["batch_size"]))


def column(report: Report, name: str) -> Tensor:
    """A number of each example (n,), averaged over its draws."""
    assert report.store is not None
    return report.store.column(name).mean(0)


def closed(report: Report) -> Report:
    """A report without its store, which reaches another process."""
    return replace(report, store=None)


def reopened(report: Report) -> Report:
    """A report with its store again."""
    return replace(report, store=open_store(report.provenance["store"]))


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread, so that sums are made in the same order whatever else runs."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
