"""Genprobe on the mutual information benchmark of Czyż et al. (2023), the package benchmark-mi.

A task is a joint distribution of X and Y with known I(X;Y), and a sampler. Genprobe takes X as the
data and Y as the code, with the exact q(z|x) = p(y|x). Of the 40 tasks, 27 have one that genprobe
knows: (X, Y) is a joint normal,

    q(z|x) = N(μ_Y + Σ_YX Σ_XX⁻¹ (x − μ_X), Σ_YY − Σ_YX Σ_XX⁻¹ Σ_XY),   all μ = 0,

or it is f(X), g(Y) of one with invertible f and g. I(f(X); g(Y)) = I(f(X); Y), so there the data
are f(x), the code is Y before g, and q(z|f(x)) is the same normal at x = f⁻¹(f(x)).
"""

import importlib.util
import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import numpy as np
import torch
from torch import Tensor

import genprobe
from genprobe import Estimate
from validation.page import Line, Section

NORMAL = ("multinormal-", "1v1-normal-")
"""How the names of tasks begin that are a joint normal themselves."""

SIZE, SMALL = 10_000, 1000
PACKAGE = "bmi"
COMPARED = (
    "1v1-normal-0.75",
    "swissroll_x-normal_cdf-1v1-normal-0.75",
    "multinormal-dense-25-25-0.5",
    "multinormal-dense-50-50-0.5",
    "multinormal-sparse-5-5-2-2.0",
    "half_cube-multinormal-sparse-25-25-2-2.0",
    "spiral-multinormal-sparse-25-25-2-2.0",
    "multinormal-sparse-25-25-25-2.0",
)
"""The tasks on which the package's slow estimators are run, a minute and a half each."""

ENDS = ("mutual_information", "mutual_information_population_upper")
HEADING = "Benchmark of mutual information estimators (Czyż et al. 2023)"
COLUMNS = "task|N|I(X;Z)|I(n;z)|upper end|inside|CCA|KSG|MINE|InfoNCE"
NOTE = """\
Tasks, samplers and the true I(X;Z) are those of the PyPI package benchmark-mi 0.1.3. The code z is
the task's y and q(z|x) the exact p(y|x), a normal with a mean linear in x and a constant full
covariance; the prior is N(0, I). Of the 40 tasks these are the 27 that are a joint normal, or
one-to-one functions f(x) and g(y) of one. There genprobe is given f(x), undoes f, and the code is
the y before g: I is the same, for each variable is transformed by itself. Left out are 11 tasks
whose p(y|x) is a Student t, a family that genprobe does not have, and 2 with uniform noise, whose
boxes it refuses. Four lines follow: two tasks with fewer examples, and two sparse normals of the
package with more information, the last with more than log N = 9.21, which no I(n;z) exceeds.

*Inside* says whether the truth lies between I(n;z) and the upper end, each widened by 1.96 of its
standard error over the data (±), because both ends hold in expectation. Every line has a seed of
its own. In tasks without correlations among the y, N(0, I) is the very marginal of the code, and
the rate is as good an upper end as there can be; in the dense ones it is not.

Genprobe knows q(z|x), and the estimators beside it do not: they see the pairs of the same sample,
and are the package's own with its settings (KSG with 10 neighbours); – is not run, for time. CCA
takes everything to be normal. The paper shows its estimates in a figure and its repository holds no
files of them, so no published number is repeated here."""

Array = np.ndarray[Any, Any]
Parameters = Mapping[str, Any]
Inverse = Callable[[Tensor, Parameters], Tensor]


def joint_covariance(params: Parameters, dim_x: int, dim_y: int) -> Tensor:
    """Covariance (dim_x + dim_y, dim_x + dim_y) of the joint normal behind a task, float64.

    Example:
        >>> joint_covariance({"gaussian_correlation": 0.75}, 1, 1)
        tensor([[1.0000, 0.7500],
                [0.7500, 1.0000]], dtype=torch.float64)
    """
    if "covariance" in params:
        return torch.tensor(params["covariance"], dtype=torch.float64)
    if "gaussian_correlation" in params:
        pairs, correlation = 1, params["gaussian_correlation"]
    else:
        pairs = params["n_interacting"]
        correlation = params["strength"] ** 2 / (1 + params["strength"] ** 2)
    covariance = torch.eye(dim_x + dim_y, dtype=torch.float64)
    pair = torch.arange(pairs)
    covariance[pair, dim_x + pair] = covariance[dim_x + pair, pair] = correlation
    return covariance


