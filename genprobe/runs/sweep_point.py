"""One β of a sweep: its model trained and evaluated, unless that is done already."""

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from genprobe.errors import GenprobeError
from genprobe.loaders.bundle import save
from genprobe.loaders.open import load
from genprobe.report import Report
from genprobe.runs.evaluate import evaluate
from genprobe.runs.sweep_plan import Plan, open_datasets, training_facts
from genprobe.runs.train import train
from genprobe.runtime.jobs import stage_progress
from genprobe.runtime.progress import Progress
from genprobe.types import Dataset, Model

log = logging.getLogger("genprobe")


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
    return trained_model(plan, dataset, None, None, plan.first, stage_progress(progress, "first"))


def trained_model(
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
        progress: display of the steps.
    """
    wanted = training_facts(plan, dataset, beta)
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


def train_and_evaluate(plan: Plan, beta: float, progress: Progress) -> tuple[Report, Report | None]:
    """Train and evaluate at one β; what is there already is not done again."""
    with one_thread():
        dataset, held_out = open_datasets(plan)
        model = trained_model(
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
                **plan.evaluation_of(side),
            )
            for side, data in sides.items()
        ]
    training, held = reports
    assert training is not None
    return without_store(training), None if held is None else without_store(held)


def log_point(pair: tuple[Report, Report | None]) -> None:
    """Log the rate and distortion of a model as soon as it is evaluated."""
    report, _ = pair
    rate, distortion = (report[name].value for name in ("rate", "distortion"))
    log.info("%s: R = %.3f, D = %.3f", report.model, rate, distortion)


def without_store(report: Report) -> Report:
    """A report without its store, which reaches another process."""
    return replace(report, store=None)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread, so that sums are made in the same order whatever else runs."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
