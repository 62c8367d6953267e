import dataclasses
import json
import math
import os
import random
import subprocess
import sys
import tempfile

import numpy as np
import pytest
import torch

import genprobe
from genprobe.architectures.mlp_vae import MlpVae
from genprobe.errors import GenprobeError
from genprobe.estimators.rate import rate
from genprobe.runs import watch as watching
from genprobe.runs.train import objective

N = 120
QUICK = {"estimators": {"rate": rate}, "n": 50}


@pytest.fixture
def x():
    return (torch.rand(N, 6, generator=torch.Generator().manual_seed(0)) > 0.5).float()


@pytest.fixture
def vae():
    return MlpVae(data_shape=(6,), latent=2, hidden=(8,), prior="diagonal-normal")


@pytest.fixture
def clock(monkeypatch, x, vae):
    """A clock that moves only when told to; an evaluation takes as long as ``costs`` says."""

    class Clock:
        now, costs = 100.0, 0.0

        def __call__(self):
            return self.now

    clock = Clock()
    report = genprobe.evaluate(vae.as_model("m"), x, estimators={"rate": rate})

    def evaluate(model, *arguments, **options):
        clock.now += clock.costs
        facts = {**report.provenance, "training": model.training}
        return dataclasses.replace(report, provenance=facts)

    monkeypatch.setattr(watching, "perf_counter", clock)
    monkeypatch.setattr(watching, "evaluate", evaluate)
    return clock


def train(watch, model, clock, epochs, seconds=1.0):
    """The epochs that are evaluated."""
    seen = []
    for epoch in range(epochs):
        clock.now += seconds
        seen += [epoch] if watch(model, epoch) else []
    return seen


# When


def test_an_evaluation_is_due_every_so_many_calls(x, vae, clock):
    watch = genprobe.callback(x, every=3, **QUICK)
    assert train(watch, vae.as_model("m"), clock, 10) == [2, 5, 8]


def test_after_the_first_an_evaluation_waits_until_all_are_within_the_share(x, vae, clock):
    clock.costs = 0.75
    watch = genprobe.callback(x, share=0.25, **QUICK)
    assert train(watch, vae.as_model("m"), clock, 10) == [0, 5, 8]
    assert (watch.trained, watch.spent) == (10, 2.25)
    assert watch.share == 0.225


@pytest.mark.parametrize("costs", [1 / 64, 0.25, 1.0, 7.0, 40.0])
@pytest.mark.parametrize("every", [1, 3])
def test_the_share_holds_from_the_second_evaluation_on(x, vae, clock, costs, every):
    clock.costs = costs
    watch = genprobe.callback(x, every=every, share=1 / 16, **QUICK)
    step = max(every, math.ceil(costs * 16))
    second = max(every + step, math.ceil(2 * costs * 16))  # when both are paid for
    expected = [every, *range(second, 101, step)]
    assert [epoch + 1 for epoch in train(watch, vae.as_model("m"), clock, 100)] == expected
    assert watch.spent == costs * len(expected)
    assert watch.share <= 1 / 16 or len(expected) == 1


def test_an_idle_hour_before_the_training_pays_for_no_more_than_one(x, vae, clock):
    clock.costs = 1.0
    watch = genprobe.callback(x, share=0.5, **QUICK)
    clock.now += 3600
    assert train(watch, vae.as_model("m"), clock, 6) == [0, 2, 4]


# What


def test_reports_are_those_of_evaluate_on_a_fixed_subset_with_the_epoch_in_them(x, vae):
    watch = genprobe.callback(x, n=50, seed=3)
    model = vae.as_model("m", {"beta": 2.0})
    report = watch(model, 4)
    again = genprobe.callback(x, n=50, seed=3)(model, 5)
    assert report is watch.history[0]
    assert report.n == 50
    assert report.provenance["training"] == {"beta": 2.0, "epoch": 4}
    assert report.estimates == again.estimates
    whole = genprobe.evaluate(model, x, device="cpu")
    for name in ("rate", "distortion"):
        each = whole.store.column(f"probes/{name}").mean(0)
        apart = report[name].value - whole[name].value
        assert abs(apart) < 4 * float(each.std()) / 50**0.5
    brackets = {"marginal_kl_population_lower", "marginal_kl_population_upper", "slope"}
    assert brackets <= report.estimates.keys()
    assert "total_correlation" not in report.estimates


