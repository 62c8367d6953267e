import math

import pytest
import torch

from genprobe.comparing.curve import Condition, curve_test
from genprobe.errors import GenprobeError

BETAS = (0.25, 0.5, 1.0, 2.0, 4.0)
VARIANCES = torch.tensor([9.0, 5.0, 3.0, 1.5, 0.7, 0.3], dtype=torch.float64)
"""Eigenvalues of the data's covariance; the decoder's variance is 1."""
N = 4000


def optimum(beta):
    """R and D of the linear-Gaussian model that minimises D + βR (probabilistic PCA, θ = βv)."""
    active = beta < VARIANCES
    rate = 0.5 * (VARIANCES[active] / beta).log().sum()
    distortion = 0.5 * len(VARIANCES) * math.log(2 * math.pi)
    return rate, distortion + 0.5 * VARIANCES.clamp(max=beta).sum()


def examples(points, own=0.05, seed=0):
    """Per-example rates and distortions with these means: spread all share, and a little own."""
    random = torch.Generator().manual_seed(seed)
    shared = torch.randn(2, 1, N, generator=random, dtype=torch.float64)
    noise = torch.randn(2, len(points), N, generator=random, dtype=torch.float64)
    spread = 2 * shared + own * noise
    spread = spread - spread.mean(-1, keepdim=True)
    means = torch.tensor(points, dtype=torch.float64).T[:, :, None]
    return tuple(means + spread)


CURVE = [optimum(beta) for beta in BETAS]


def broken(points, **options):
    return {(m.name, m.betas[0]) for m in curve_test(BETAS, *examples(points), **options).broken}


def test_optima_of_a_linear_model_make_a_curve_with_nothing_to_find():
    found = curve_test(BETAS, *examples(CURVE))
    assert found.broken == ()
    assert len(found.conditions) == 4 + 4 + 3 + 20
    assert [chord.betas for chord in found.chords] == [(0.25, 0.5), (0.5, 1), (1, 2), (2, 4)]
    for chord in found.chords:
        assert chord.betas[0] < chord.slope < chord.betas[1]


def test_slopes_and_conditions_are_those_of_the_means():
    found = curve_test(BETAS, *examples(CURVE))
    (r1, d1), (r2, d2) = CURVE[1:3]
    assert found.chords[1].slope == pytest.approx(float((d2 - d1) / (r1 - r2)))
    values = {(m.name, m.betas): m.value for m in found.conditions}
    assert values["rate falls", (0.5, 1.0)] == pytest.approx(float(r1 - r2))
    assert values["distortion rises", (0.5, 1.0)] == pytest.approx(float(d2 - d1))
    assert values["best at its β", (0.5, 1.0)] == pytest.approx(float(d2 + r2 / 2 - d1 - r1 / 2))
    r0, d0 = CURVE[0]
    share = (r0 - r1) / (r0 - r2)
    line = (1 - share) * d0 + share * d2
    assert values["convex", (0.5, 0.25, 1.0)] == pytest.approx(float(line - d1))


def jackknife(statistic, *columns):
    """Standard error of a smooth function of means, by leaving out one example at a time."""
    n = columns[0].shape[-1]
    left = [(column.sum(-1, keepdim=True) - column) / (n - 1) for column in columns]
    values = statistic(*left)
    return float(((n - 1) / n * (values - values.mean()).square().sum()).sqrt())


def test_errors_agree_with_the_jackknife():
    rates, distortions = examples(CURVE, own=0.5)
    found = curve_test(BETAS, rates, distortions)
    slope = jackknife(lambda r, d: (d[1] - d[0]) / (r[0] - r[1]), rates[:2], distortions[:2])
    assert found.chords[0].se == pytest.approx(slope, rel=0.01)

    def height(r, d):
        share = (r[0] - r[1]) / (r[0] - r[2])
        return (1 - share) * d[0] + share * d[2] - d[1]

    [convex] = [m for m in found.conditions if m.name == "convex" and m.betas[0] == 0.5]
    assert convex.se == pytest.approx(jackknife(height, rates[:3], distortions[:3]), rel=0.01)


def test_what_the_examples_share_is_no_error():
    """Each point alone is known to 2 / √4000 ≈ 0.03; a break of 0.02 is still seen."""
    _, distortions = examples(CURVE)
    assert float(distortions[0].std()) / math.sqrt(N) > 0.03
    points = [*CURVE[:2], (CURVE[1][0], CURVE[1][1] - 0.02), *CURVE[3:]]
    assert ("distortion rises", 0.5) in broken(points)


@pytest.mark.parametrize("worse", [0.5, 1.0, 2.0])
def test_a_model_that_is_not_trained_out_is_named(worse):
    at = BETAS.index(worse)
    points = [(r, d + 1.0 * (i == at)) for i, (r, d) in enumerate(CURVE)]
    assert {("convex", worse), ("best at its β", worse)} <= broken(points)
    assert broken(points, trained_here=False) == {("convex", worse)}


def test_a_curve_that_turns_up_is_not_monotone():
    points = [(CURVE[0][0], CURVE[1][1] + 0.3), *CURVE[1:]]
    assert ("distortion rises", 0.25) in broken(points)
    points = [*CURVE[:4], (CURVE[3][0] + 0.3, CURVE[4][1])]
    assert ("rate falls", 2.0) in broken(points)


def test_noise_is_no_break():
    points = [(5.0, 10.0)] * 5
    rates, distortions = examples(points, own=3.0)
    distortions += torch.linspace(0, -0.05, 5, dtype=torch.float64)[:, None]
    found = curve_test(BETAS, rates, distortions)
    assert min(condition.value for condition in found.conditions) < -0.01
    assert found.broken == ()
    assert found.chords == ()


def test_models_that_all_ignore_their_code_break_nothing():
    """Between them is nothing but what training left, however exactly it is known."""
    rates = torch.tensor([8.0, 5.0, 3e-4, 1e-4, 5e-4], dtype=torch.float64)[:, None].expand(5, N)
    distortions = torch.tensor([19.816, 21.016, 24.516, 24.515, 24.514], dtype=torch.float64)[
        :, None
    ]
    assert curve_test(BETAS, rates, distortions.expand(5, N)).broken == ()


def test_a_condition_without_error_is_sure():
    assert Condition(name="convex", betas=(1,), value=-1.0, se=0.0, n=9).broken
    assert Condition(name="convex", betas=(1,), value=0.0, se=0.0, n=9).z == 0


def test_a_single_example_and_a_single_model_say_nothing():
    one = torch.tensor([[3.0], [4.0]])
    found = curve_test((0.5, 1.0), one, one)
    assert found.broken == () == found.chords
    assert curve_test((1.0,), one[:1], one[:1]).conditions == ()


def test_betas_must_rise():
    with pytest.raises(GenprobeError, match="must rise"):
        curve_test((1.0, 0.5), *(torch.zeros(2, 3),) * 2)
