"""What is compared in the benchmarks computes the same thing."""

import json
import math

import pytest
import torch
from click.testing import CliRunner

from benchmarks import __main__ as page
from benchmarks import annealing, gpu, kernel, methods, threads
from genprobe.annealing.target import Target


@pytest.mark.parametrize(
    "method",
    [
        methods.broadcast,
        methods.mixture_same_family,
        methods.matmul_logsumexp,
        methods.flash_attention,
        methods.engine,
    ],
    ids=lambda method: method.__name__,
)
def test_every_method_gives_the_log_density_of_the_mixture(method):
    loc, scale, z = torch.randn(300, 6), 0.5 + torch.rand(300, 6), torch.randn(40, 6)
    pairs = torch.distributions.Normal(loc.double(), scale.double()).log_prob(z.double()[:, None])
    truth = pairs.sum(2).logsumexp(1) - torch.tensor(300.0).double().log()
    torch.testing.assert_close(method(z, loc, scale).double(), truth, atol=1e-4, rtol=0)


def test_a_ratio_that_got_worse_is_named():
    known = {"engine / floor": 2.0, "pruned / dense": 0.1}
    assert page.check({"engine / floor": 2.5, "pruned / dense": 0.1}, known) == []
    (told,) = page.check({"engine / floor": 3.5, "pruned / dense": 0.1}, known)
    assert told == "engine / floor: 3.50, was 2.00"


def test_ratios_are_compared_with_those_of_the_same_processor(monkeypatch, tmp_path):
    file = tmp_path / "kept.json"
    file.write_text('{"Another, AVX2, 2 threads": {"engine / floor": 1.0}}')
    monkeypatch.setattr(page, "BASELINE", file)
    times = iter([2.0, 2.5, 3.5])
    monkeypatch.setattr(page, "small", lambda: {"engine / floor": next(times)})
    run = CliRunner().invoke
    none = run(page.main, ["--check"])
    assert none.exit_code
    assert page.processor() in none.output
    assert not run(page.main, ["--keep"]).exit_code
    assert not run(page.main, ["--check"]).exit_code
    slower = run(page.main, ["--check"])
    assert slower.exit_code
    assert "engine / floor: 3.50, was 2.00" in slower.output
    assert len(json.loads(file.read_text())) == 2


def test_ratios_are_of_the_quicker_engine():
    row = {"floor": 1.0, "engine": 2.0, "engine, compiled": 1.5, "KeOps": 15.0}
    found = page.with_ratio(row)
    assert (found["engine / floor"], found["compiled / floor"]) == (2.0, 1.5)
    assert found["KeOps / engine"] == 10.0


def test_the_model_of_threads_is_that_of_the_times():
    # On four CPUs one second is done alone and two are shared; several workers are slower by half.
    timings = [
        threads.Timing(
            w, b, s * (1 / threads.cpus_for(1, b, 4) + 2 / threads.cpus_for(w, b, 4)), 3 * s
        )
        for b in (0, 3, 6)
        for w, s in ((1, 1.0), (2, 1.5), (4, 1.5), (8, 1.5))
    ]
    assert threads.fitted(timings, 4) == pytest.approx((1.0, 2.0, 0.0), abs=1e-9)
    text = threads.model(timings, 4)
    assert "1.50 for two workers" in text
    assert "| 8 | 2.4 |" in text
    page = threads.written_into(f"before {threads.BEGIN} old {threads.END} after", "new")
    assert page.startswith("before")
    assert page.endswith("after")
    assert "old" not in page
    assert threads.written_into(page, "new") == page


def test_workers_share_the_cpus_with_others():
    assert threads.cpus_for(2, 0, 2) == 2
    assert threads.cpus_for(8, 0, 2) == 2
    assert threads.cpus_for(2, 4, 2) == pytest.approx(2 / 3)
    assert threads.cpus_for(1, 4, 64) == 1


def test_a_pass_is_timed_with_any_number_of_workers_and_beside_others():
    case = kernel.posteriors(300, 4, 0.4)
    with threads.busy(1):
        assert all(min(threads.seconds_of_a_pass(case, workers)) > 0 for workers in (0, 1, 3))
    assert torch.get_num_threads() == 1


def test_the_page_of_a_gpu_has_every_part_or_says_why_not(monkeypatch):
    def fails(device, small):
        raise RuntimeError("no such kernel\nand much more")

    parts = {
        "Pairs": ("A note.", lambda device, small: [{"on": device.type, "small": small}]),
        "Kernels": ("", fails),
    }
    monkeypatch.setattr(gpu, "PARTS", parts)
    page = gpu.page(torch.device("cpu"), small=True)
    assert "| cpu | True |" in page
    assert "## Kernels\n\nFails: no such kernel" in page
    late = gpu.page(torch.device("cpu"), small=True, seconds=-1.0)
    assert late.count("Left out: it would have begun too late.") == 2


@pytest.mark.seeds
def test_the_parts_of_the_page_run_on_a_device(monkeypatch):
    cpu = torch.device("cpu")
    some = {"engine": methods.engine, "flash attention": methods.flash_attention}
    monkeypatch.setattr(gpu, "methods", lambda: some)
    for row in gpu.engine(cpu, small=True):
        assert not [v for v in row.values() if isinstance(v, str)]
        assert row["engine / floor"] > 0
    (passed,) = gpu.memory(cpu, small=True)
    assert passed["s"] > 0


def test_the_factor_is_of_the_cheapest_that_come_near_the_best():
    rows = [
        {"way": "after 100 steps of fitting, 8", "gradients an image": 100.0, "nats": -83.2},
        {"way": "after 100 steps of fitting, 16", "gradients an image": 200.0, "nats": -83.05},
        {"way": "after 1200 steps of fitting, 64", "gradients an image": 900.0, "nats": -83.0},
        {"way": "from the prior, 50", "gradients an image": 4000.0, "nats": -85.0},
        {"way": "from the prior, 100", "gradients an image": 8000.0, "nats": -82.98},
    ]
    assert annealing.factor(rows) == 40


def test_chains_in_the_way_of_the_public_script_find_log_px():
    target = Target(
        log_px_z=lambda z, rows: (-(1 - z[:, 0]).square() / 2 - 0.918939, 1 - z),
        log_pz=lambda z: (-z[:, 0].square() / 2 - 0.918939, -z),
        sample=lambda n: torch.randn(n, 1, dtype=torch.float64),
    )
    params = {"loc": torch.zeros(40, 1), "scale": torch.ones(40, 1)}
    found, evaluations = annealing.public_way(target, params, 20, 4, 0)
    assert found == pytest.approx(-0.25 - 0.5 * math.log(4 * math.pi), abs=0.05)
    assert evaluations == 40 * 4 * 201
