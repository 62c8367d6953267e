import math

import torch

import genprobe

NAMES = ("total_correlation", "marginal_kl")


def evaluate(data, scale=0.5):
    model = genprobe.Model(
        name="m",
        encode=lambda x: {"loc": x, "scale": torch.full_like(x, scale)},
        posterior="diagonal-normal",
        prior="standard-normal",
    )
    return genprobe.evaluate(model, data)


def test_it_is_zero_on_a_product_grid():
    grid = torch.cartesian_prod(*[torch.linspace(-2, 2, 12)] * 2)
    found = evaluate(grid)["total_correlation"]
    assert abs(found.value) < 4 * found.se + 1e-6


def test_it_is_the_information_between_dimensions_that_repeat_each_other():
    # Codes on a line: TC = −½ ln(1 − ρ²) for a normal of that correlation.
    x = torch.randn(3000, 1, generator=torch.Generator().manual_seed(1))
    found = evaluate(torch.cat([x, x], 1))["total_correlation"]
    variance = x.double().var().item()
    truth = -0.5 * math.log(1 - (variance / (variance + 0.25)) ** 2)
    assert abs(found.value - truth) < 4 * found.se_data


def test_with_the_dimensions_it_makes_up_the_marginal_kl():
    x = torch.randn(800, 3, generator=torch.Generator().manual_seed(2)) @ torch.randn(3, 3)
    report = evaluate(x)
    parts = report["total_correlation"].value + sum(d.aggregate_kl for d in report.dimensions)
    whole = report["marginal_kl"]
    assert (
        abs(parts - whole.value) < 4 * math.hypot(whole.se, report["total_correlation"].se) + 0.05
    )