def conditional(covariance: Tensor, dim_x: int) -> tuple[Tensor, Tensor]:
    """The normal of y given x: gain A (dim_y, dim_x) and L (dim_y, dim_y), y = A x + L ε.

    Args:
        covariance: of (x, y) jointly.
        dim_x: values of x, which come first.

    Example:
        >>> conditional(torch.tensor([[1.0, 0.5], [0.5, 0.5]]).double(), 1)
        (tensor([[0.5000]], dtype=torch.float64), tensor([[0.5000]], dtype=torch.float64))
    """
    within, across = covariance[:dim_x, :dim_x], covariance[:dim_x, dim_x:]
    gain = torch.linalg.solve(within, across).T
    return gain, torch.linalg.cholesky(covariance[dim_x:, dim_x:] - gain @ across)


def from_normal_cdf(u: Tensor, params: Parameters) -> Tensor:
    """Undo Φ. The sampler is float32, and rounds what is beyond 5.4 deviations to 1."""
    return torch.special.ndtri(u.clamp(2**-25, 1 - 2**-25))


def from_half_cube(u: Tensor, params: Parameters) -> Tensor:
    """Undo x √|x|."""
    return u.sign() * u.abs().pow(2 / 3)


def from_spiral(u: Tensor, params: Parameters) -> Tensor:
    """Undo the rotation of the first two values by the angle speed · |x|², which keeps |x|."""
    speed = params["speed"] / (u.shape[1] if params["normalize_speed"] else 1)
    angle = speed * u.square().sum(1)
    first, second = u[:, 0], u[:, 1]
    turned = (
        angle.cos() * first + angle.sin() * second,
        angle.cos() * second - angle.sin() * first,
    )
    return torch.cat([torch.stack(turned, 1), u[:, 2:]], 1)


def from_swiss_roll(u: Tensor, params: Parameters) -> Tensor:
    """Undo x ↦ t (cos t, sin t) / 21 with t = 3π/2 (1 + 2x)."""
    t = 21 * u.norm(dim=1, keepdim=True)
    return (t / (1.5 * math.pi) - 1) / 2


def from_bimodal(u: Tensor, params: Parameters) -> Tensor:
    """Undo F⁻¹(Φ(x)), with F that of 0.3 N(0, 1) + 0.7 N(5, 1)."""
    return from_normal_cdf(0.3 * torch.special.ndtr(u) + 0.7 * torch.special.ndtr(u - 5), params)


def from_wiggly(u: Tensor, params: Parameters) -> Tensor:
    """Undo x + 0.4 sin x + 0.2 sin(1.7x + 1) + 0.03 sin(3.3x − 2.5), which rises, by bisection."""
    low, high = u - 1, u + 1
    for _ in range(60):
        x = (low + high) / 2
        bend = 0.4 * x.sin() + 0.2 * (1.7 * x + 1).sin() + 0.03 * (3.3 * x - 2.5).sin()
        below = x + bend < u
        low, high = torch.where(below, x, low), torch.where(below, high, x)
    return (low + high) / 2


INVERSES: dict[str, tuple[Inverse, str]] = {
    "normal_cdf-": (from_normal_cdf, ""),
    "half_cube-": (from_half_cube, ""),
    "spiral-": (from_spiral, ""),
    "swissroll_x-": (from_swiss_roll, ""),
    "wiggly-": (from_wiggly, ""),
    "1v1-bimodal-": (from_bimodal, "1v1-normal-"),
}
"""By how a task's name begins: what undoes the outermost f, and how the name then begins."""


def inverses(name: str) -> list[Inverse] | None:
    """What takes a task's f(x) back to the x of a joint normal, in order; None where nothing does.

    Example:
        >>> [step.__name__ for step in inverses("spiral-normal_cdf-multinormal-sparse-3-3-2-2.0")]
        ['from_spiral', 'from_normal_cdf']
        >>> inverses("1v1-normal-0.75"), inverses("asinh-student-identity-3-3-2")
        ([], None)
    """
    for prefix, (inverse, begins) in INVERSES.items():
        if name.startswith(prefix):
            further = inverses(begins + name.removeprefix(prefix))
            return None if further is None else [inverse, *further]
    return [] if name.startswith(NORMAL) else None


