"""The study of annealed chains: its truths by another way."""

import json
import math

import pytest
import torch
from torch.distributions import Normal

from genprobe.annealing.posterior_fit import score_posterior
from genprobe.families.diagonal_normal import diagonal_normal
from validation.annealing_sections import annealing_sections
from validation.annealing_studies import KINDS, annealing_studies, linear_gaussian
from validation.page import table


def test_log_px_is_that_of_quadrature():
    known = linear_gaussian(0, 1, 3, 2.0)
    z = torch.linspace(-8, 8, 4001, dtype=torch.float64)[:, None]
    for example in range(3):
        rows = torch.full((len(z),), example)
        density = known.target.at(z, rows).log_density
        found = torch.logsumexp(density, 0) + math.log(16 / 4000)
        assert float(found) == pytest.approx(float(known.log_px[example]), abs=1e-8)


def test_the_encoders_bound_is_that_of_sampling():
    known = linear_gaussian(0, 2, 20, 2.0)
    scores = score_posterior(known.target, diagonal_normal, known.encoder, draws=4000, seed=0)
    error = scores.std(0) / math.sqrt(4000)
    assert ((scores.mean(0) - known.bound).abs() < 4 * error).all()


def test_the_best_posterior_has_the_gap_that_is_stated():
    known = linear_gaussian(0, 2, 20, 1.0)
    best = {"loc": 2 * known.encoder["loc"], "scale": known.encoder["scale"]}
    scores = score_posterior(known.target, diagonal_normal, best, draws=4000, seed=0)
    gap = known.log_px - scores.mean(0)
    error = scores.std(0) / math.sqrt(4000)
    assert ((gap - known.approximation_gap).abs() < 4 * error + 1e-9).all()


def test_the_gradient_is_that_of_the_density():
    known = linear_gaussian(0, 2, 20, 2.0)
    z = torch.randn(4, 2, generator=torch.Generator().manual_seed(0)).double()
    step = torch.tensor([1e-6, 0.0]).double()
    rows = torch.arange(4)
    ends = [known.target.at(z + sign * step, rows).log_density for sign in (1, -1)]
    slope = known.target.at(z, rows).gradient[:, 0]
    torch.testing.assert_close((ends[0] - ends[1]) / 2e-6, slope, rtol=1e-5, atol=1e-5)
    assert Normal(0.0, 1.0).log_prob(z[0]).sum() == pytest.approx(
        float(known.target.log_pz(z[:1])[0])
    )


def test_every_study_has_a_name_of_its_own():
    names = [study.name for study in annealing_studies()]
    assert len(set(names)) == len(names)


def test_what_is_on_the_wrong_side_of_its_bound_is_in_bold(tmp_path):
    truth = dict.fromkeys(KINDS, 1.0)
    row = {"truth": truth, **{name: [1.04, 0.01] for name in KINDS}}
    text = "\n".join(json.dumps({"seed": seed, **row}) for seed in range(40))
    name = next(annealing_studies()).name
    (tmp_path / f"{name}.jsonl").write_text(f"{{}}\n{text}\n", encoding="utf-8")
    (section,) = annealing_sections(tmp_path)
    page = table(section)
    assert f"| {name} | 40 | ais_bound | upper | 1.0000 | +0.0400 | 100" in page
    for wrong in ("inference_gap | lower", "approximation_gap | estimate"):
        assert f"{wrong} | 1.0000 | +0.0400 | **0" in page
