import math

import pytest
import torch
from scipy.stats import norm

from genprobe.analysis.regimes import (
    DEFAULT_CUTS,
    MEANING,
    Cuts,
    Entropy,
    Point,
    label,
    place,
    read_cuts,
    smallest,
)
from genprobe.analysis.replicates import REPLICATES, bootstrap, normal_replicates
from genprobe.errors import GenprobeError
from genprobe.types import Estimate

ENTROPY = 80.2
N = 1000
SHARE_ERROR = 4 * 0.5 / math.sqrt(REPLICATES)
"""Four standard errors of a share of the replicates, at most."""


def nats(name, value, se_data=0.0):
    return Estimate(name=name, value=value, se=0.0, se_data=se_data, kind="estimate")


def at(rate, distortion, rate_error=0.0, distortion_error=0.0, entropy=ENTROPY):
    """The regime of independent normal estimates of R and D."""
    r, d = nats("rate", rate, rate_error), nats("distortion", distortion, distortion_error)
    elbo = nats("elbo", -rate - distortion, math.hypot(rate_error, distortion_error))
    bound = Entropy(value=entropy, source="given")
    return place(r, d, None, bound, normal_replicates(r, d, elbo, bound), None, n=N)


def named(rate, distortion, entropy, margin=0.0, slope=None, cuts=DEFAULT_CUTS):
    """The label at one point."""
    point = Point(rate=rate, margin=margin, distortion=distortion, entropy=entropy, slope=slope)
    return label(point, cuts)[0]


@pytest.mark.parametrize(
    ("rate", "distortion", "name"),
    [
        (0.0004, 80.6, "autodecoder"),
        (6.2, 74.1, "semantic-encoder"),
        (120.3, 8.1, "syntactic-encoder"),
        (156, 4.8, "autoencoder"),
    ],
)
def test_published_exemplars_keep_their_names(rate, distortion, name):
    assert named(rate, distortion, ENTROPY) == name
    regime = at(rate, distortion)
    assert (regime.label, regime.by_position, regime.probability) == (name, name, 1.0)


@pytest.mark.parametrize(
    ("rate", "rate_upper", "distortion", "name"),
    [
        (0.0, 0.8, 80, "autodecoder"),
        (0.0, 1.01, 80, "semantic-decoder"),
        (5.0, 5.0, 95, "semantic-decoder"),
        (5.1, 5.1, 95, "semantic-encoder"),
        (60, 60, 50.1, "semantic-encoder"),
        (60, 60, 50.0, "syntactic-encoder"),
        (60, 60, 8.1, "syntactic-encoder"),
        (60, 60, 8.0, "autoencoder"),
        (60, 60, -1.0, "autoencoder"),
    ],
)
def test_cuts_fall_where_they_are_documented(rate, rate_upper, distortion, name):
    assert name in MEANING
    assert named(rate, distortion, 100.0, margin=rate_upper - rate) == name


def test_a_small_entropy_leaves_a_tenth_of_a_nat_for_a_collapsed_code():
    assert named(0.1, 2.0, 2.0) == "autodecoder"
    assert named(0.101, 2.0, 2.0) == "semantic-encoder"


def test_cuts_can_be_overridden():
    assert named(6.2, 74.1, ENTROPY, cuts=Cuts(semantic_rate=0.08)) == "semantic-decoder"


@pytest.mark.parametrize("z", [-2.0, -1.0, 0.0, 0.5, 1.5])
def test_probability_near_a_cut_of_distortion_is_the_normal_tail(z):
    error = 0.7
    regime = at(60.0, 0.5 * ENTROPY + z * error, distortion_error=error)
    shares = {regime.label: regime.probability, **dict(regime.alternatives)}
    assert shares["semantic-encoder"] == pytest.approx(norm.cdf(z), abs=SHARE_ERROR)
    assert shares["syntactic-encoder"] == pytest.approx(norm.cdf(-z), abs=SHARE_ERROR)
    assert regime.label == max(shares, key=shares.get)


@pytest.mark.parametrize("z", [-1.5, 0.3, 1.0])
def test_probability_near_the_cut_of_rate_is_the_normal_tail(z):
    regime = at(0.05 * ENTROPY + 0.1 * z, 75.0, rate_error=0.1, distortion_error=0.1)
    shares = {regime.label: regime.probability, **dict(regime.alternatives)}
    assert shares["semantic-encoder"] == pytest.approx(norm.cdf(z), abs=SHARE_ERROR)


def test_an_autodecoder_needs_its_upper_limit_below_the_cut():
    cut = 0.01 * ENTROPY
    assert at(cut - 0.4, 80.0, rate_error=0.1).label == "autodecoder"
    assert at(cut - 0.1, 80.0, rate_error=0.1).label == "semantic-decoder"