def posteriors(name: str, params: Parameters, x: Tensor, dim_y: int) -> dict[str, Tensor]:
    """The exact p(y|x) of a task at its own x (n, dim_x): ``loc`` and ``scale_tril``, float64.

    Raises:
        ValueError: for a task that is not made from a joint normal.

    Example:
        >>> found = posteriors("1v1-normal-0.6", {"gaussian_correlation": 0.6}, torch.ones(2, 1), 1)
        >>> found["loc"].tolist(), found["scale_tril"].shape
        ([[0.6], [0.6]], torch.Size([2, 1, 1]))
    """
    steps = inverses(name)
    if steps is None:
        raise ValueError(f"{name} has no conditional of a family that genprobe knows")
    x = x.double()
    for inverse in steps:
        x = inverse(x, params)
    gain, scale_tril = conditional(joint_covariance(params, x.shape[1], dim_y), x.shape[1])
    return {"loc": x @ gain.T, "scale_tril": scale_tril.expand(len(x), dim_y, dim_y)}


def chosen_tasks(bmi: ModuleType) -> Iterator[tuple[Any, int]]:
    """The tasks of the benchmark that can be used, and the number of examples of each.

    Two are repeated with few examples, and two of its sparse normals are made with much more
    information, the last with more than log N.
    """
    known = bmi.benchmark.BENCHMARK_TASKS
    yield from ((task, SIZE) for name, task in known.items() if inverses(name) is not None)
    yield known["multinormal-sparse-5-5-2-2.0"], SMALL
    yield known["multinormal-dense-25-25-0.5"], SMALL
    for dim in (5, 25):
        name = f"Multinormal {dim} × {dim} (all pairs)"
        make = bmi.benchmark.tasks.task_multinormal_sparse
        yield make(dim, dim, n_interacting=dim, task_name=name), SIZE


def within(low: Estimate, high: Estimate, truth: float) -> bool:
    """Whether the bracket holds the truth, each end widened by 1.96 of its error over the data.

    Example:
        >>> end = dict(name="", se=0.0, se_data=0.1, kind="estimate")
        >>> low, high = Estimate(value=1.0, **end), Estimate(value=2.0, **end)
        >>> within(low, high, 0.9), within(low, high, 2.3)
        (True, False)
    """
    least = low.value - 1.96 * (low.se_data or 0.0)
    return least <= truth <= high.value + 1.96 * (high.se_data or 0.0)


def from_pairs(bmi: ModuleType, task: Any, x: Array, y: Array) -> list[str]:
    """What the package's own estimators say, which see the pairs only; most on some tasks only."""
    cells = [f"{bmi.estimators.CCAMutualInformationEstimator().estimate(x, y):.2f}"]
    slow = (
        bmi.estimators.KSGEnsembleFirstEstimator(neighborhoods=(10,)),
        bmi.estimators.MINEEstimator(verbose=False),
        bmi.estimators.InfoNCEEstimator(verbose=False),
    )
    if task.id not in COMPARED:
        return cells + ["–"] * len(slow)
    return cells + [f"{estimator.estimate(x, y):.2f}" for estimator in slow]


def benchmark_lines() -> Iterator[Line]:
    """Truth, bracket, and what estimators say that do not know q(z|x), for each task."""
    bmi = importlib.import_module(PACKAGE)
    held = []
    for seed, (task, size) in enumerate(chosen_tasks(bmi)):
        x, y = (np.array(sample) for sample in task.sample(size, seed))
        params = posteriors(task.id, task.params, torch.from_numpy(x), task.dim_y)
        report = genprobe.evaluate_posteriors(params, family="full-normal", seed=seed)
        low, high = (report[name] for name in ENDS)
        truth = float(task.mutual_information)
        held.append(within(low, high, truth))
        ends = (f"{end.value:.3f} ± {end.se_data or 0.0:.3f}" for end in (low, high))
        inside = "yes" if held[-1] else "no"
        yield task.name, size, f"{truth:.3f}", *ends, inside, *from_pairs(bmi, task, x, y)
    yield "all", "", "", "", "", f"{sum(held)} of {len(held)}", "", "", "", ""


def benchmark_sections(kept: Path) -> list[Section]:
    """The section of the page; none, and a message, where the package is not installed.

    Args:
        kept: where its lines are kept once they were worked out, which takes some twenty minutes.
    """
    if not kept.is_file() and importlib.util.find_spec(PACKAGE) is None:
        missing = "left out, because benchmark-mi is missing: pip install 'genprobe[validation]'"
        click.echo(f"{HEADING}: {missing}", err=True)
        return []

    def lines() -> Iterator[Line]:
        if not kept.is_file():
            found = json.dumps([list(line) for line in benchmark_lines()], ensure_ascii=False)
            kept.write_text(found, encoding="utf-8")
        yield from map(tuple, json.loads(kept.read_text(encoding="utf-8")))

    return [Section(HEADING, NOTE, COLUMNS, lines)]
