"""A diffusion model through evaluate: resumed, on several ranks, from its store, and refused."""

import os
import subprocess
import sys
import textwrap

import pytest
import torch

import genprobe
from genprobe import Diffusion, Model
from genprobe.errors import GenprobeError, ModelError, StoreError, UsageError

ALPHA = torch.linspace(0.999, 0.05, 40).double()
SIGMA = (1 - ALPHA**2).sqrt()
N = 4300
"""More examples than a segment holds."""


def chain(denoise=None, **options):
    return Diffusion(alpha=ALPHA, sigma=SIGMA, denoise=denoise or expected, predicts="x", **options)


def expected(x, t):
    alpha, sigma = ALPHA[t].to(x)[:, None], SIGMA[t].to(x)[:, None]
    return 0.5 * alpha * x / (0.5 * alpha**2 + sigma**2)


def model(denoise=None, **options):
    return Model(name="chain", diffusion=chain(denoise, **options), likelihood="normal")


def data(n=N):
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(0)) * 0.5**0.5


def numbers(report):
    return report.estimates, report.levels, report.progressive


@pytest.fixture(scope="module")
def whole():
    return genprobe.evaluate(model(), data(), device="cpu")


def test_killed_it_goes_on_to_the_same_numbers(tmp_path, whole):
    path, left = tmp_path / "chain.h5", [10]

    def stopping(x, t):
        if len(x) != 8:  # not while it is looked at before the first segment
            left[0] -= len(x) > 200
            if left[0] < 0:
                raise KeyboardInterrupt
        return expected(x, t)

    with pytest.raises(KeyboardInterrupt):
        genprobe.evaluate(model(stopping), data(), device="cpu", store=path)
    resumed = genprobe.evaluate(model(), data(), device="cpu", store=path)
    assert numbers(resumed) == numbers(whole)


def test_batches_change_nothing_but_rounding(whole):
    small = genprobe.evaluate(model(), data(), device="cpu", batch_size=77)
    for name, found in small.estimates.items():
        assert found.value == pytest.approx(whole[name].value, rel=1e-5)


SCRIPT = """
import sys; sys.path.insert(0, {here!r})
import torch, test_diffusion as t, genprobe
torch.set_num_threads(1)
report = genprobe.evaluate(t.model(), t.data(), device="cpu", store={store!r})
if __import__("os").environ["RANK"] == "0":
    open({out!r}, "w").write(report.to_json())
"""


def test_two_ranks_find_the_same_numbers(tmp_path, whole):
    out, script = tmp_path / "report.json", tmp_path / "both.py"
    facts = {"here": os.path.dirname(__file__), "store": str(tmp_path / "s.h5"), "out": str(out)}
    script.write_text(textwrap.dedent(SCRIPT).format(**facts))
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run([*run, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = genprobe.Report.from_json(out.read_text())
    assert numbers(found) == numbers(whole)


def test_a_store_is_of_its_network_and_its_schedule(tmp_path):
    path, x = tmp_path / "chain.h5", data(200)
    first = genprobe.evaluate(model(), x, device="cpu", store=path)
    assert numbers(genprobe.evaluate(model(), x, device="cpu", store=path)) == numbers(first)
    again = genprobe.report_from_store(genprobe.open_store(path))
    assert numbers(again) == numbers(first)
    assert again.regime == first.regime
    with pytest.raises(StoreError, match="what the network predicts"):
        genprobe.evaluate(model(lambda x, t: expected(x, t) + 0.01), x, device="cpu", store=path)
    with pytest.raises(StoreError, match="another model"):
        genprobe.evaluate(model(std=2.0), x, device="cpu", store=path)


def test_what_it_has_no_code_for_is_absent_and_what_it_has_no_regime_for_is_said():
    report = genprobe.evaluate(model(), data(200), device="cpu")
    assert {"rate", "distortion", "elbo"} <= report.estimates.keys()
    assert "mutual_information" not in report.estimates
    assert "are no code that is kept" in report.provenance["absent"]["mutual_information"]
    assert report.regime.label == "undetermined"
    assert "progressive curve" in report.regime.reasons[0]
    assert not report.dimensions
    compared = genprobe.compare([report, genprobe.evaluate(model(std=2.0), data(200))])
    assert {each.regime.label for each in compared.reports} == {"undetermined"}


def test_the_first_screen_says_where_the_nats_go():
    report = genprobe.evaluate(model(), data(200), device="cpu")
    assert "half of R is paid by SNR" in str(report)
    assert "I(n;z)" not in str(report)
    details = report.details()
    assert "SNR 2⁻¹–2⁰" in details
    assert "t = 39" in details
    assert max(map(len, details.splitlines())) <= 80


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"labels": {"y": torch.zeros(50)}}, "no code"),
        ({"prior": "standard-normal"}, "no code"),
        ({"inference": 10}, "no code"),
        ({"decoder_curve": True}, "no code"),
    ],
)
def test_options_of_a_code_are_refused(options, said):
    with pytest.raises(UsageError, match=said):
        genprobe.evaluate(model(), data(50), device="cpu", **options)