def test_all_examples_are_taken_where_there_are_no_more(x, vae):
    report = genprobe.callback(x)(vae.as_model("m"), 0)
    whole = genprobe.evaluate(vae.as_model("m"), x, device="cpu")
    assert report.n == N
    assert report["mutual_information"] == whole["mutual_information"]


def test_the_history_is_a_table(x, vae, clock):
    watch = genprobe.callback(x, every=2, **QUICK)
    train(watch, vae.as_model("m"), clock, 6)
    table = watch.frame()
    assert table["epoch"].tolist() == [1, 3, 5]
    assert table["rate"].tolist() == [r["rate"].value for r in watch.history]


def test_options_are_those_of_evaluate(x, vae):
    report = genprobe.callback(x, dtype="float64", draws=3, **QUICK)(vae.as_model("m"), 0)
    assert (report.provenance["dtype"], report.provenance["draws"]) == ("float64", 3)


def test_the_data_are_read_as_the_options_say_before_the_subset_is_taken(x):
    label = torch.arange(N)
    model = genprobe.Model(
        name="labelled",
        encode=lambda x, label: {"loc": 0 * x + label[:, None], "scale": 1 + 0 * x},
        posterior="diagonal-normal",
        prior="standard-normal",
        condition=lambda x, covariates: {"label": covariates["label"]},
    )
    data = {"other": torch.zeros(N, 2), "wave": x.to(torch.uint8)}
    options = {"input_key": "wave", "bytes": "pixels", "covariates": {"label": label}}
    report = genprobe.callback(data, strict=True, **options, **QUICK | {"n": N})(model, 0)
    truth = 0.5 * 6 * (torch.arange(N).double() ** 2).mean()
    assert report["rate"].value == pytest.approx(float(truth), rel=1e-6)
    assert genprobe.callback(data, strict=True, **options, **QUICK)(model, 0).n == 50


def test_an_interrupt_passes_through(x):
    def encode(x):
        raise KeyboardInterrupt

    model = genprobe.Model(
        name="m", encode=encode, posterior="diagonal-normal", prior="standard-normal"
    )
    with pytest.raises(KeyboardInterrupt):
        genprobe.callback(x, **QUICK)(model, 0)


