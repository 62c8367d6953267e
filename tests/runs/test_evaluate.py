import logging
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

import genprobe
from genprobe import GenprobeError, Model, evaluate
from genprobe.architectures import MlpVae
from genprobe.errors import DataError, ModelError, StoreError
from genprobe.estimators.rate import rate
from genprobe.priors.diagonal_normal import build
from genprobe.runtime.progress import Progress
from genprobe.store.format import SEGMENT_ROWS
from genprobe.store.write import StoreWriter

# A factory whose encoder stops before the segment GENPROBE_TEST_STOP for good, to be killed there.
FACTORY = """
import os, signal
import torch
from genprobe import Model

STOP = int(os.environ.get("GENPROBE_TEST_STOP", -1))
calls = []

def build():
    net = torch.nn.Linear(3, 4)

    def encode(x):
        if len(x) > 512:
            calls.append(len(x))
        if len(calls) == STOP + 1 > 0:
            signal.pause()
        loc, log_scale = net(x).chunk(2, 1)
        return {"loc": loc, "scale": log_scale.exp()}

    def decode(z):
        return {"logits": torch.cat([z, z[:, :1]], 1)}

    return Model(name="slow", encode=encode, decode=decode, posterior="diagonal-normal",
                 prior="standard-normal", likelihood="bernoulli", module=net)
"""
SEGMENTS, STOP = 4, 2


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A folder with weights, data of four segments, and the factory that reads them."""
    (tmp_path / "slow.py").write_text(FACTORY)
    torch.save(torch.nn.Linear(3, 4).state_dict(), tmp_path / "w.pt")
    x = np.random.default_rng(0).random((SEGMENTS * SEGMENT_ROWS - 100, 3)) > 0.5
    np.save(tmp_path / "x.npy", x.astype(np.float32))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("slow", None)


def run(store, **options):
    settings = {
        "factory": "slow:build",
        "batch_size": SEGMENT_ROWS,
        "max_queries": 64,
        "device": "cpu",
    }
    return evaluate("w.pt", "x.npy", store=store, **(settings | options))


def encoded():
    """How many examples the encoder was given since last asked; probes give it far fewer."""
    import slow

    total = sum(slow.calls)
    slow.calls.clear()
    return total


@pytest.fixture
def child(work):
    """A real run, stopped for good in the third of four segments."""
    command = [sys.executable, "-m", "genprobe", "evaluate", "w.pt", "--factory", "slow:build"]
    command += [
        "--data",
        "x.npy",
        "--store",
        "s.h5",
        "--batch-size",
        str(SEGMENT_ROWS),
        "--device",
        "cpu",
    ]
    environment = os.environ | {"GENPROBE_TEST_STOP": str(STOP)}
    with Path("child.log").open("w") as log:
        child = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    last = Path("s.h5.partial", f"{STOP - 1:08d}.h5")
    deadline = time.monotonic() + 120
    try:
        while not last.exists():
            assert child.poll() is None, Path("child.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield child
    finally:
        child.kill()
        child.wait()


def arrays(path):
    found = {}
    with h5py.File(path) as file:
        header = file.attrs["header"]
        file.visititems(
            lambda name, item: (
                found.update({name: item[...]}) if isinstance(item, h5py.Dataset) else None
            )
        )
    return header, found


def same_store(path, other):
    (header, found), (other_header, expected) = arrays(path), arrays(other)
    assert header == other_header
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, strict=True)


def test_a_killed_run_resumes_to_the_same_numbers(child, caplog):
    child.kill()
    assert child.wait() == -9
    assert not Path("s.h5").exists()
    with caplog.at_level(logging.INFO, "genprobe"):
        resumed = run("s.h5")
    assert encoded() == (SEGMENTS - STOP) * SEGMENT_ROWS - 100
    assert f"Resumed s.h5: {STOP} of {SEGMENTS} segments were encoded before." in caplog.messages
    unbroken = run("unbroken.h5")
    assert encoded() == SEGMENTS * SEGMENT_ROWS - 100
    assert resumed.estimates == unbroken.estimates
    same_store("s.h5", "unbroken.h5")
    assert not list(Path().glob("*.partial"))


def test_a_second_writer_is_refused_while_the_first_is_at_work(child):
    for fresh in (False, True):
        with pytest.raises(StoreError, match=r"Another process is writing the store s\.h5"):
            run("s.h5", fresh=fresh)
    assert encoded() == 0
    assert child.poll() is None
    left = {path.name for path in Path("s.h5.partial").iterdir()}
    assert {"00000000.h5", "00000001.h5", "header.json"} <= left


def test_a_finished_store_is_reused_without_encoding(work, caplog):
    first = run("s.h5")
    assert encoded() > 0
    before = Path("s.h5").read_bytes()
    with caplog.at_level(logging.INFO, "genprobe"):
        again = run("s.h5")
    assert encoded() == 0
    assert again.estimates == first.estimates
    assert Path("s.h5").read_bytes() == before
    assert any("Reused s.h5: all 16284 examples" in message for message in caplog.messages)


def test_fresh_encodes_again_and_replaces(work):
    first = run("s.h5")
    encoded()
    Path("old.h5").hardlink_to("s.h5")
    again = run("s.h5", fresh=True)
    assert encoded() == SEGMENTS * SEGMENT_ROWS - 100
    assert again.estimates == first.estimates
    assert not Path("s.h5").samefile("old.h5")
    same_store("s.h5", "old.h5")


@pytest.fixture
def broken(monkeypatch):
    """Run until something is called for the n-th time, and be interrupted there."""

    def broken(place, name, calls, **options):
        def stops(*arguments, **given):
            nonlocal calls
            calls -= 1
            if calls == 0:
                raise KeyboardInterrupt
            return function(*arguments, **given)

        function = getattr(place, name)
        with monkeypatch.context() as patch:
            patch.setattr(place, name, stops)
            with pytest.raises(KeyboardInterrupt):
                run("s.h5", **options)

    return broken


def test_an_interrupted_fresh_run_goes_on_and_the_old_store_stays_until_it_is_done(
    work, broken, caplog
):
    first = run("s.h5")
    Path("old.h5").hardlink_to("s.h5")
    before = Path("s.h5").read_bytes()
    broken(StoreWriter, "write", 3, fresh=True)
    encoded()
    assert Path("s.h5").read_bytes() == before
    assert run("s.h5").estimates == first.estimates  # without fresh it is used as it is
    assert encoded() == 0
    assert Path("s.h5").samefile("old.h5")
    with caplog.at_level(logging.INFO, "genprobe"):
        again = run("s.h5", fresh=True)
    assert encoded() == 2 * SEGMENT_ROWS - 100
    resumed = (
        "Resumed s.h5: 2 of 4 segments were encoded before. To begin anew, delete s.h5.partial."
    )
    assert resumed in caplog.messages
    assert again.estimates == first.estimates
    assert not Path("s.h5").samefile("old.h5")
    same_store("s.h5", "old.h5")
    assert not Path("s.h5.partial").exists()
    run("s.h5", fresh=True)
    assert encoded() == SEGMENTS * SEGMENT_ROWS - 100


def test_a_fresh_run_interrupted_before_its_report_encodes_nothing_again(work, broken):
    first = run("s.h5")
    Path("old.h5").hardlink_to("s.h5")
    broken(genprobe.runs.evaluation, "build_report", 1, fresh=True)
    assert not Path("s.h5").samefile("old.h5")
    encoded()
    assert run("s.h5", fresh=True).estimates == first.estimates
    assert encoded() == 0
    assert not Path("s.h5.partial").exists()
    run("s.h5", fresh=True)
    assert encoded() == SEGMENTS * SEGMENT_ROWS - 100


@pytest.mark.parametrize("place", ["write", "report"])
def test_a_fresh_run_does_not_go_on_from_one_with_other_settings(work, broken, place):
    cached = (genprobe.runs.evaluation, "write_cached_report", 1)
    where = (StoreWriter, "write", 3) if place == "write" else cached
    broken(*where, fresh=True, seed=1)
    encoded()
    run("s.h5", fresh=True)
    assert encoded() == SEGMENTS * SEGMENT_ROWS - 100
    assert genprobe.open_store("s.h5").header.seed == 0


def test_a_fresh_run_does_not_go_on_from_one_that_is_not(work, broken):
    broken(StoreWriter, "write", 3)
    encoded()
    run("s.h5", fresh=True)
    assert encoded() == SEGMENTS * SEGMENT_ROWS - 100


def test_what_a_kill_between_finishing_and_cleaning_left_is_cleaned(work):
    run("s.h5")
    partial = Path("s.h5.partial")
    partial.mkdir()
    (partial / "00000003.h5").write_bytes(b"left over")
    (partial / "lock").touch()
    encoded()
    run("s.h5")
    assert encoded() == 0
    assert not partial.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "another seed"),
        ({"draws": 2}, "another number of draws"),
        ({"dtype": "float64"}, "another dtype"),
        ({"binarize": "threshold"}, "another binarisation"),
    ],
)
def test_a_store_of_another_run_is_refused_and_kept(work, change, message):
    run("s.h5")
    before = Path("s.h5").read_bytes()
    with pytest.raises(StoreError, match=rf"s\.h5 is of {message}.*\n.*--fresh"):
        run("s.h5", **change)
    assert Path("s.h5").read_bytes() == before
    assert {path.name for path in Path().glob("s.h5.*")} == {"s.h5.report.json"}
    assert run("s.h5", fresh=True, **change).n == 16284


def test_a_store_of_another_model_or_other_data_is_refused(work):
    run("s.h5")
    torch.save(torch.nn.Linear(3, 4).state_dict(), "w.pt")
    with pytest.raises(StoreError, match=r"another model .*same name, other content"):
        run("s.h5")
    run("t.h5")
    x = np.load("x.npy")
    np.save("x.npy", 1 - x)
    with pytest.raises(StoreError, match=r"another data set: 16284 of 16284 .* example 0"):
        run("t.h5")
    np.save("x.npy", x[:4])
    with pytest.raises(StoreError, match="another number of examples"):
        run("t.h5")


def test_another_prior_uses_the_store_as_it_is(work):
    loc, scale = torch.full((2,), 0.5), torch.full((2,), 2.0)
    first = run("s.h5")
    encoded()
    other = run("s.h5", prior=build(torch.Size([2]), {"loc": loc, "scale": scale}))
    assert encoded() == 0
    _, found = arrays("s.h5")
    params = (torch.from_numpy(found[f"params/{k}"]) for k in ("loc", "scale"))
    q = torch.distributions.Normal(*params)
    p = torch.distributions.Normal(loc, scale)
    truth = torch.distributions.kl_divergence(q, p).sum(1).double().mean().item()
    assert other["rate"].value == pytest.approx(truth, rel=1e-5)
    assert first["rate"].value != pytest.approx(truth, rel=1e-2)


# Refused runs


def encode(x):
    return {"loc": x, "scale": torch.ones_like(x)}


def bare(**changes):
    parts = {"encode": encode, "posterior": "diagonal-normal", "prior": "standard-normal"}
    return Model(**({"name": "bare"} | parts | changes))


X = torch.rand(20, 3, generator=torch.Generator().manual_seed(0))
BAD_SCALE = {"encode": lambda x: {"loc": x, "scale": x - x}}
BAD_LOC = {"encode": lambda x: {"loc": x / 0 * 0, "scale": torch.ones_like(x)}}
BAD_SHAPE = {"decode": lambda z: {"logits": z[:, :1]}, "likelihood": "bernoulli"}
REFUSED = {
    "scale": (bare(**BAD_SCALE), X, ModelError, "scale that must be > 0 .*example 0"),
    "nan": (bare(**BAD_LOC), X, ModelError, "loc that is not finite, at example 0"),
    "shape": (bare(**BAD_SHAPE), X, ModelError, r"shape \(1,\); the data's are \(3,\)"),
    "late": (bare(), torch.cat([X, X / 0]), DataError, "Example 20 of array"),
    "grey": (
        bare(decode=lambda z: {"logits": z}, likelihood="bernoulli"),
        2 * X,
        DataError,
        r"has the value .* needs values in \[0, 1\]",
    ),
    "fit": (
        MlpVae(data_shape=(4,), latent=1, hidden=(2,)).as_model("m"),
        X,
        ModelError,
        r"of shape \(3,\), 3 values; the model takes \(4,\), 4 values",
    ),
    "data": (bare(), "absent.npy", DataError, r"no data file at absent\.npy"),
    "no-data": (bare(), None, DataError, "does not say what data .*\n.*--data"),
    "model": ("absent.pt", X, ModelError, r"no model at absent\.pt"),
    "family": (bare(posterior="x"), X, GenprobeError, "no family 'x'"),
}


@pytest.mark.parametrize(("model", "data", "error", "message"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("fresh", [False, True])
def test_a_refused_run_leaves_nothing(tmp_path, model, data, error, message, fresh):
    with pytest.raises(error, match=message) as told:
        evaluate(model, data, store=tmp_path / "s.h5", fresh=fresh)
    assert told.value.remedy
    assert len(str(told.value).splitlines()) <= 2
    assert not list(tmp_path.iterdir())


def test_a_refused_fresh_run_keeps_the_old_store(tmp_path):
    path = tmp_path / "s.h5"
    evaluate(bare(), X, store=path)
    before = path.read_bytes()
    with pytest.raises(DataError):
        evaluate(bare(), torch.cat([X, X / 0]), store=path, fresh=True)
    assert path.read_bytes() == before
    assert {p.name for p in tmp_path.iterdir()} == {"s.h5", "s.h5.report.json"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("draws", 0),
        ("tolerance", 0.0),
        ("tolerance", math.nan),
        ("max_queries", 0),
        ("batch_size", -1),
        ("bin_width", 0.0),
        ("dtype", "float16"),
        ("device", "abacus"),
        ("binarize", "dither"),
    ],
)
def test_options_that_make_no_sense_are_told(tmp_path, name, value):
    with pytest.raises(GenprobeError, match=f"{name}.*{value}|{value}"):
        evaluate(bare(), X, store=tmp_path / "s.h5", **{name: value})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"not a store\n", b"\x89HDF\r\n\x1a\n"])
def test_a_file_that_is_no_store_is_told_and_kept(tmp_path, content):
    path = tmp_path / "s.h5"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"s\.h5 is (not a store|damaged)") as told:
        evaluate(bare(), X, store=path)
    assert told.value.remedy
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("place", ["file/s.h5", "file/deeper/s.h5"])
def test_a_store_below_a_file_is_told(tmp_path, place):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot be written at .*s\.h5.*\n.*--store"):
        evaluate(bare(), X, store=tmp_path / place)


@pytest.fixture(params=[0o555, 0o000], ids=["read-only", "closed"])
def locked(request):
    """A folder that we may not write, or not even enter: root becomes nobody for the while."""
    evaluate(bare(), X)
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "m.pt").touch()
        (folder / "x.npy").touch()
        folder.chmod(request.param)
        if root:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o755)
            assert {path.name for path in folder.iterdir()} == {"m.pt", "x.npy"}


def test_a_store_in_a_locked_folder_is_told(locked):
    with pytest.raises(PermissionError):
        (locked / "probe").touch()
    with pytest.raises(StoreError, match=r"cannot be written at .*: Permission denied\.\n"):
        evaluate(bare(), X, store=locked / "s.h5")


def test_what_cannot_be_read_in_a_locked_folder_is_told(locked):
    with pytest.raises(ModelError, match=r"m\.pt.*\n"):
        evaluate(locked / "m.pt", X)
    with pytest.raises(DataError, match=r"x\.npy.*\n"):
        evaluate(bare(), locked / "x.npy")
    with pytest.raises(StoreError, match=r"s\.h5"):
        genprobe.open_store(locked / "s.h5")


# What is passed on


def test_without_a_store_nothing_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    evaluate(bare(), X)
    assert not list(tmp_path.iterdir())


def test_without_a_store_a_temporary_one_stays_as_long_as_its_report(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    report = evaluate(bare(), X)
    assert report.store.column("probes/rate").mean() == pytest.approx(report["rate"].value)
    del report
    assert not list(tmp_path.iterdir())


def test_a_failure_leaves_no_temporary_store(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(GenprobeError):
        evaluate(bare(), X, estimators={"mine": lambda unheard_of: 1.0})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("calls", [0, 2], ids=["at once", "amid the encoding"])
def test_an_interrupt_passes_through_and_leaves_nothing(tmp_path, monkeypatch, calls):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = []

    def encode(x):
        made.append(len(x))
        if len(made) > calls:
            raise KeyboardInterrupt
        return {"loc": x, "scale": 1 + 0 * x}

    model = Model(name="m", encode=encode, posterior="diagonal-normal", prior="standard-normal")
    with pytest.raises(KeyboardInterrupt):
        evaluate(model, X, batch_size=5)
    assert len(made) == calls + 1
    assert not list(tmp_path.iterdir())


def test_progress_is_told_to_a_display_of_ones_own():
    told, said = [], []
    mine = Progress(advance=lambda *news: told.append(news), say=lambda *news: said.append(news))
    report = evaluate(bare(), X, progress=mine)
    assert {stage for stage, _, _ in told} == {"encode", "aggregate", "fit"}
    assert [n for stage, _, n in told if stage == "encode"] == [len(X)] * 2
    found = report["mutual_information"]
    assert [text for stage, text in said if stage == "aggregate"][-1] == (
        f"I(n;z) {found.value:.3f} ± {found.se:.3f} nats"
    )


def test_a_bundle_says_its_data_and_binarisation(tmp_path):
    module = MlpVae(data_shape=(64,), latent=2, hidden=(4,))
    training = {"data": "digits", "binarize": "threshold"}
    genprobe.save(module.as_model("mine", training), tmp_path / "m.pt")
    report = evaluate(tmp_path / "m.pt", max_queries=8)
    assert (report.dataset, report.n) == ("digits", 1797)
    assert report.provenance["binarize"] == "threshold"
    assert report.provenance["training"] == training
    other = evaluate(tmp_path / "m.pt", binarize="none", split="test", max_queries=8)
    assert (other.dataset, other.n, other.provenance["binarize"]) == ("digits-test", 360, "none")


def test_the_same_call_gives_the_same_report(tmp_path):
    calls = [evaluate(bare(), X, draws=2, seed=5) for _ in range(2)]
    calls.append(evaluate(bare(), X, draws=2, seed=5, batch_size=3))
    assert calls[0].estimates == calls[1].estimates == calls[2].estimates
    assert evaluate(bare(), X, draws=2, seed=6).estimates != calls[0].estimates


def test_only_the_estimators_asked_for_are_run():
    assert list(evaluate(bare(), X, estimators={"rate": rate}).estimates) == ["rate"]


def test_provenance_says_how_it_was_run(tmp_path):
    report = evaluate(bare(), X, store=tmp_path / "s.h5", batch_size=7, device="cpu", draws=3)
    expected = {"device": "cpu", "batch_size": 7, "store": str(tmp_path / "s.h5"), "draws": 3}
    assert expected.items() <= report.provenance.items()
    assert evaluate(bare(), X).provenance["store"] is None


class Flaky:
    """An encoder that fails once, on a full batch after so many."""

    def __init__(self, error, after):
        self.error, self.left = error, after

    def __call__(self, x):
        if self.error is not None and len(x) > 512:
            self.left -= 1
            if self.left < 0:
                error, self.error = self.error, None
                raise error
        return {"loc": x[:, :2], "scale": torch.ones(len(x), 2)}


def flaky(error):
    return Model(
        name="flaky",
        encode=Flaky(error, after=2),
        posterior="diagonal-normal",
        prior="standard-normal",
    )


def test_a_device_that_is_lost_is_told_and_the_rerun_resumes(tmp_path, caplog):
    model, x = (
        flaky(torch.AcceleratorError("CUDA error: device lost\nmore")),
        torch.randn(4 * SEGMENT_ROWS, 2),
    )
    with pytest.raises(GenprobeError, match="stopped answering: CUDA error: device lost") as told:
        evaluate(model, x, store=tmp_path / "s.h5", batch_size=SEGMENT_ROWS)
    assert "it goes on where it stopped" in str(told.value)
    with caplog.at_level(logging.INFO, logger="genprobe"):
        report = evaluate(model, x, store=tmp_path / "s.h5", batch_size=SEGMENT_ROWS)
    assert "2 of 4 segments were encoded before" in caplog.text
    whole = evaluate(flaky(None), x)
    assert report["mutual_information"].value == whole["mutual_information"].value


def test_a_batch_too_large_for_the_memory_says_what_to_do():
    model = flaky(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"))
    with pytest.raises(ModelError, match=r"a batch of 1024, each of shape \(2,\)") as told:
        evaluate(model, torch.randn(4000, 2))
    assert "--batch-size" in str(told.value)


# Posteriors without a model


def linear_gaussian(n=1500):
    """x ~ N(0, 1), q(z|x) = N(.8 x, .6²) and p(x|z) = N(.8 z, .6²), five of them side by side."""
    g = torch.Generator().manual_seed(1)
    x = torch.randn(n, 5, generator=g)
    scale = torch.full((n, 5), 0.6)
    return x, {"loc": 0.8 * x, "scale": scale}


def given_distortion(x, params, draws=1):
    """−log p(x|z) of draws of z made here."""
    z = torch.distributions.Normal(params["loc"].double(), 0.6).sample((draws,))
    return -torch.distributions.Normal(0.8 * z, 0.6).log_prob(x.double()).sum(-1)


def test_recorded_posteriors_give_the_numbers_of_the_model_they_came_from(tmp_path):
    x, params = linear_gaussian()
    settings = {"max_queries": 300, "seed": 3, "device": "cpu"}
    model = Model(
        name="m",
        encode=lambda x: {"loc": 0.8 * x, "scale": torch.full_like(x, 0.6)},
        posterior="diagonal-normal",
        prior="standard-normal",
    )
    whole = evaluate(model, x, **settings)
    found = genprobe.evaluate_posteriors(params, **settings)
    assert found.estimates == whole.estimates
    np.savez(tmp_path / "p.npz", **{k: v.numpy() for k, v in params.items()})
    assert evaluate(tmp_path / "p.npz", **settings).estimates == whole.estimates
    q = torch.distributions.Normal(params["loc"].double(), params["scale"].double())
    p = torch.distributions.Normal(torch.zeros_like(q.loc), 1.0)
    truth = torch.distributions.kl_divergence(q, p).sum(1).mean()
    assert found["rate"].value == pytest.approx(float(truth), rel=1e-12)


@pytest.mark.parametrize("draws", [None, 4])
def test_a_recorded_distortion_is_reported_and_what_needs_the_decoder_is_absent(draws):
    x, params = linear_gaussian()
    given = given_distortion(x, params, draws or 1)
    found = genprobe.evaluate_posteriors(
        params, distortion=given if draws else given[0], draws=3, max_queries=100
    )
    assert found["distortion"].value == pytest.approx(float(given.mean()), rel=1e-12)
    assert found["elbo"].value == pytest.approx(
        -found["rate"].value - float(given.mean()), rel=1e-12
    )
    absent = found.provenance["absent"]
    assert {"slope", "iwae_bound", "generative_mutual_information", "blind_distortion"} <= (
        absent.keys() - found.estimates.keys()
    )
    assert "not of these draws" in absent["iwae_bound"]
    [notice] = [w for w in found.warnings if w.code == "density-distortion"]
    assert "was given" in notice.message


def test_without_a_distortion_the_rate_side_stands_alone():
    _, params = linear_gaussian(200)
    found = genprobe.evaluate_posteriors(params, max_queries=100)
    assert "rate" in found.estimates
    assert "distortion" not in found.estimates
    assert found.regime.label == "undetermined"
    assert not [w for w in found.warnings if w.code == "density-distortion"]


def test_the_likelihood_of_a_recorded_distortion_says_whether_it_is_discrete():
    x, params = linear_gaussian(400)
    settings = {"distortion": given_distortion(x, params)[0].abs() + 30, "max_queries": 50}
    discrete = genprobe.evaluate_posteriors(params, likelihood="bernoulli", **settings)
    density = genprobe.evaluate_posteriors(params, likelihood="normal", **settings)
    assert discrete.regime.by_position is not None
    assert discrete.regime.entropy == pytest.approx(-discrete["elbo"].value)
    assert density.regime.by_position is None
    with pytest.raises(GenprobeError, match="no likelihood 'bernouli'"):
        genprobe.evaluate_posteriors(params, likelihood="bernouli", **settings)


def test_a_bin_width_needs_the_shape_of_the_data():
    x, params = linear_gaussian(200)
    settings = {"distortion": given_distortion(x, params)[0], "bin_width": 0.1, "max_queries": 50}
    with pytest.raises(DataError, match="number of values in an example"):
        genprobe.evaluate_posteriors(params, **settings)
    found = genprobe.evaluate_posteriors(params, event_shape=(5,), **settings)
    plain = float(settings["distortion"].mean())
    assert found["distortion"].value == pytest.approx(plain - 5 * math.log(0.1), rel=1e-12)


def test_the_store_of_a_record_is_reused_shown_and_refused_to_another(tmp_path, caplog):
    x, params = linear_gaussian(200)
    settings = {"store": tmp_path / "s.h5", "max_queries": 50}
    kept = given_distortion(x, params)[0]
    first = genprobe.evaluate_posteriors(params, distortion=kept, **settings)
    with caplog.at_level(logging.INFO, "genprobe"):
        again = genprobe.evaluate_posteriors(params, distortion=kept.numpy(), **settings)
    assert "Reused" in caplog.text
    assert again.estimates == first.estimates
    shown = genprobe.report_from_store(genprobe.open_store(tmp_path / "s.h5"), max_queries=50)
    assert shown.estimates == first.estimates
    for other in (
        {"params": {**params, "loc": params["loc"] + 1}, "distortion": kept},
        {"params": params, "distortion": kept + 1},
        {"params": params, "distortion": kept, "prior": "diagonal-normal"}
        | {"prior_params": {"loc": 0.0, "scale": 2.0}},
    ):
        with pytest.raises(StoreError):
            genprobe.evaluate_posteriors(**other, **settings)


def test_a_broken_run_of_a_record_ends_as_an_unbroken_one(tmp_path, monkeypatch):
    x, params = linear_gaussian(2 * SEGMENT_ROWS + 400)
    kept = given_distortion(x, params)[0]
    settings = {"distortion": kept, "max_queries": 50}
    whole = genprobe.evaluate_posteriors(params, store=tmp_path / "a.h5", **settings)
    write = genprobe.store.write.StoreWriter.write

    def stopping(self, segment, arrays, notice):
        if segment == 2:
            raise KeyboardInterrupt
        write(self, segment, arrays, notice)

    with monkeypatch.context() as patch:
        patch.setattr(genprobe.store.write.StoreWriter, "write", stopping)
        with pytest.raises(KeyboardInterrupt):
            genprobe.evaluate_posteriors(params, store=tmp_path / "b.h5", **settings)
    found = genprobe.evaluate_posteriors(params, store=tmp_path / "b.h5", **settings)
    assert found.estimates == whole.estimates
    with h5py.File(tmp_path / "a.h5") as a, h5py.File(tmp_path / "b.h5") as b:
        assert "moments" not in a
        for name in ("params/loc", "draws/z", "probes/distortion"):
            assert np.array_equal(a[name], b[name])


def test_records_of_the_same_data_are_compared_and_of_others_are_not():
    x, params = linear_gaussian(200)
    kept = {"distortion": given_distortion(x, params)[0], "max_queries": 50}
    wide = {**params, "scale": params["scale"] * 1.2}
    a, b = (
        genprobe.evaluate_posteriors(p, name=name, dataset="toy", **kept)
        for name, p in (("a", params), ("b", wide))
    )
    assert [r.model for r in genprobe.compare([a, b]).reports] == ["b", "a"]
    unnamed = genprobe.evaluate_posteriors(wide, name="b", **kept)
    with pytest.raises(GenprobeError, match=r"b on unnamed data of b .* different data"):
        genprobe.compare([a, unnamed])
    known = genprobe.evaluate_posteriors(wide, name="b", data=x, **kept)
    model = Model(
        name="m",
        encode=lambda x: {"loc": 0.8 * x, "scale": torch.full_like(x, 0.6)},
        posterior="diagonal-normal",
        prior="standard-normal",
    )
    assert len(genprobe.compare([evaluate(model, x, max_queries=50), known]).reports) == 2
    assert known.provenance["event_shape"] == [5]


def test_data_of_another_length_are_refused():
    x, params = linear_gaussian(200)
    with pytest.raises(DataError, match="posteriors of 200 examples; array has 100"):
        genprobe.evaluate_posteriors(params, data=x[:100])


def test_a_function_that_a_model_names_as_its_data_is_not_run(tmp_path, monkeypatch):
    (tmp_path / "theirs.py").write_text("def data():\n    open('ran', 'w')\n    return [[0.0]]\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"names a function as its data: python:theirs:data"):
        genprobe.evaluate(bare(training={"data": "python:theirs:data"}))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("option", [{"split": "test"}, {"binarize": "threshold"}])
def test_there_are_no_data_to_split_or_binarise(option):
    _, params = linear_gaussian(20)
    with pytest.raises(DataError, match="no data to split, binarise"):
        genprobe.evaluate_posteriors(params, **option)


def test_a_prior_of_a_record_may_have_tensors():
    _, params = linear_gaussian(300)
    settings = {"prior": "diagonal-normal", "prior_params": {"loc": np.zeros(5), "scale": 2.0}}
    found = genprobe.evaluate_posteriors(params, max_queries=50, **settings)
    q = torch.distributions.Normal(params["loc"].double(), params["scale"].double())
    p = torch.distributions.Normal(torch.zeros_like(q.loc), 2.0)
    truth = torch.distributions.kl_divergence(q, p).sum(1).mean()
    assert found["rate"].value == pytest.approx(float(truth), rel=1e-12)


def test_posteriors_outside_their_family_are_named():
    _, params = linear_gaussian(50)
    params["scale"][17, 3] = -1.0
    with pytest.raises(
        ModelError, match="mine gives a value of scale that must be > 0 and is not, at ex"
    ) as e:
        genprobe.evaluate_posteriors(params, name="mine")
    assert "example 17: value -1 in dimension 3" in e.value.what
    del params["scale"]
    with pytest.raises(
        ModelError, match="mine returns loc; the family diagonal-normal needs loc, sc"
    ):
        genprobe.evaluate_posteriors(params, name="mine")


def test_float64_posteriors_keep_their_digits_when_asked():
    loc = torch.randn(100, 2, dtype=torch.float64)
    params = {"loc": loc, "scale": torch.full_like(loc, 1e-3)}
    truth = (1e-6 + loc.square() - 1 - 2 * math.log(1e-3)).sum(1).mean() / 2
    found = genprobe.evaluate_posteriors(params, dtype="float64", max_queries=50)
    assert found["rate"].value == pytest.approx(float(truth), rel=1e-14)


def test_a_family_can_be_named_for_a_file_and_for_nothing_else(work):
    _, params = linear_gaussian(50)
    np.savez("p.npz", **{k: v.numpy() for k, v in params.items()})
    with pytest.raises(GenprobeError, match="no family 'normale'"):
        evaluate("p.npz", family="normale")
    found = evaluate("p.npz", family="diagonal-normal", max_queries=50)
    assert found.provenance["family"] == "diagonal-normal"
    with pytest.raises(ModelError, match="names its own posterior family"):
        run("s.h5", family="diagonal-normal")