def test_probabilities_add_up():
    regime = at(4.0, 40.0, rate_error=2.0, distortion_error=5.0)
    assert len(regime.alternatives) >= 2
    assert regime.probability + sum(p for _, p in regime.alternatives) == pytest.approx(1)


def test_without_a_decoder_only_a_collapsed_code_can_be_told():
    entropy = Entropy(value=ENTROPY, source="given")
    assert place(nats("rate", 0.01), None, None, entropy, None, None, n=N).label == "autodecoder"
    lost = place(nats("rate", 5.0), None, None, entropy, None, None, n=N)
    assert (lost.label, lost.by_position) == ("undetermined", None)
    assert "no decoder" in lost.reasons[0]


def test_a_density_has_no_position():
    lost = place(nats("rate", 5.0), nats("distortion", -40.0), None, None, None, None, n=N)
    assert (lost.label, lost.entropy) == ("undetermined", None)
    assert "not a log-probability" in lost.reasons[0]


def test_smallest_bound_wins_with_its_source():
    bounds = [Entropy(value=v, source=s) for v, s in ((3.0, "a"), (2.0, "b"), (4.0, "c"))]
    assert smallest(bounds).source == "b"
    assert smallest([]) is None


@pytest.mark.parametrize(
    ("slope", "name"),
    [
        (0.1, "autoencoder"),
        (0.4, "syntactic-encoder"),
        (0.6, "semantic-encoder"),
        (0.9, "knee"),
        (3, "semantic-decoder"),
    ],
)
def test_where_position_is_undefined_the_slope_alone_places(slope, name):
    found = place(
        nats("rate", 5.0), nats("distortion", -9.0), nats("slope", slope), None, None, None, n=N
    )
    assert (found.label, found.by_slope, found.by_position) == (name, name, None)
    assert "slope alone" in found.reasons[0]


@pytest.mark.parametrize(
    ("slope", "name"),
    [
        (0.799, "semantic-encoder"),
        (0.8, "knee"),
        (0.99, "knee"),
        (1.01, "knee"),
        (1.25, "knee"),
        (1.251, "semantic-decoder"),
    ],
)
def test_within_semantic_the_slope_decides_in_three_bands(slope, name):
    assert named(6.2, 74.1, ENTROPY, slope=slope) == name
    assert named(1.0, 79.0, ENTROPY, slope=slope) == name


def test_an_uncertain_slope_gives_both_labels():
    slope = nats("slope", 1.27, 0.04)
    slopes = 1.27 + 0.04 * torch.randn(REPLICATES, dtype=torch.float64)
    r, d = nats("rate", 6.2), nats("distortion", 74.1)
    bound = Entropy(value=ENTROPY, source="given")
    found = place(
        r, d, slope, bound, normal_replicates(r, d, nats("elbo", -80.3), bound), slopes, n=N
    )
    assert found.label == "semantic-decoder"
    assert found.probability == pytest.approx(norm.cdf(0.5), abs=SHARE_ERROR)
    assert [name for name, _ in found.alternatives] == ["knee"]
    assert found.reasons[1:] == (
        "by position semantic-encoder, by slope semantic-decoder: they disagree by 2 regimes",
    )


@pytest.mark.parametrize("cut", [0.8, 1.25])
def test_a_label_is_as_frequent_among_data_sets_as_it_is_said_to_be_probable(cut, monkeypatch):
    """200 data sets of a model half a standard error above an end of the knee.

    Its slope is the ratio of two skewed means: of its two answers' means by example.
    """
    monkeypatch.setattr(f"{bootstrap.__module__}.REPLICATES", 100)  # 2000 take seconds
    n, spread, random = 100, 0.3, torch.Generator().manual_seed(0)
    truth = cut * (1 + 0.5 * spread * math.sqrt(2 / n))
    rate, distortion = nats("rate", 5.0), nats("distortion", -9.0)
    found = []
    for seed in range(200):
        skewed = -torch.rand(n, 2, generator=random, dtype=torch.float64).log()
        answers = (1 + spread * (skewed - 1)) * torch.tensor([-1.0, truth])
        means, whole = bootstrap(answers, seed), answers.mean(0)
        slope = nats("slope", float(-whole[1] / whole[0]))
        slopes = -means[:, 1] / means[:, 0]
        found.append(place(rate, distortion, slope, None, None, slopes, n=n))
    for name in {regime.label for regime in found}:
        shares = [dict([(r.label, r.probability), *r.alternatives]).get(name, 0.0) for r in found]
        frequency = sum(regime.label == name for regime in found) / len(found)
        assert 0.1 < frequency < 0.9
        assert frequency == pytest.approx(sum(shares) / len(shares), abs=0.1)


