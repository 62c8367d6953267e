"""Set a β sweep on MNIST beside published numbers: ``python -m validation.reproduction``.

Needs MNIST's four IDX files under GENPROBE_DATA_DIR. Writes docs/reproduction.md and its figure.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
import torch
from jinja2 import Environment, FileSystemLoader, StrictUndefined

import genprobe
from genprobe.architectures.mlp_vae import MlpVae
from genprobe.comparing.curve import Condition, CurveTest
from genprobe.render.figure.curve import save_curve
from genprobe.render.text.rows import number, short_verdict
from genprobe.runs.betas import parse_betas
from genprobe.runs.sweep import Sweep
from genprobe.runs.sweep_point import one_thread
from genprobe.runs.train import fit
from genprobe.runtime.progress import progress_display
from genprobe.types import Estimate, Report
from validation.page import Line, Section, table

GRID = "0.25:4:log5"
DATA = "mnist/train-images-idx3-ubyte.gz"
HELD_OUT = "mnist/t10k-images-idx3-ubyte.gz"
FIRST_EPOCHS, EPOCHS = 40, 80
BATCH = 128
NETWORK = {"latent": 10, "hidden": (500, 500), "activation": "softplus", "learning_rate": 2e-3}
COMMAND = f"""genprobe sweep --data {DATA} --held-out {HELD_OUT} \\
    --binarize stochastic --betas {GRID} --latent 10 --hidden 500,500 --activation softplus \\
    --learning-rate 2e-3 --first-epochs {FIRST_EPOCHS} --epochs {EPOCHS} --jobs 2 --out mnist"""
PUBLISHED = {
    "elbo": -88.95,
    "rate": 19.17,
    "distortion": 69.78,
    "mutual_information": 10.82,
    "marginal_kl": 8.35,
    "marginal_kl_floor": 8.17,
}
"""Hoffman & Johnson (2016), Table 1, 10 latents. D and the floor follow from the others."""
ROWS = {
    "elbo": "ELBO",
    "rate": "R, average KL",
    "distortion": "D",
    "mutual_information": "I(n;z)",
    "marginal_kl": "marginal KL",
    "marginal_kl_floor": "its floor R − log N",
}

MADE = {
    "none": "grey values, no probabilities",
    "threshold": "1 where above ½",
    "stochastic": "one draw from the grey values",
}
"""What the images can be made of."""


@dataclass(frozen=True, kw_only=True)
class Others:
    """What the sweep's model of β = 1 is set beside.

    Attributes:
        fresh: the same trained on fresh draws, by what the images it is evaluated on are made of.
        unseen: that model on the held-out images.
        nothing: one trained on fresh draws from nothing, on the sweep's training images.
    """

    fresh: Mapping[str, Report]
    unseen: Report
    nothing: Report


def make(folder: Path, jobs: int) -> Sweep:
    """The sweep, or what of it the folder lacks."""
    return genprobe.sweep(
        DATA,
        parse_betas(GRID),
        folder=folder,
        held_out=HELD_OUT,
        binarize="stochastic",
        first_epochs=FIRST_EPOCHS,
        epochs=EPOCHS,
        jobs=jobs,
        progress=True,
        **NETWORK,
    )


def timed_sweep(folder: Path, jobs: int) -> tuple[Sweep, float | None]:
    """The sweep, and the minutes that it took; None if it went on from a run that was stopped.

    A folder that was finished in one go keeps how long that took.
    """
    kept, new = folder / "minutes", not folder.exists()
    begin = time.monotonic()
    sweep = make(folder, jobs)
    if new:
        kept.write_text(str((time.monotonic() - begin) / 60), encoding="utf-8")
    return sweep, float(kept.read_text(encoding="utf-8")) if kept.exists() else None


def on_fresh_draws(folder: Path, name: str, start: Callable[[], MlpVae]) -> Path:
    """The bundle of a model of β = 1 whose training images were binarised anew for each epoch.

    Args:
        folder: where it is kept, and trained only if it is not there.
        name: of the bundle.
        start: gives the network to go on from.
    """
    path = folder / f"{name}.pt"
    if not path.exists():
        grey = genprobe.open_dataset(DATA)
        images = partial(torch.bernoulli, grey.read(0, grey.n).float())
        torch.manual_seed(0)
        with one_thread(), progress_display(True) as shown:
            module = start().train()
            fit(module, images, 1.0, EPOCHS, BATCH, NETWORK["learning_rate"], shown)
        genprobe.save(module.eval().as_model(name, {}), path)
    return path


def first_network(folder: Path) -> MlpVae:
    """The network that every model of the sweep went on from."""
    module = genprobe.load(folder / "first.pt").module
    assert isinstance(module, MlpVae)
    return module


def evaluated(path: Path, data: str, mode: str) -> Report:
    """A model on images that were made so."""
    return genprobe.evaluate(path, data, binarize=mode, progress=True)


def epoch_seconds() -> float:
    """Processor time of one epoch: the best of three."""
    dataset = genprobe.open_dataset(DATA, binarize="stochastic")
    return min(timed(dataset) for _ in range(3))


def timed(dataset: genprobe.Dataset) -> float:
    """Processor time of one epoch."""
    begin = time.process_time()
    genprobe.train(dataset, epochs=1, **NETWORK)
    return time.process_time() - begin


def two(value: float, sign: str = "") -> str:
    """A number with two decimals and a proper minus."""
    return f"{value:{sign}.2f}".replace("-", "−")


def measured(estimate: Estimate) -> str:
    """An estimate with its Monte Carlo error, or where it has none as it is."""
    return number(estimate.value) + (f" ± {number(estimate.se)}" if estimate.se else "")


def at_one(sweep: Sweep) -> Report:
    """The model of β = 1 on its training data."""
    return sweep.training[sweep.betas.index(1.0)]


def beside_hoffman_johnson(models: Sequence[Report]) -> Iterator[Line]:
    """The published row, and some models on the same examples."""
    for name, published in PUBLISHED.items():
        yield ROWS[name], two(published), *(measured(report[name]) for report in models)
    gap = PUBLISHED["marginal_kl"] - PUBLISHED["marginal_kl_floor"]
    yield "marginal KL above its floor", two(gap), *(two(above_floor(r)) for r in models)
    yield "active units", "", *(f"{r['active_units'].value:g} of 10" for r in models)


def by_binarisation(fresh: Mapping[str, Report]) -> Iterator[Line]:
    """One model on the same images, by what is made of their grey values."""
    for mode, report in fresh.items():
        names = ("elbo", "rate", "distortion", "mutual_information", "marginal_kl")
        yield MADE[mode], *(number(report[name].value) for name in names)


def above_floor(report: Report) -> float:
    """How far the marginal KL is above what N forces on it: log N − I(n;z)."""
    return report["marginal_kl"].value - report["marginal_kl_floor"].value


def curve(sweep: Sweep) -> Iterator[Line]:
    """Every model on its training data."""
    test = sweep.curve_test("training")
    chords = {chord.betas: f"{chord.slope:.3f} ± {chord.se:.3f}" for chord in test.chords}
    neighbours = [None, *zip(sweep.betas, sweep.betas[1:], strict=False), None]
    for i, (beta, report) in enumerate(zip(sweep.betas, sweep.training, strict=True)):
        yield (
            f"{beta:g}",
            *(number(report[name].value) for name in ("rate", "distortion", "elbo")),
            chords.get(neighbours[i], "") if neighbours[i] else "",
            measured_slope(report),
            chords.get(neighbours[i + 1], "") if neighbours[i + 1] else "",
            short_verdict(report),
        )


def measured_slope(report: Report) -> str:
    """The operating slope and its error over the data."""
    if "slope" not in report.estimates:
        return "–"
    return f"{report['slope'].value:.3f} ± {report['slope'].se_data or 0:.3f}"


def parts(sweep: Sweep) -> Iterator[Line]:
    """Where each nat of the rate goes."""
    names = (
        "rate",
        "mutual_information",
        "marginal_kl",
        "marginal_kl_floor",
        "marginal_kl_population_lower",
        "marginal_kl_population_upper",
    )
    for beta, report in zip(sweep.betas, sweep.training, strict=True):
        numbers = (number(report[name].value) for name in names)
        yield f"{beta:g}", *numbers, f"{report['active_units'].value:g}"


def generalisation(sweep: Sweep) -> Iterator[Line]:
    """The two sides of every model."""
    for beta, seen, unseen in zip(sweep.betas, sweep.training, sweep.held_out, strict=True):
        yield (
            f"{beta:g}",
            *(number(r[name].value) for name in ("rate", "distortion") for r in (seen, unseen)),
            number(seen["elbo"].value - unseen["elbo"].value),
        )


def statements(sweep: Sweep) -> Iterator[Line]:
    """What the paper says of such a curve, and what was found."""
    test = sweep.curve_test("training")
    rate = [report["rate"].value for report in sweep.training]
    elbo = [report["elbo"].value for report in sweep.training]
    best = elbo.index(max(elbo))
    within = sum(low < chord.slope < high for chord in test.chords for low, high in [chord.betas])
    off = max(
        abs(report["slope"].value / beta - 1)
        for beta, report in zip(sweep.betas, sweep.training, strict=True)
    )
    beside = [i for i, beta in enumerate(sweep.betas) if beta in (0.5, 2.0)]
    yield "R falls and D rises with β", verdict(test, "rate falls", "distortion rises")
    yield "the curve is convex", verdict(test, "convex")
    yield "each model does best at its own β", verdict(test, "best at its β")
    yield (
        "the slope of the curve at a model is −β",
        f"{within} of {len(test.chords)} chords have their slope between the two β of their "
        f"ends; the models' own slopes are off by {off:.1%} at most",
    )
    yield (
        "I ≤ R",
        f"R − I(n;z) is {min(r['marginal_kl'].value for r in sweep.training):.2f} nats at least",
    )
    yield "β = 1 has the best ELBO", f"the best is that of β = {sweep.betas[best]:g}"
    yield (
        "models of nearly one ELBO can have very different rates",
        f"from β = 0.5 to 2 the rate falls from {rate[beside[0]]:.1f} to {rate[beside[-1]]:.1f} "
        f"nats; the ELBO is {two(elbo[beside[0]])} at one end and "
        f"{two(elbo[beside[-1]])} at the other",
    )


def held_out_shape(sweep: Sweep) -> str:
    """Whether the curve of the held-out data falls and bends too."""
    return verdict(sweep.curve_test("held-out"), "rate falls", "distortion rises", "convex")


def verdict(test: CurveTest, *conditions: str) -> str:
    """Whether conditions hold, and which is closest to not holding."""
    asked = [condition for condition in test.conditions if condition.name in conditions]
    broken = sum(condition.broken for condition in asked)
    closest: Condition = min(asked, key=lambda condition: condition.z)
    found = "holds" if not broken else f"broken {broken} times of {len(asked)}"
    return f"{found}; the closest by {number(closest.value)} ± {number(closest.se)} nats"


def sections(sweep: Sweep, others: Others) -> dict[str, Section]:
    """The tables of the page, by their names in its template."""
    n = at_one(sweep).n
    drawn = others.fresh["stochastic"]
    return {
        "hoffman_johnson": Section(
            "Beside Hoffman & Johnson (2016), Table 1",
            f"The model of β = 1 on its {n} training examples; one trained like it, on grey values "
            "binarised anew for each epoch; and one trained so from nothing, not from the sweep's "
            "first model. All are evaluated on the same examples. ± is the Monte Carlo error; with "
            "one draw an example that of D and ELBO contains the spread over examples.",
            "quantity|published|sweep, β = 1|fresh draws|fresh draws, from nothing",
            partial(beside_hoffman_johnson, (at_one(sweep), drawn, others.nothing)),
        ),
        "binarisation": Section(
            "What the images are made of",
            f"The model trained on fresh draws, on the {n} training images: what D is of decides "
            "the ELBO, and hardly R.",
            "evaluated on|ELBO|R|D|I(n;z)|marginal KL",
            partial(by_binarisation, others.fresh),
        ),
        "curve": Section(
            "The curve",
            "On the training data. The slope of the model itself comes from widening its "
            "posteriors; those of the chords to its neighbours from the points alone, with errors "
            "of paired differences. A model that is trained out has β between its two chords and "
            "at its own slope.",
            "β|R|D|ELBO|chord from the left|slope|chord to the right|regime",
            partial(curve, sweep),
        ),
        "parts": Section(
            "Where each nat of the rate goes",
            f"log N = {at_one(sweep)['log_n'].value:.2f} caps I(n;z): of rate beyond it {n} "
            "examples cannot say whether it is information or mismatch. Two columns bracket the "
            "marginal KL of the population they come from.",
            "β|R|I(n;z)|marginal KL|floor|population, lower|population, upper|active units",
            partial(parts, sweep),
        ),
        "generalisation": Section(
            "Training and held-out data",
            "What the model of each β has learned of these examples alone. Held-out curves are "
            "bound by nothing: where a small β lets a model learn its examples by heart, the gap "
            "widens.",
            "β|R, training|R, held out|D, training|D, held out|gap in ELBO",
            partial(generalisation, sweep),
        ),
        "alemi": Section(
            "Beside Alemi et al. (2018)",
            "What “Fixing a Broken ELBO” says of the models that minimise D + βR.",
            "statement|found",
            partial(statements, sweep),
        ),
    }


def page(sweep: Sweep, others: Others, figure: str, minutes: float | None) -> str:
    """The page as Markdown.

    Args:
        sweep: of all models.
        others: what its model of β = 1 is set beside.
        figure: its file beside the page.
        minutes: that the command took; None if it went on from an earlier run.
    """
    folder = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=folder, undefined=StrictUndefined, keep_trailing_newline=True)
    one = at_one(sweep)
    template = environment.get_template("reproduction.md.j2")
    return template.render(
        **{name: table(section) for name, section in sections(sweep, others).items()},
        command=COMMAND,
        figure=figure,
        sweep=sweep,
        one=one,
        others=others,
        drawn=others.fresh["stochastic"],
        slope=measured_slope(one),
        held_out_shape=held_out_shape(sweep),
        two=two,
        held_out=sweep.held_out[sweep.betas.index(1.0)],
        last=sweep.betas[-1],
        bound=sweep.comparison("training").entropy,
        published=PUBLISHED,
        above_floor=above_floor(one),
        published_above_floor=PUBLISHED["marginal_kl"] - PUBLISHED["marginal_kl_floor"],
        epochs=FIRST_EPOCHS + EPOCHS * len(sweep.betas),
        epochs_of_one=FIRST_EPOCHS + EPOCHS,
        seconds=epoch_seconds(),
        minutes=minutes,
    )


@click.command()
@click.option("--folder", type=click.Path(path_type=Path), default=Path("build/reproduction"))
@click.option("--jobs", type=int, default=2, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path("docs/reproduction.md"))
def main(folder: Path, jobs: int, out: Path) -> None:
    """Write the page and its figure; what the folder has is not trained again."""
    sweep, minutes = timed_sweep(folder, jobs)
    figure = out.with_suffix(".svg")
    save_curve(sweep, figure)
    fresh = on_fresh_draws(folder, "fresh", partial(first_network, folder))
    nothing = on_fresh_draws(folder, "nothing", lambda: MlpVae(**first_network(folder).config))
    others = Others(
        fresh={mode: evaluated(fresh, DATA, mode) for mode in MADE},
        unseen=evaluated(fresh, HELD_OUT, "stochastic"),
        nothing=evaluated(nothing, DATA, "stochastic"),
    )
    text = page(sweep, others, figure.name, minutes)
    out.write_text(text.rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
