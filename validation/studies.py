"""What is measured besides coverage: regimes, comparisons, and the number of queries."""

import math
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor

import genprobe
from genprobe.analysis.regimes import Point, label
from genprobe.plugins import plugins
from genprobe.report import Report
from genprobe.runtime.seeds import derived_seed, generator
from genprobe.self_check.case import LARGEST, Subject
from genprobe.self_check.codes import params_of, plane_codes
from genprobe.self_check.exact import cube_truths, line_population
from genprobe.self_check.models import cube, line
from genprobe.types import Model
from validation.audit import Study
from validation.results import Row

TOLERANCE = 0.01
BITS = 8


def evaluated(subject: Subject, seed: int, names: tuple[str, ...], **options: Any) -> Report:
    """The report of a subject with these estimates alone."""
    estimators = {name: plugins().get("estimators", name) for name in names}
    return genprobe.evaluate(
        subject.model, subject.data, device="cpu", seed=seed, estimators=estimators, **options
    )


def uniform(seed: int, low: float, high: float) -> float:
    """A number between two, of a seed."""
    random = generator(seed, "validation", "uniform")
    return low + (high - low) * float(torch.rand((), generator=random, dtype=torch.float64))


def labelled(report: Report, point: Point) -> Row:
    """The regime that a report states, how surely, and that of the population."""
    regime = report.regime
    return {
        "label": regime.label,
        "probability": regime.probability,
        "truth": label(point)[0],
    }


def by_slope(seed: int, n: int) -> Row:
    """A regime by the slope alone, the population's from 0.4 to 2.5, around the knee."""
    beta = math.exp(uniform(seed, -0.9, 0.9))
    rate = line_population(beta)["rate"].value
    report = evaluated(line(seed + 1, n=n, beta=beta), seed, ("rate", "distortion", "slope"))
    return labelled(report, Point(rate=rate, slope=beta))


def by_position(seed: int, n: int) -> Row:
    """A regime by position, D/Ĥ of the population from 0.3 to 0.7."""
    a = uniform(seed, 0.5, 0.95)
    truths, entropy = cube_truths(BITS, a, 0.7, n), BITS * math.log(2)
    subject = cube(seed + 1, d=BITS, a=a, s=0.7, n=n)
    report = evaluated(subject, seed, ("rate", "distortion"), entropy=entropy)
    point = Point(rate=truths["rate"].value, distortion=truths["distortion"].value, entropy=entropy)
    return labelled(report, point)


def by_rate(seed: int, n: int) -> Row:
    """Whether codes are collapsed, the population's rate from half the cut to one and a half."""
    rate = uniform(seed, 0.05, 0.15)
    subject = plane_codes(seed + 1, n=n, gain=math.sqrt(rate), scale=1.0)
    return labelled(evaluated(subject, seed, ("rate",)), Point(rate=rate))


def halves(tails: str, n: int, seed: int) -> tuple[Tensor, Model, Model]:
    """Data of two coordinates alike, and two models that code one each: equal in the population.

    Args:
        tails: ``normal``, or ``heavy`` for Student-t data of three degrees of freedom.
        n: number of examples.
        seed: of them.
    """
    random = generator(seed, "validation", "halves", tails)
    x = torch.randn(n, 2, generator=random)
    if tails == "heavy":
        x = x / torch.randn(n, 2, 3, generator=random).square().mean(2).sqrt() / math.sqrt(3)
    return x, half(0), half(1)


def half(side: int) -> Model:
    """A model that codes one coordinate of two."""
    shown = torch.tensor([1.2 * (side == 0), 1.2 * (side == 1)])
    return Model(
        name=f"codes coordinate {side}",
        encode=lambda x: {
            "loc": 0.7 * x[:, side : side + 1],
            "scale": torch.full_like(x[:, :1], 0.6),
        },
        decode=lambda z: {"loc": z * shown, "scale": torch.tensor(0.7)},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="normal",
    )


def compared(seed: int, n: int, tails: str, draws: int) -> Row:
    """Differences of two models that differ in nothing, and whether they were said to hold."""
    x, *models = halves(tails, n, seed)
    names = ("rate", "distortion", "elbo")
    reports = [
        evaluated(Subject(model=model, data=x), seed, names, draws=draws) for model in models
    ]
    found = genprobe.compare(reports, against=models[0].name)
    return {"n": n, "differences": {d.name: [d.value, d.se_data, d.z] for d in found.differences}}


QUERIED: Mapping[str, Callable[[], Subject]] = {
    "hypercube": partial(cube, 0, d=10, a=0.8, s=0.6),
    "plane": partial(plane_codes, 0, n=200),
    "ring": partial(plane_codes, 0, n=200, shape="ring", scale=0.1),
    "eight-dimensions": partial(plane_codes, 0, n=1000, k=8, scale=0.4),
}


@cache
def queried(name: str) -> tuple[Subject, Tensor, Tensor, int, int]:
    """A subject, its locations and scales, and the queries needed by either estimator."""
    subject = QUERIED[name]()
    if subject.model.recorded is None:
        params = {k: v.double() for k, v in subject.model.encode(subject.data).items()}
    else:
        params = dict(params_of(subject))
    facts = evaluated(subject, 0, ("mutual_information",), tolerance=TOLERANCE).provenance
    needed, plain = facts["queries_needed"], facts["plain_queries"]
    return subject, params["loc"], params["scale"], needed, plain


def queries(seed: int, name: str) -> Row:
    """I(n;z) from as many queries as are said to be needed, by genprobe and by the plain way."""
    subject, loc, scale, needed, plain = queried(name)
    own = derived_seed(seed, "validation", "queries", name) % LARGEST
    report = evaluated(
        subject, own, ("mutual_information",), tolerance=1e-9, max_queries=max(2, needed)
    )
    return {
        "value": report["mutual_information"].value,
        "stated": report["mutual_information"].se,
        "queries": report.provenance["queries"],
        "needed": needed,
        "plain": paired(loc, scale, plain, own),
        "plain_queries": plain,
    }


def paired(loc: Tensor, scale: Tensor, count: int, seed: int) -> float:
    """The plain paired estimator: the mean of log q(z|x_n) − log q(z) at independent draws."""
    random = generator(seed, "plain")
    chosen = torch.randint(len(loc), (count,), generator=random)
    noise = torch.randn(count, loc.shape[1], generator=random, dtype=torch.float64)
    z, width, total = loc[chosen] + scale[chosen] * noise, scale[0, 0], 0.0
    for part, own in zip(z.split(4096), noise.split(4096), strict=True):
        pairs = -torch.cdist(part / width, loc / width).square() / 2
        log_q = pairs.logsumexp(1) - math.log(len(loc))
        total += float((-own.square().sum(1) / 2 - log_q).sum())
    return total / count


def studies() -> Iterator[Study]:
    """Every study."""
    for n in (40, 200):
        yield Study(name=f"regime-slope-{n}", run=partial(by_slope, n=n), seeds=2.0)
        yield Study(name=f"regime-position-{n}", run=partial(by_position, n=n), seeds=2.0)
        yield Study(name=f"regime-collapsed-{n}", run=partial(by_rate, n=n), seeds=2.0)
    for n in (5, 10, 30, 100):
        yield Study(
            name=f"null-{n}", run=partial(compared, n=n, tails="normal", draws=1), seeds=4.0
        )
    for n in (10, 100):
        yield Study(name=f"null-heavy-{n}", run=partial(compared, n=n, tails="heavy", draws=4))
    for name in QUERIED:
        yield Study(name=f"queries-{name}", run=partial(queries, name=name))