@pytest.mark.parametrize("n", [1, 5, 29])
def test_a_handful_of_examples_has_no_label(n):
    r, d, bound = nats("rate", 6.2), nats("distortion", 74.1), Entropy(value=ENTROPY, source="x")
    points = normal_replicates(r, d, nats("elbo", -80.3), bound)
    found = place(r, d, nats("slope", 2.0), bound, points, None, n=n)
    assert (found.label, found.by_position, found.by_slope) == ("undetermined", None, None)
    assert (found.alternatives, found.entropy) == ((), ENTROPY)
    some = "1 distinct example is" if n == 1 else f"{n} distinct examples are"
    assert found.reasons == (f"{some} too few to say how sure a label is; it takes 30",)


def test_from_how_many_examples_on_there_is_a_label_is_a_cut():
    found = place(nats("rate", 0.01), None, None, None, None, None, Cuts(fewest=5), n=5)
    assert found.label == "autodecoder"


def test_a_reason_for_another_label_than_that_of_most_replicates_says_so():
    """A wide slope at the middle of the knee, which holds less of it than either side."""
    slopes = torch.cat([torch.linspace(1.3, 3, 60), torch.linspace(0.2, 0.79, 40)]).double()
    found = place(
        nats("rate", 5.0), nats("distortion", -9.0), nats("slope", 1.0), None, None, slopes, n=N
    )
    assert (found.label, found.probability) == ("semantic-decoder", 0.6)
    assert found.reasons[0].startswith("the estimates themselves read knee: by slope alone")


@pytest.mark.parametrize("slope", [0.9, 1.1])
def test_readings_one_regime_apart_are_both_shown(slope):
    points = torch.tensor([[60.0, 60.0, 80.0]]).double()
    found = place(
        nats("rate", 60.0),
        nats("distortion", 60.0),
        nats("slope", slope),
        Entropy(value=80.0, source="given"),
        points,
        torch.tensor([slope]).double(),
        n=N,
    )
    assert found.label == "knee"
    assert found.reasons[1] == "by position semantic-encoder, by slope knee"


def test_readings_far_apart_are_told():
    found = place(
        nats("rate", 60.0),
        nats("distortion", 5.0),
        nats("slope", 2.0),
        Entropy(value=80.0, source="given"),
        torch.tensor([[60.0, 5.0, 80.0]]).double(),
        torch.tensor([2.0]).double(),
        n=N,
    )
    assert (found.by_position, found.by_slope) == ("autoencoder", "semantic-decoder")
    assert any("disagree" in reason for reason in found.reasons)


@pytest.mark.parametrize("slope", [0.6, 0.99, 1.01, 1.9])
def test_the_older_name_of_the_slope_cuts_once_as_it_did(slope):
    older = Cuts(semantic_slope=1.0)
    name = "semantic-encoder" if slope <= 1 else "semantic-decoder"
    assert named(6.2, 74.1, ENTROPY, slope=slope, cuts=older) == name
    every = {"autoencoder": 0.08, "knee_low": 0.8, "knee_high": 1.25, "semantic_slope": 1.0}
    assert Cuts(**every) == older


@pytest.mark.parametrize(
    "cuts", [{"knee_low": 2.0}, {"semantic_slope": 1.0, "knee_low": 0.9}], ids=str
)
def test_a_knee_that_cannot_be_is_refused_by_the_name_of_the_file(cuts, tmp_path):
    path = tmp_path / "cuts.toml"
    path.write_text("\n".join(f"{name} = {value}" for name, value in cuts.items()))
    with pytest.raises(GenprobeError, match=r"cuts\.toml: .*knee_low"):
        read_cuts(path)
    with pytest.raises(GenprobeError, match="knee_low"):
        Cuts(**cuts)


def test_cuts_come_from_a_file(tmp_path):
    path = tmp_path / "cuts.toml"
    path.write_text("autoencoder = 0.2\nknee_low = 0.9\n")
    assert read_cuts(path) == Cuts(autoencoder=0.2, knee_low=0.9)


@pytest.mark.parametrize(
    "text", ["autoencder = 0.2", "autoencoder = 'x'", "autoencoder = true", "="]
)
def test_a_file_that_is_not_of_cuts_is_refused(tmp_path, text):
    path = tmp_path / "cuts.toml"
    path.write_text(text)
    with pytest.raises(GenprobeError, match=r"cuts\.toml"):
        read_cuts(path)
