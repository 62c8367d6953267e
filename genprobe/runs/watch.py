"""Reports while a model trains, in a small share of the time that training takes."""

import contextlib
import random
import warnings
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from genprobe.comparing.frames import frame
from genprobe.datasets.subset import subset
from genprobe.errors import GenprobeError, ModelError
from genprobe.estimators.call import Estimator, estimators_by_name
from genprobe.loaders.open import open_dataset
from genprobe.plugins import plugins
from genprobe.report import Report
from genprobe.runs.chosen_labels import by_name, labels_asked
from genprobe.runs.evaluate import evaluate
from genprobe.runtime.ranks import barrier, broadcast_object, process_group
from genprobe.types import Dataset, Model

if TYPE_CHECKING:
    import pandas as pd

EXPENSIVE = ("total_correlation",)
"""Estimators that cost as much as all others together."""


def callback(
    data: Any,
    *,
    every: int = 1,
    share: float = 0.05,
    n: int = 1000,
    split: str | None = None,
    binarize: str | None = None,
    seed: int = 0,
    estimators: Mapping[str, Estimator] | Collection[str] | None = None,
    strict: bool = False,
    **options: Any,
) -> "Watch":
    """Watch a model while it trains: call what this returns with the model after each epoch.

    The examples are chosen once, so that the numbers of all epochs compare: I(n;z) depends on how
    many there are. What varies is how often: an evaluation is made when ``every`` calls have passed
    since the last one and, if it costs as much as that one did, stays within ``share`` of the time
    between calls, both since the last one and in all. Only the first is made whatever it costs,
    which nobody knows before: a trial on fewer examples would itself be an evaluation at a cost
    that nobody knows. With a larger ``every`` it comes later, and weighs less.

    Args:
        data: held out from the training; whatever ``evaluate`` takes.
        every: calls from one evaluation to the next, at least.
        share: most of the training's time that evaluations may take, such as 0.05.
        n: examples to evaluate on; a random subset of the data, the same for every epoch.
        split: of a named data set.
        binarize: ``none``, ``threshold`` or ``stochastic``.
        seed: of the subset, of binarisation and of every evaluation.
        estimators: names of registered ones, or functions by name; by default every registered
            one but the total correlation.
        strict: raise what goes wrong in an evaluation, instead of warning and training on.
        options: further ones of ``evaluate``, such as ``draws``, ``tolerance``, ``prior`` and
            ``labels``, which are of all examples of the data.

    Raises:
        GenprobeError: if a number makes no sense or the data do not open.

    Example:
        >>> import torch
        >>> from genprobe.types import Model
        >>> def as_model():
        ...     encode = lambda x: {"loc": 0 * x, "scale": 1 + 0 * x}
        ...     parts = {"posterior": "diagonal-normal", "prior": "standard-normal"}
        ...     return Model(name="vae", encode=encode, **parts)
        >>> watch = callback(torch.zeros(20, 2), estimators={}, strict=True)
        >>> watch(as_model(), epoch=1).epoch
        1
        >>> print(watch)  # doctest: +ELLIPSIS
        epoch 1, undetermined: Evaluate on more examples: ...
    """
    if every < 1 or n < 1 or not share > 0:
        raise GenprobeError("every, n and share must be positive.")
    reading = {k: options.pop(k) for k in ("bytes", "input_key", "covariates") if k in options}
    opened = open_dataset(data, split=split, binarize=binarize, seed=seed, **reading)
    chosen = subset(opened, n, seed)
    asked = {k: options.pop(k) for k in ("labels", "leaks") if k in options}
    if any(asked.values()):
        labels, leaks = asked.get("labels"), asked.get("leaks")
        options["labels"] = labels_asked(labels, leaks, opened, chosen, seed=seed)
        options["leaks"] = list(by_name("leaks", leaks))
    known = plugins().all("estimators") if estimators is None else estimators_by_name(estimators)
    wanted = {k: v for k, v in known.items() if estimators is not None or k not in EXPENSIVE}
    settings = {"seed": seed, "estimators": wanted, **options}
    return Watch(chosen, every, share, strict, settings)


