import dataclasses
import itertools
import math
from pathlib import Path

import pytest
from matplotlib.text import Text

import genprobe
from genprobe.analysis.regimes import DEFAULT_CUTS
from genprobe.comparing.compare import compare
from genprobe.comparing.difference import Difference
from genprobe.plugins import plugins
from genprobe.report.labels import LabelDimension, LabelReport, Leak
from genprobe.runs.sweep import Sweep
from genprobe.types import Dimension, Estimate, Notice, Regime, Report

NOTICE = Notice(code="saturated", message="I(n;z) is near log N.", remedy="Use more examples.")


BETAS = (0.5, 1.0, 2.0)
SIDES = {
    "training": [(8.0, 60.0), (5.0, 62.0), (2.0, 66.5)],
    "held-out": [(8.1, 62.0), (5.0, 63.0), (2.0, 67.0)],
}


def estimate(name, value, se=0.0, se_data=0.25, kind="estimate", unit="nats", n=1000):
    return Estimate(name=name, value=value, se=se, se_data=se_data, kind=kind, unit=unit, n=n)


def dimension(index, rate):
    return Dimension(
        index=index, rate=rate, rate_se_data=0.01, mean_variance=0.5 * rate, active=rate > 0.1
    )


def regime(label="semantic-encoder", probability=1.0, alternatives=(), reasons=("D/Ĥ = 0.7",)):
    return Regime(
        label=label,
        probability=probability,
        alternatives=alternatives,
        by_position=label,
        by_slope=None,
        entropy=90.0,
        entropy_source="this model's R + D",
        reasons=reasons,
    )


@pytest.fixture
def make_report():
    """A report of known numbers: R 20, D 70, I(n;z) 6 over 4 × 5 binary values."""

    def make(latent=3, shift=0.0, **changes):
        estimates = [
            estimate("rate", 20.0 + shift),
            estimate("distortion", 70.0, se=0.5),
            estimate("elbo", -90.0 - shift, se=0.5),
            estimate("mutual_information", 6.0, se=0.125),
            estimate("log_n", math.log(1000), se_data=0.0, kind="exact"),
            estimate("marginal_kl_floor", 0.0, kind="lower"),
            estimate("active_units", 2, se_data=None, kind="exact", unit="count"),
        ]
        content = {
            "model": "vae",
            "dataset": "digits",
            "n": 1000,
            "estimates": {e.name: e for e in estimates},
            "dimensions": tuple(dimension(i, 1.0 / (i + 1)) for i in range(latent)),
            "regime": regime(),
            "warnings": [NOTICE],
            "provenance": {"draws": 4, "binarize": "threshold", "event_shape": [4, 5]},
        }
        made = Report(**(content | changes))
        facts = {"regime_cuts": dataclasses.asdict(DEFAULT_CUTS), **made.provenance}
        return dataclasses.replace(made, provenance=facts)

    return make


@pytest.fixture
def told_apart(make_report):
    """A report with two estimates of a plugin, which says what their rows are."""

    @genprobe.estimator(
        label="told | apart", heading="apart", section="The code", better="larger", unit="examples"
    )
    def told_apart(n):
        """Examples <told> apart."""

    @genprobe.estimator(section="Retrieval")
    def hits(n): ...

    class Provider:
        @genprobe.hookimpl
        def genprobe_estimators(self):
            return {"told_apart": told_apart, "hits": hits}

    name = plugins().manager.register(Provider(), "provider")
    known = make_report().estimates
    mine = {"told_apart": estimate("told_apart", 7.5, unit="examples"), "hits": estimate("hits", 1)}
    yield make_report(estimates={**mine, **known})
    plugins().manager.unregister(name=name)


@pytest.fixture
def make_model(make_report):
    """A report of given R and D, and of what else the plane shows."""

    def make(
        name,
        rate,
        distortion=None,
        *,
        slope=None,
        errors=(0.2, 0.5, 0.45),
        information=None,
        upper=None,
        entropy=90.0,
        label="semantic-encoder",
        **changes,
    ):
        known = [estimate("rate", rate, se_data=errors[0]), estimate("log_n", 6.9, kind="exact")]
        if distortion is not None:
            known.append(estimate("distortion", distortion, se_data=errors[1]))
            known.append(estimate("elbo", -rate - distortion, se_data=errors[2]))
        if slope is not None:
            known.append(estimate("slope", slope, unit="nats/nat"))
        if information is not None:
            known.append(estimate("mutual_information", information))
        if upper is not None:
            bound = "mutual_information_population_upper"
            known.append(estimate(bound, upper, kind="upper"))
        placed = dataclasses.replace(regime(label), entropy=entropy)
        if entropy is None:
            placed = dataclasses.replace(placed, entropy_source=None, by_position=None)
        content = {"model": name, "regime": placed, "estimates": {e.name: e for e in known}}
        return make_report(**(content | changes))

    return make