@pytest.mark.parametrize(
    ("denoise", "said"),
    [
        (lambda x, t: x[:, :1], r"a prediction as a float32 of shape \(\d+, 1\)"),
        (lambda x, t: (x, x), "a prediction as a tuple"),
        (lambda x, t: x / 0, "not finite, at step t = 0"),
        (lambda x, t: x @ x, "denoise of chain fails on"),
        (lambda x, t: x + torch.ones(1, 6) @ t, r"t \(batch,\), whole numbers from 0 to T − 1"),
        (lambda x, t: x + torch.randn_like(x), "depends on chance"),
        (lambda x, t: x - x.mean(0), "depends on the batch"),
    ],
)
def test_a_network_at_fault_is_named(denoise, said):
    with pytest.raises(ModelError, match=said):
        genprobe.evaluate(model(denoise), data(50), device="cpu")


def test_a_learned_variance_is_a_pair():
    before = torch.cat([SIGMA[:1], SIGMA[:-1]])
    ratio = torch.cat([torch.zeros(1).double(), ((ALPHA / SIGMA)[1:] / (ALPHA / SIGMA)[:-1]) ** 2])
    posterior = before**2 * (1 - ratio)

    def both(x, t):
        return expected(x, t), posterior.log()[t].to(x)[:, None]

    report = genprobe.evaluate(model(both, variance="learned"), data(200), device="cpu")
    fixed = genprobe.evaluate(model(), data(200), device="cpu")
    assert report["rate"].value == pytest.approx(fixed["rate"].value, rel=1e-3)
    assert report["distortion"].value == pytest.approx(fixed["distortion"].value, abs=1e-3)
    with pytest.raises(ModelError, match="takes a pair"):
        genprobe.evaluate(model(variance="learned"), data(50), device="cpu")


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"likelihood": None}, "has a diffusion and no likelihood"),
        ({"encode": lambda x: x}, "has a diffusion, and encode"),
        ({"diffusion": "ddpm"}, "has a str as diffusion"),
    ],
)
def test_a_model_of_other_parts_is_refused(parts, said):
    given = {"diffusion": chain(), "likelihood": "normal", **parts}
    with pytest.raises(GenprobeError, match=said):
        Model(name="chain", **given)


def test_a_likelihood_of_other_parameters_is_refused():
    binary = Model(name="chain", diffusion=chain(), likelihood="bernoulli")
    with pytest.raises(ModelError, match="one of loc and scale"):
        genprobe.evaluate(binary, (data(50) > 0).float(), device="cpu")


def test_it_is_compared_where_distortions_are_of_one_kind():
    """Densities with a density, paired; probabilities with a density by rates alone."""
    x = (torch.rand(200, 4, generator=torch.Generator().manual_seed(1)) * 255).round() / 255

    def half(x, t):
        return 0.5 * ALPHA[t].to(x)[:, None] * x

    def of(likelihood):
        name = f"chain-{likelihood}"
        return Model(name=name, diffusion=chain(half, mean=0.5, std=0.5), likelihood=likelihood)

    vae = Model(
        name="vae",
        encode=lambda x: {"loc": x[:, :2], "scale": 0.1 + 0 * x[:, :2]},
        decode=lambda z: {"loc": z.repeat(1, 2), "scale": 0.2 + 0 * z.repeat(1, 2)},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="normal",
    )
    density, bins, other = (
        genprobe.evaluate(m, x, device="cpu", max_queries=400)
        for m in (of("normal"), of("discretised-normal"), vae)
    )
    same = genprobe.compare([density, other])
    [elbo] = [d for d in same.differences if d.name == "elbo"]
    assert elbo.paired
    apart = genprobe.compare([bins, other])
    assert not apart.same_measure
    assert "elbo" not in {d.name for d in apart.differences}
    assert "some distortions are of densities" in str(apart)