class Watch:
    """Evaluates a model now and then while it trains; ``callback`` makes one.

    Attributes:
        history: the reports so far, ``report.epoch`` being the epoch of each.
        trained: seconds between calls.
        spent: seconds within calls.
    """

    def __init__(
        self, data: Dataset, every: int, share: float, strict: bool, options: Mapping[str, Any]
    ) -> None:
        self.history: list[Report] = []
        self.trained = 0.0
        self.spent = 0.0
        self._data = data
        self._every = every
        self._share = share
        self._strict = strict
        self._options = options
        self._calls = 0
        self._since = 0.0
        self._cost = 0.0
        self._left = perf_counter()

    def __call__(self, model: Model, epoch: int) -> Report | None:
        """The report of a model after an epoch; None if there is none this time.

        Random states, gradients, the module's mode, device and dtype are left as they were. Of
        several ranks every one must call, and rank 0 decides; where one fails, all have no report.

        Args:
            model: as it is now. Build the record again if its prior is made of learned tensors.
            epoch: number of the epoch, kept in the report.
        """
        entered = perf_counter()
        self.trained += entered - self._left
        self._since += entered - self._left
        self._calls += 1
        report = None
        due = self._calls >= self._every and self._affordable()
        with process_group("cpu") as ranks:  # each has a clock of its own, and all must do the same
            due = broadcast_object(due, ranks)
        if due:
            self._calls, self._since = 0, 0.0
            report = self._evaluate(model, epoch)
            self._cost = perf_counter() - entered
        self._left = perf_counter()
        self.spent += self._left - entered
        return report

    def _affordable(self) -> bool:
        """Whether one more evaluation is within the share; idle hours before pay for only one."""
        if not self._cost:
            return True
        lately = self._cost <= self._share * self._since
        return lately and self.spent + self._cost <= self._share * self.trained

    def _evaluate(self, model: Model, epoch: int) -> Report | None:
        try:
            with process_group("cpu") as ranks, barrier(ranks):
                require_encoder(model)
                now = replace(model, training={**model.training, "epoch": epoch})
                options = {**placement_of(model), **self._options}
            with preserve_random_states():
                report = evaluate(now, self._data, **options)
        except Exception as error:
            if self._strict:
                raise
            warnings.warn(
                f"genprobe has no report of epoch {epoch}: {error}", RuntimeWarning, stacklevel=3
            )
            return None
        self.history.append(replace(report, store=None))
        return self.history[-1]

    @property
    def share(self) -> float:
        """Seconds spent in evaluations for each second of training, so far."""
        return self.spent / self.trained if self.trained else 0.0

    def __str__(self) -> str:
        if not self.history:
            return "No evaluation yet."
        last = self.history[-1]
        numbers = [f"{k} {last[k].value:.2f}" for k in ("elbo", "rate") if k in last.estimates]
        where = ", ".join([f"epoch {last.epoch}", *numbers, last.regime.label])
        return f"{where}: {' '.join(last.verdict)}"

    def frame(self) -> "pd.DataFrame":
        """The history as a table, one row an epoch; see ``genprobe.frame``.

        Raises:
            GenprobeError: if pandas is not installed.
        """
        return frame(self.history)


def require_encoder(model: Model) -> None:
    """Check that a model can be evaluated often.

    Raises:
        ModelError: if it has no encoder.
    """
    if not model.encodes:
        raise ModelError(
            f"{model.name} has no encoder: −log p(x) takes as long as many epochs, and there is "
            "nothing else to watch.",
            "Evaluate it once it is trained: genprobe.evaluate(model, data).",
        )


def placement_of(model: Model) -> dict[str, Any]:
    """The device and the dtype at which a model is evaluated without being moved."""
    weights = [] if model.module is None else list(model.module.parameters())
    if not weights:
        return {"device": "cpu"}
    double = weights[0].dtype == torch.float64
    return {"device": str(weights[0].device), "dtype": "float64" if double else "float32"}


@contextlib.contextmanager
def preserve_random_states() -> Iterator[None]:
    """Put back every random state that training draws from: Python's, numpy's and torch's."""
    python, arrays = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(arrays)
