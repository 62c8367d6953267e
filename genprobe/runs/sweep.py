"""A sweep over β: the reference network trained at each, and the rate-distortion curve they make.

One first model is trained at the lowest β, where every latent dimension pays, and every β goes on
from its weights. So no β waits for another, and none begins in the collapsed corner where a large β
holds a new network fast. A model is trained on one thread: the weights do not depend on how many
are trained at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genprobe.comparing.compare import compare
from genprobe.comparing.comparison import Comparison
from genprobe.comparing.curve import CurveTest, curve_test
from genprobe.errors import GenprobeError
from genprobe.report import Report
from genprobe.runs.betas import parse_betas
from genprobe.runs.sweep_plan import (
    Plan,
    count_steps,
    make_plan,
    open_datasets,
    require_labels,
    training_facts,
)
from genprobe.runs.sweep_point import (
    first_model,
    is_trained,
    log_point,
    one_thread,
    train_and_evaluate,
)
from genprobe.runtime.jobs import require_importable_script, run_jobs
from genprobe.runtime.output_file import reason
from genprobe.runtime.progress import progress_display
from genprobe.store.own_store import require_own_store
from genprobe.store.read import open_store


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
        """The comparison of the models of one side."""
        return compare(self.sides[side], sort="rate")

    def curve_test(self, side: str) -> CurveTest:
        """Whether the curve of one side falls and bends as it must."""
        rates, distortions = (
            torch.stack([column(report, f"probes/{name}") for report in self.sides[side]])
            for name in ("rate", "distortion")
        )
        return curve_test(self.betas, rates, distortions, trained_here=side == "training")


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
        held_out: further data to evaluate on.
        held_out_split: of named held-out data; of ``data`` if no other are named.
        binarize: ``none``, ``threshold`` or ``stochastic``.
        first_epochs: passes over the data of the first model, from whose weights all others go on.
        epochs: passes over the data at each β after that.
        jobs: models trained at once, each by a process with one thread. A script that asks for
            several must do so under ``if __name__ == "__main__":``.
        progress: show progress on standard error if it is a terminal.
        settings: ``seed``, further ones of ``genprobe.train`` such as ``latent`` and ``hidden``,
            and of the evaluations ``draws``, ``tolerance``, ``labels`` of the data to train on,
            ``held_out_labels`` and ``leaks``, each as ``evaluate`` takes them. A leak that is only
            a name is looked for in held-out data too.

    Returns:
        The reports by β.

    Raises:
        GenprobeError: if a choice makes no sense, the folder holds models of other settings, the
            script has no main guard and jobs are several, or the training fails.

    Example:
        >>> import tempfile, genprobe
        >>> small = {"latent": 2, "hidden": (8,), "first_epochs": 1, "epochs": 1}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     made = genprobe.sweep("digits", [1.0], split="test", folder=folder, **small)
        >>> made.betas
        (1.0,)
    """
    return run_sweep(make_plan(locals()), jobs, progress)


def run_sweep(plan: Plan, jobs: int, progress: bool) -> Sweep:
    """Do what a plan says at every β, as far as it is not done already.

    Args:
        plan: of the sweep.
        jobs: models trained at once.
        progress: whether to show any.
    """
    if jobs > 1:
        require_importable_script()
    dataset, held_out = open_datasets(plan)
    require_labels(plan, dataset, held_out)
    missing = [
        beta
        for beta in plan.betas
        if not is_trained(plan.path(beta, "pt"), training_facts(plan, dataset, beta))
    ]
    make_folder(plan)
    with progress_display(progress) as display:
        if missing:
            with one_thread():
                first_model(plan, dataset, display)
        pairs = run_jobs(
            partial(train_and_evaluate, plan),
            plan.betas,
            jobs=jobs,
            stage="train",
            total=len(missing) * count_steps(plan, dataset),
            progress=display,
            on_done=log_point,
        )
    training, held = zip(*pairs, strict=True)
    return Sweep(
        betas=plan.betas,
        training=tuple(with_store(report) for report in training),
        held_out=tuple(with_store(report) for report in held if report is not None),
        folder=plan.folder,
    )


def make_folder(plan: Plan) -> None:
    """Make the folder of a sweep, if it is not there, and check that no other file is in the way.

    Raises:
        GenprobeError: if it cannot be made, or a file is there that is not of a sweep.
    """
    try:
        plan.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GenprobeError(
            f"The folder {plan.folder} cannot be made: {reason(error)}.", "Name another folder."
        ) from error
    for beta in plan.betas:
        for side in ("training", "held-out"):
            require_own_store(plan.path(beta, f"{side}.h5"), [], fresh=True)


def column(report: Report, name: str) -> Tensor:
    """A number of each example (n,), averaged over its draws."""
    assert report.store is not None
    return report.store.column(name).mean(0)


def with_store(report: Report) -> Report:
    """A report with its store again."""
    return replace(report, store=open_store(report.provenance["store"]))