@pytest.fixture
def curve(make_model):
    """Models along an exponential curve, each with the slope of the curve at its rate."""

    def make(count, noise=0.0, entropy=None):
        rates = [40 * i / count for i in range(count)]
        heights = [16 + 62 * math.exp(-rate / 11) for rate in rates]
        off = [noise * (i * 7 % 5) for i in range(count)]
        least = min(a + b + c for a, b, c in zip(rates, heights, off, strict=True))
        return [
            make_model(
                f"vae-{i}",
                rate,
                height + extra,
                slope=62 / 11 * math.exp(-rate / 11),
                information=min(0.9 * rate, 6.9),
                upper=0.95 * rate,
                entropy=entropy or least,
            )
            for i, (rate, height, extra) in enumerate(zip(rates, heights, off, strict=True))
        ]

    return make


@pytest.fixture
def make_estimate():
    return estimate


@pytest.fixture
def make_regime():
    return regime


@pytest.fixture
def make_dimension():
    return dimension


@pytest.fixture
def make_label():
    def make(name="kind", told=(0.1, 0.6, 0.3), information=0.5):
        """Of three classes, by what each dimension tells of it."""
        means = ((0.0, 1.0, 2.0), (0.0, 4.0, None), (0.0, 2.0, 1.0))
        dimensions = [
            LabelDimension(
                index=j,
                information=estimate("label_information_index", value),
                leave_one_out=estimate("label_information", value / 2),
                class_means=means[j],
            )
            for j, value in enumerate(told)
        ]
        return LabelReport(
            name=name,
            classes=("a", "<b>", "c"),
            n=90,
            missing=10,
            estimates={
                "label_entropy": estimate("label_entropy", 1.2),
                "label_information": estimate("label_information", information, kind="lower"),
            },
            dimensions=tuple(dimensions),
            informative=(1, 2),
            candidate="linear discriminant",
            accuracy=0.8,
            saturated=True,
            leak=Leak(lower=0.4, upper=0.6, p_value=0.01, permutations=99, power=0.1),
        )

    return make


@pytest.fixture
def make_told(make_model):
    """Models whose paired differences of ELBO from the best one are so many standard errors."""

    def make(*errors, names="abcdefgh"):
        models = [make_model(name, 10.0 + 2 * i, 60.0) for i, name in enumerate(names)]
        comparison = compare(models[: len(errors) + 1])
        best, *others = comparison.names
        known = {"second": best, "name": "elbo", "se": 0.0, "se_data": 1.0, "n": 9, "paired": True}
        told = [
            Difference(first=name, value=-z, **known)
            for name, z in zip(others, errors, strict=True)
        ]
        return dataclasses.replace(comparison, differences=tuple(told))

    return make


@pytest.fixture
def make_sweep(make_model):
    """A sweep of given β and of the (R, D) of every model on each side."""

    def make(sides=SIDES, betas=BETAS):
        reports = {
            side: tuple(
                make_model(
                    f"beta-{beta}",
                    *at,
                    information=0.75 * at[0],
                    dataset="a & b <c>",
                    n=100,
                    provenance={"event_shape": [10]},
                    label="semantic-encoder" if at[0] > 4 else "semantic-decoder",
                )
                for beta, at in zip(betas, points, strict=True)
            )
            for side, points in sides.items()
        }
        return Sweep(
            betas=betas,
            training=reports["training"],
            held_out=reports.get("held-out", ()),
            folder=Path(),
        )

    return make


@pytest.fixture
def written(monkeypatch):
    """The size of every text drawn on a figure, and its box where it is drawn, without leaders."""

    def collect(figure):
        found = []
        draw = Text.draw

        def note(text, *arguments):
            draw(text, *arguments)
            if text.get_visible() and text.get_text().strip():
                found.append((text.get_text(), text.get_fontsize(), Text.get_window_extent(text)))

        with monkeypatch.context() as patch:
            patch.setattr(Text, "draw", note)
            figure.draw_without_rendering()
        return found

    return collect


@pytest.fixture
def assert_legible(written):
    """Every text of a figure is large enough, inside the page, and over no other."""

    def check(figure):
        shown = written(figure)
        assert min(size for _, size, _ in shown) >= 6
        page = figure.bbox.padded(1)
        outside = [t for t, _, box in shown if not all(page.contains(*p) for p in box.corners())]
        covered = [
            (one, other)
            for (one, _, box), (other, _, place) in itertools.combinations(shown, 2)
            if box.padded(-1).overlaps(place.padded(-1))
        ]
        assert (outside, covered) == ([], [])

    return check