def test_no_store_is_kept(x, vae, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    watch = genprobe.callback(x, **QUICK)
    watch(vae.as_model("m"), 0)
    assert watch.history[0].store is None
    assert list(tmp_path.iterdir()) == []


# The training is left alone


def states():
    return random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()


def disturbing(vae):
    """A model whose encoder draws from every global generator."""

    def encode(x):
        random.random(), np.random.rand(), torch.rand(1)
        return vae.encode(x)

    return genprobe.Model(
        name="m", encode=encode, posterior="diagonal-normal", prior="standard-normal", module=vae
    )


@pytest.mark.parametrize("fails", [False, True])
def test_random_states_are_put_back(x, vae, fails):
    watch = genprobe.callback(x, n=50)
    model = disturbing(vae)
    if fails:
        torch.nn.init.constant_(vae.encoder[0].weight, torch.nan)
    before = states()
    if fails:
        with pytest.warns(RuntimeWarning, match="no report of epoch 0"):
            watch(model, 0)
    else:
        watch(model, 0)
    assert states() == before


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_weights_gradients_dtypes_and_modes_are_as_they_were(x, vae, dtype):
    vae.to(dtype).train()
    vae.decoder[1].eval()
    objective_like = sum(p.sum() ** 2 for p in vae.parameters())
    objective_like.backward()
    held = [(p, p.data_ptr(), p.clone(), p.grad, p.grad.clone()) for p in vae.parameters()]
    assert genprobe.callback(x, n=50)(vae.as_model("m"), 0)
    for (p, place, value, grad, gradient), now in zip(held, vae.parameters(), strict=True):
        assert now is p
        assert (p.data_ptr(), p.dtype, p.requires_grad) == (place, dtype, True)
        assert torch.equal(p, value)
        assert p.grad is grad
        assert torch.equal(p.grad, gradient)
    assert vae.training
    assert not vae.decoder[1].training


def test_a_training_that_is_watched_ends_with_the_same_weights(x):
    def weights(watch):
        torch.manual_seed(0)
        vae = MlpVae(data_shape=(6,), latent=2, hidden=(8,))
        optimiser = torch.optim.Adam(vae.parameters())
        for epoch in range(3):
            for rows in torch.split(torch.randperm(N), 40):
                optimiser.zero_grad()
                objective(vae, x[rows], 1.0).backward()
                optimiser.step()
            watch(vae.as_model("m"), epoch)
        return torch.cat([p.flatten() for p in vae.parameters()])

    watch = genprobe.callback(x, n=50, share=1e9)
    assert torch.equal(weights(watch), weights(lambda model, epoch: None))
    assert len(watch.history) == 3


def test_a_model_that_cannot_be_evaluated_is_warned_of_and_the_training_goes_on(x, vae):
    watch = genprobe.callback(x, share=1e9, **QUICK)
    good = {k: v.clone() for k, v in vae.state_dict().items()}
    torch.nn.init.constant_(vae.encoder[0].weight, torch.nan)
    with pytest.warns(RuntimeWarning, match="no report of epoch 0: .* not finite") as caught:
        assert watch(vae.as_model("m"), 0) is None
    assert caught[0].filename == __file__
    vae.load_state_dict(good)
    assert watch(vae.as_model("m"), 1) is watch.history[0]


def test_strict_raises(x, vae):
    torch.nn.init.constant_(vae.encoder[0].weight, torch.nan)
    watch = genprobe.callback(x, strict=True, **QUICK)
    with pytest.raises(GenprobeError, match="not finite"):
        watch(vae.as_model("m"), 0)


@pytest.mark.parametrize("wrong", [{"every": 0}, {"n": 0}, {"share": 0.0}, {"share": -1}])
def test_numbers_that_make_no_sense_are_refused(x, wrong):
    with pytest.raises(GenprobeError, match="must be positive"):
        genprobe.callback(x, **wrong)


FAULTS = """
import dataclasses, json, sys, traceback, warnings
import torch, torch.distributed as dist
import genprobe
from genprobe.families.diagonal_normal import diagonal_normal

dist.init_process_group("gloo")
rank, now = dist.get_rank(), None

def at(place, result):
    if place == now and rank == 1:
        lost = torch.AcceleratorError("CUDA error: lost")
        raise lost if place == "device" else ZeroDivisionError(f"at {place}")
    return result

family = dataclasses.replace(
    diagonal_normal, sufficient=lambda z: at("query", diagonal_normal.sufficient(z))
)
model = genprobe.Model(
    name="m",
    encode=lambda x: at("encode", at("device", {"loc": x, "scale": 0.5 + 0 * x})),
    posterior=family,
    prior="standard-normal",
)
x = torch.randn(90, 2, generator=torch.Generator().manual_seed(0))
strict = sys.argv[1] == "strict"
watch = genprobe.callback(x, n=50, share=1e9, strict=strict)
for epoch, now in enumerate(["encode", "device", "query", None]):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        arose, words = [], ""
        try:
            watch(model, epoch)
        except Exception as error:
            words = str(error)
            while error:
                arose += [type(error).__name__]
                error = error.__cause__
        said = [str(w.message) for w in caught if w.category is RuntimeWarning]
    fault = {"rank": rank, "place": now, "said": said, "arose": arose, "words": words}
    sys.stdout.write(json.dumps(fault) + "\\n")
last = [[r.provenance["training"]["epoch"], r["rate"].value] for r in watch.history]
sys.stdout.write(json.dumps({"rank": rank, "place": "history", "last": last}) + "\\n")
dist.destroy_process_group()
"""

RANKS = """
import sys
import torch, torch.distributed as dist
import genprobe
from genprobe.runs import watch as watching

dist.init_process_group("gloo")
rank = dist.get_rank()
clock = [0.0]
watching.perf_counter = lambda: clock[0]
x = torch.randn(90, 2, generator=torch.Generator().manual_seed(0))
model = genprobe.Model(
    name="m",
    encode=lambda x: {"loc": x, "scale": 0.5 + 0 * x},
    posterior="diagonal-normal",
    prior="standard-normal",
)
watch = genprobe.callback(x, n=50)
for epoch in range(4):
    watch._cost = 1.0
    clock[0] += 20.0 if rank == 0 and epoch % 2 else 1.0
    watch(model, epoch)
epochs = [r.provenance["training"]["epoch"] for r in watch.history]
sys.stdout.write(f"{epochs} {[r['rate'].value for r in watch.history]}\\n")
dist.destroy_process_group()
"""


def on_two_ranks(folder, program, *arguments):
    """The lines that two processes print, without those of Gloo of torch 2.9."""
    (folder / "ranks.py").write_text(program, encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    done = subprocess.run(
        [*command, "--nproc-per-node", "2", folder / "ranks.py", *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    said = ("[Gloo] ", "connected peer ranks")  # the lines of two ranks may be mixed
    return [line for line in done.stdout.splitlines() if line and not any(s in line for s in said)]


def test_of_several_ranks_the_first_decides_and_each_gets_the_reports(tmp_path):
    first, second = on_two_ranks(tmp_path, RANKS)
    assert first == second
    assert first.startswith("[1, 3] [")


def test_ranks_that_joined_no_group_of_their_own_are_watched_too(tmp_path):
    program = RANKS.replace('dist.init_process_group("gloo")\n', "")
    program = program.replace("dist.destroy_process_group()\n", "")
    program = program.replace("dist.get_rank()", 'int(__import__("os").environ["RANK"])')
    first, second = on_two_ranks(tmp_path, program)
    assert first == second
    assert first.startswith("[1, 3] [")


TOLD = {
    "encode": ("encode of m fails on a batch of 1, each of shape (2,): at encode", "ModelError"),
    "device": ("The device cpu stopped answering: CUDA error: lost", "GenprobeError"),
    "query": ("at query", "ZeroDivisionError"),
}
"""What the rank at fault says of a fault, and what it raises."""


@pytest.mark.parametrize("strict", [False, True])
def test_what_fails_on_one_rank_alone_ends_the_evaluation_on_all(tmp_path, strict):
    lines = on_two_ranks(tmp_path, FAULTS, "strict" if strict else "")
    found = {(f["rank"], f["place"]): f for f in map(json.loads, lines)}
    for place, (words, error) in TOLD.items():
        own, other = found[1, place], found[0, place]
        assert len(own["said"]) == len(other["said"]) == (not strict)
        assert words in [*own["said"], own["words"]][0]
        assert f"Rank 1: {words}" in other_words(other, place)
        assert own["arose"][:1] == ([error] if strict else [])
        assert other["arose"][:1] == (["OtherRankError"] if strict else [])
    if strict:
        assert found[1, "encode"]["arose"] == ["ModelError", "ZeroDivisionError"]
    assert found[0, "history"]["last"] == found[1, "history"]["last"]
    [[epoch, rate]] = found[0, "history"]["last"]
    assert epoch == 3
    assert rate > 0


def other_words(fault, place):
    """What a rank that is not at fault says, whose own words for a lost device are torch's."""
    text = "".join([*fault["said"], fault["words"]])
    plain = text.replace("ZeroDivisionError: ", "")
    return plain.replace("AcceleratorError: ", "The device cpu stopped answering: ")
