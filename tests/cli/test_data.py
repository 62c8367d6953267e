"""Data as people have them, from the command line and Python, against closed forms."""

import math
import shutil
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import genprobe
from genprobe.store.format import SEGMENT_ROWS
from genprobe.store.write import StoreWriter

KINDS = Path(__file__).with_name("data_kinds.py")
FEW = ("--max-queries", "20", "--quiet")


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    """The module of all kinds, as the command line and Python import it, and its folder."""
    folder = tmp_path_factory.mktemp("data")
    shutil.copy(KINDS, folder)
    (folder / "m.pt").write_bytes(b"")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        import data_kinds

        yield data_kinds, folder


@pytest.fixture
def told(run_in, kinds):
    """Rate and distortion that the command line prints in JSON."""
    folder = kinds[1]

    def start(*arguments, model="rows"):
        path = folder / "report.json"
        done = run_in(
            folder,
            "evaluate",
            "m.pt",
            "--factory",
            f"data_kinds:{model}",
            *arguments,
            *FEW,
            "--json",
            path,
        )
        assert done.exit_code == 0, done.stderr
        report = genprobe.Report.from_json(path.read_text(encoding="utf-8"))
        return report.n, report["rate"].value, report["distortion"].value

    return start


def kl(loc):
    """KL(N(loc, 1/4) ‖ N(0, 1)) of each example (n, d), nats."""
    return 0.5 * (0.25 + loc**2 - 1 - math.log(0.25)).sum(1)


def bernoulli(x, kinds):
    """How many, rate and distortion of the model under examples (n, ...), in float64."""
    flat = x.reshape(len(x), -1).astype(np.float64)
    w, logits = kinds.weights(flat.shape[1])
    cross_entropy = np.logaddexp(0, logits) - flat * logits
    return len(x), kl(flat @ w).mean(), cross_entropy.sum(1).mean()


def poisson(x, kinds):
    flat = x.astype(np.float64)
    w, _ = kinds.weights(flat.shape[1])
    log_factorial = np.vectorize(math.lgamma)(flat + 1)
    minus_log_p = 1.5 - flat * math.log(1.5) + log_factorial
    return len(x), kl(flat @ w).mean(), minus_log_p.sum(1).mean()


def close(truth):
    return pytest.approx(truth, rel=1e-5)


NAMES = (
    *("tensor", "bits_as_bytes", "bytes_in_a_dataset", "pairs", "dicts", "lists"),
    *("named_tuples_of_numpy", "torchvision", "hugging_face", "images_as_arrays"),
    *("images_in_dicts", "frame", "sparse_matrix", "sparse_tensor", "subset", "sampler"),
    *("batch_sampler", "drop_last", "shuffled", "collate_fn", "stream", "stream_of_known_length"),
)


def test_every_kind_is_tried(kinds):
    assert set(NAMES) == set(kinds[0].TRUTH)


@pytest.mark.parametrize("name", NAMES)
def test_each_kind_has_its_closed_form(name, kinds, told):
    module = kinds[0]
    x = module.TRUTH[name]
    truth, model = close(bernoulli(x, module)), module.model_for(x)
    assert told("--data", f"python:data_kinds:{name}", model=model) == truth
    built = getattr(module, model)(None)
    report = genprobe.evaluate(built, getattr(module, name)(), max_queries=20)
    assert (report.n, report["rate"].value, report["distortion"].value) == truth


@pytest.mark.parametrize("counted", [False, True])
def test_counts_are_counts_under_poisson_in_any_file(counted, kinds, told):
    module, folder = kinds
    counts = module.GREY.reshape(module.N, -1)[:, : 2 * module.SIDE] % 5
    np.save(folder / "counts.npy", counts)
    np.savez(folder / "counts.npz", counts=counts, other=np.zeros(3))
    with h5py.File(folder / "counts.h5", "w") as file:
        file["x"] = counts
    header = bytes([0, 0, 8, 2]) + np.array(counts.shape, ">u4").tobytes()
    (folder / "counts.idx").write_bytes(header + counts.tobytes())
    names = ("counts.npy", "counts.npz::counts", "counts.h5", "counts.idx")
    said = ("--bytes", "counts") if counted else ()
    for name in names:
        found = told("--data", name, *said, model="counts")
        assert found == close(poisson(counts, module))


def test_the_input_is_under_the_key_that_is_named(kinds, told):
    module, folder = kinds
    np.savez(folder / "keys.npz", wave=module.BITS, x=np.zeros((module.N, 3)))
    truth = close(bernoulli(module.BITS, module))
    assert told("--data", "keys.npz", "--input-key", "wave") == truth
    assert told("--data", "keys.npz::wave") == truth


def test_a_store_of_a_shuffling_loader_is_used_again(kinds, run_in, caplog):
    _, folder = kinds
    arguments = ["m.pt", "--factory", "data_kinds:rows", "--data", "python:data_kinds:shuffled"]
    arguments += ["--max-queries", "20", "--store", "shuffled.h5"]
    first, again = (run_in(folder, "evaluate", *arguments) for _ in range(2))
    assert (first.exit_code, again.exit_code) == (0, 0), first.stderr + again.stderr
    assert "Reused shuffled.h5: all 24 examples" in caplog.text
    assert again.stdout == first.stdout


@pytest.mark.parametrize("collate", [None, "own"])
def test_an_interrupted_run_goes_on_with_another_loader_over_the_same_data(
    collate, kinds, tmp_path, caplog, monkeypatch
):
    module = kinds[0]
    x = torch.rand(SEGMENT_ROWS + 50, 8, generator=torch.Generator().manual_seed(0))
    write = StoreWriter.write

    def loader():
        own = None if collate is None else lambda items: torch.stack([a for (a,) in items])
        return DataLoader(TensorDataset(x), batch_size=64, shuffle=True, collate_fn=own)

    def run(store):
        model = replace(module.rows(None), likelihood="continuous-bernoulli")
        return genprobe.evaluate(model, loader(), store=tmp_path / store, max_queries=20)

    def stopped(self, segment, *arguments):
        if segment == 1:
            raise KeyboardInterrupt
        write(self, segment, *arguments)

    monkeypatch.setattr(StoreWriter, "write", stopped)
    with pytest.raises(KeyboardInterrupt):
        run("s.h5")
    monkeypatch.setattr(StoreWriter, "write", write)
    caplog.set_level("INFO", "genprobe")
    resumed = run("s.h5")
    assert "1 of 2 segments were encoded before" in caplog.text
    unbroken = run("unbroken.h5")
    assert resumed.estimates == unbroken.estimates
    w, _ = module.weights(8)
    truth = kl(x.double().numpy() @ w).mean()
    assert resumed["rate"].value == pytest.approx(truth, rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--data", "python:data_kinds:nothing"], 1, "There is no 'nothing' in data_kinds"),
        (["--data", "python:nowhere:x"], 1, "No module named 'nowhere'"),
        (["--data", "python:data_kinds:dicts", "--input-key", "z"], 1, "there are labels, data"),
        (["--data", "python:data_kinds:tensor", "--bytes", "counts"], 1, "holds no bytes"),
        (["--data", "digits", "--bytes", "grey"], 2, "'grey' is not one of"),
        (["--data", "digits", "--covariates", "y"], 2, "give NAME=SOURCE"),
    ],
)
def test_what_is_wrong_is_told_in_a_line_or_two(kinds, run_in, arguments, code, words):
    done = run_in(kinds[1], "evaluate", "m.pt", "--factory", "data_kinds:rows", *arguments)
    assert done.exit_code == code
    assert words in done.stderr
    assert code == 2 or len(done.stderr.splitlines()) <= 2
