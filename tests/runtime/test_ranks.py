import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

import genprobe
from genprobe.errors import GenprobeError
from genprobe.runtime.ranks import (
    ALONE,
    Ranks,
    all_max,
    all_sum,
    backend,
    barrier,
    broadcast,
    broadcast_object,
    join_group,
    process_group,
)
from genprobe.store.format import SEGMENT_ROWS

N, SEGMENT = 4 * SEGMENT_ROWS + 100, SEGMENT_ROWS

# A factory whose encoder kills its own process once, in the second segment of the rank named in
# the environment, and leaves a mark.
FACTORY = """
import json, os, signal
from pathlib import Path
import torch
import genprobe
from genprobe import Model

calls = []

def encode_of(net):
    def encode(x):
        calls.append(len(x))
        mortal = os.environ.get("RANK") == os.environ.get("GENPROBE_TEST_KILL", "none")
        if mortal and calls.count(4096) == 2 and not Path("killed").exists():
            Path("killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        loc, log_scale = net(x).chunk(2, 1)
        return {"loc": loc, "scale": log_scale.exp()}
    return encode

def build():
    net = torch.nn.Linear(3, 4)
    return Model(name="small", encode=encode_of(net),
                 decode=lambda z: {"logits": torch.cat([z, z[:, :1]], 1)},
                 posterior="diagonal-normal", prior="standard-normal", likelihood="bernoulli",
                 module=net)

def chained():
    net = torch.nn.Linear(3, 4)

    def walk(x):
        loc, log_scale = net(x).chunk(2, 1)
        q = {"loc": loc, "scale": log_scale.exp()}
        z = yield q, {"loc": torch.zeros(2), "scale": torch.ones(2)}
        yield {"loc": loc[:, :1] + z[:, :1], "scale": 0.5}, {"loc": z[:, 1:], "scale": 1.0}

    return Model(name="chained", chain=walk, decode=lambda z: {"logits": torch.cat(z, 1)},
                 posterior="diagonal-normal", likelihood="bernoulli", module=net)

def labelled():
    loc = torch.randn(300, 2, generator=torch.Generator().manual_seed(0))
    report = genprobe.evaluate_posteriors(
        {"loc": loc, "scale": torch.full_like(loc, 0.5)},
        labels={"side": (loc[:, 0] > 0).long()},
        device="cpu",
        max_queries=256,
    )
    return json.dumps({name: label.to_dict() for name, label in report.labels.items()})
"""

# What ranks exchange, asserted on each of them.
EXCHANGES = """
import math, sys, traceback
import torch
from genprobe.errors import DataError, GenprobeError, OtherRankError
from genprobe.runtime.ranks import all_max, all_sum
from genprobe.runtime.ranks import barrier, broadcast, broadcast_object, process_group

with process_group("cpu") as ranks:
    with process_group("cpu") as again:
        assert again == ranks
    assert ranks.size == 2
    mine = torch.tensor([1.0, -math.inf, math.nan if ranks.rank else 3.0, 4.0 - ranks.rank])
    torch.testing.assert_close(
        all_max(mine, ranks), torch.tensor([1.0, -math.inf, math.nan, 4.0]), equal_nan=True
    )
    assert all_sum(mine[::3], ranks).tolist() == [2.0, 7.0]
    assert mine[0] == 1.0
    assert broadcast_object({"rank": ranks.rank}, ranks) == {"rank": 0}
    assert broadcast(torch.full((2, 3), ranks.rank).T, ranks).tolist() == [[0, 0]] * 3
    try:
        with barrier(ranks):
            if ranks.rank == 1:
                raise DataError("Example 7 is missing.")
    except OtherRankError as error:
        assert (ranks.rank, str(error)) == (0, "Rank 1: Example 7 is missing.")
    except DataError as error:
        assert (ranks.rank, str(error)) == (1, "Example 7 is missing.")
    else:
        raise AssertionError
    try:
        with barrier(ranks):
            try:
                with barrier(ranks):
                    if ranks.rank == 1:
                        raise DataError("Example 8 is missing.")
            except DataError:
                pass  # rank 1 goes on, and only rank 0 is left to tell
    except GenprobeError as error:
        assert isinstance(error, OtherRankError) == (ranks.rank == 1)
        assert str(error).endswith("Rank 1: Example 8 is missing.")
    else:
        raise AssertionError

    def divide(by):
        return 1 / by

    try:
        with barrier(ranks):
            divide(1 - ranks.rank)
    except OtherRankError as error:
        assert (ranks.rank, str(error)) == (0, "Rank 1: ZeroDivisionError: division by zero")
    except ZeroDivisionError as error:
        assert ranks.rank == 1
        assert traceback.extract_tb(error.__traceback__)[-1].name == "divide"
    else:
        raise AssertionError
    try:
        with barrier(ranks):  # rank 0 knows of a fault only what rank 1 told it
            raise LookupError("None.") if ranks.rank else OtherRankError("Rank 1: None.")
    except OtherRankError as error:
        assert (ranks.rank, str(error)) == (0, "Rank 1: LookupError: None")
    except LookupError as error:
        assert (ranks.rank, str(error)) == (1, "None.")
    else:
        raise AssertionError
    try:
        with barrier(ranks):  # both: the first one's is told, the other's is its cause
            raise LookupError(ranks.rank)
    except OtherRankError as error:
        assert (ranks.rank, error.__cause__.args) == (1, (1,))
    except LookupError as error:
        assert (ranks.rank, error.args) == (0, (0,))
    else:
        raise AssertionError
sys.stdout.write(f"rank {ranks.rank} passed\\n")
"""

# Every rank of a Python program gets the reports; the hook is called once for each.
PROGRAM = """
import sys
import genprobe
from genprobe.plugins import plugins
from small import labelled

told = []
type(plugins()).tell = lambda self, hook, **given: told.append(hook)
for turn in range(3):
    settings = {"factory": "small:build", "device": "cpu", "max_queries": 64}
    report = genprobe.evaluate("w.pt", "two.npy" if turn else "x.npy", **settings)
    sys.stdout.write(f"{turn} {report['rate'].value!r} {len(told)}\\n")
sys.stdout.write(labelled() + "\\n")
"""

# One rank alone fails, somewhere, with what is no GenprobeError; then the same call succeeds.
FAILING = """
import dataclasses, os, sys, tempfile
import torch
import genprobe
from genprobe.runs import encoded_store, evaluation
from genprobe.analysis import report as reporting
from genprobe.aggregate import codes, queries
from genprobe.datasets.from_array import array_dataset
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.runtime.progress import Progress

rank, at_fault = os.environ["RANK"], os.environ["AT_FAULT"]
now = None

def at(place, result=None):
    if place == now and rank == at_fault:
        raise ZeroDivisionError(f"at {place}")
    return result

x = torch.randn(90, 2, generator=torch.Generator().manual_seed(0))
plain = array_dataset("x", x)
data = dataclasses.replace(plain, read=lambda a, b: at("read", plain.read)(a, b))
family = dataclasses.replace(
    diagonal_normal, natural=lambda params: at("query", diagonal_normal.natural(params))
)
sampled, made = codes.sample_codes, reporting.build_report
codes.sample_codes = lambda *given: at("draw", sampled)(*given)
evaluation.build_report = lambda *args, **given: at("report", made)(*args, **given)
encoded_store.tempfile = type(
    "", (), {"mkdtemp": lambda **given: at("temporary", tempfile.mkdtemp)(**given)}
)
model = genprobe.Model(
    name="m",
    encode=lambda x: {"loc": x, "scale": 0.5 + 0 * x},
    posterior=family,
    prior="standard-normal",
)
places = {"1": ["read", "draw", "query"], "0": ["temporary", "progress", "report"]}[at_fault]
shown = Progress(advance=lambda *step: at("progress"), say=lambda *said: None)
for now in [*places, None]:
    try:
        report = genprobe.evaluate(model, data, device="cpu", max_queries=64, progress=shown)
        sys.stdout.write(f"{rank} {now} {report['rate'].value!r}\\n")
    except Exception as error:
        sys.stdout.write(f"{rank} {now} {type(error).__name__}: {error}\\n")
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder with weights, data of five segments, and the factory that reads them."""
    folder = tmp_path_factory.mktemp("ranks")
    (folder / "small.py").write_text(FACTORY)
    torch.manual_seed(0)
    torch.save(torch.nn.Linear(3, 4).state_dict(), folder / "w.pt")
    x = (np.random.default_rng(0).random((N, 3)) > 0.5).astype(np.float32)
    np.save(folder / "x.npy", x)
    np.save(folder / "two.npy", x[:2])
    x[-1] = 7
    np.save(folder / "bad.npy", x)
    return folder


@pytest.fixture
def place(work, tmp_path, monkeypatch):
    """The same in a folder of its own, which is the current one."""
    shutil.copytree(work, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("small", None)


def torchrun(ranks, *arguments, restarts=0, **environment):
    """Run a program on so many ranks; what it printed."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", str(ranks), "--max-restarts", str(restarts)]
    return subprocess.run(
        [*command, *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )


def evaluate_on(ranks, data="x.npy", *flags, **options):
    settings = ["w.pt", "--factory", "small:build", "--data", data, "--device", "cpu"]
    settings += ["--batch-size", SEGMENT, "--max-queries", 64]
    return torchrun(ranks, "-m", "genprobe", "evaluate", *settings, *flags, **options)


def alone(data="x.npy", store=None):
    """The report of one process."""
    return genprobe.evaluate(
        "w.pt",
        data,
        store=store,
        factory="small:build",
        device="cpu",
        batch_size=SEGMENT,
        max_queries=64,
    )


def assert_same_numbers(path, report):
    """Every estimate and dimension in a JSON report, to 1e-6 nats: pairs are float32."""
    found = json.loads(Path(path).read_text(encoding="utf-8"))
    expected = json.loads(report.to_json())
    for part in ("estimates", "dimensions"):
        same_tree(found[part], expected[part])
    assert found["regime"]["label"] == expected["regime"]["label"]


def same_tree(found, expected):
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        expected, found = list(expected.values()), list(found.values())
    if isinstance(expected, list):
        for one, other in zip(found, expected, strict=True):
            same_tree(one, other)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, abs=1e-6)
    else:
        assert found == expected


def test_spans_divide_everything_once():
    for size in (1, 2, 3, 7):
        for count in (0, 1, 2, 20):
            spans = [Ranks(rank, size).span(count) for rank in range(size)]
            assert [i for span in spans for i in range(*span)] == list(range(count))
            lengths = [stop - start for start, stop in spans]
            assert max(lengths) - min(lengths) <= 1


def test_a_process_alone_exchanges_nothing(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    values = torch.tensor([1.0, torch.nan])
    with process_group("cpu") as ranks, barrier(ranks):
        assert ranks == ALONE
        assert ranks.leads
        assert all_max(values, ranks) is values
        assert all_sum(values, ranks) is values
        assert broadcast(values, ranks) is values
        assert broadcast_object(values, ranks) is values


@pytest.mark.parametrize(
    ("device", "gpu", "expected"),
    [
        ("cpu", True, "gloo"),
        ("auto", False, "gloo"),
        ("auto", True, "cpu:gloo,cuda:nccl"),
        ("cuda:1", True, "cpu:gloo,cuda:nccl"),
    ],
)
def test_nccl_is_for_gpus_only(monkeypatch, device, gpu, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    assert backend(device) == expected


def test_a_restart_on_several_machines_that_would_hang_is_refused(monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    monkeypatch.setenv("TORCHELASTIC_USE_AGENT_STORE", "True")
    monkeypatch.setenv("GROUP_WORLD_SIZE", "2")
    with pytest.raises(GenprobeError, match="TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1"):
        join_group("gloo")


def test_ranks_exchange_numbers_and_faults(tmp_path):
    script = tmp_path / "exchanges.py"
    script.write_text(EXCHANGES)
    done = torchrun(2, script)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == ["rank 0 passed", "rank 1 passed"]


def test_two_ranks_print_once_the_numbers_of_one_process(place):
    done = evaluate_on(2, "x.npy", "--json", "r.json", "--store", "s.h5")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n  I(n;z) ") == 1
    assert_same_numbers("r.json", alone())
    assert json.loads(Path("r.json").read_text(encoding="utf-8"))["provenance"]["ranks"] == 2
    assert sorted(path.name for path in place.glob("s.h5*")) == [
        "s.h5",
        "s.h5.report.json",
        "s.h5.shards",
    ]
    assert len(list(Path("s.h5.shards").iterdir())) == 2
    shown = [sys.executable, "-m", "genprobe", "show", "s.h5", "--max-queries", "64"]
    again = subprocess.run(shown, capture_output=True, encoding="utf-8", timeout=120)
    assert again.stdout == done.stdout


def test_two_ranks_give_the_numbers_of_one_process_for_a_chain_of_latents(place):
    flags = ["--factory", "small:chained", "--json", "r.json", "--store", "s.h5"]
    done = evaluate_on(2, "x.npy", *flags)
    assert done.returncode == 0, done.stderr
    options = {"device": "cpu", "batch_size": 1000, "max_queries": 64}
    report = genprobe.evaluate("w.pt", "x.npy", factory="small:chained", **options)
    assert_same_numbers("r.json", report)
    found = json.loads(Path("r.json").read_text(encoding="utf-8"))
    expected = json.loads(report.to_json())
    for part in ("levels", "progressive"):
        same_tree(found[part], expected[part])


@pytest.mark.parametrize("fresh", [[], ["--fresh"]])
def test_a_rank_that_is_killed_is_restarted_and_the_numbers_are_the_same(place, fresh):
    flags = ["--json", "r.json", "--store", "s.h5", *fresh]
    done = evaluate_on(2, "x.npy", *flags, restarts=1, GENPROBE_TEST_KILL="1")
    assert done.returncode == 0, done.stderr
    assert Path("killed").exists()
    assert "Resumed s.h5" in done.stderr
    assert_same_numbers("r.json", alone())


def test_one_process_resumes_what_two_began(place):
    done = evaluate_on(2, "x.npy", "--store", "s.h5", GENPROBE_TEST_KILL="1")
    assert done.returncode == 1
    kept = {path.name for path in Path("s.h5.partial").glob("*.h5")}
    assert 0 < len(kept) < 5
    report = alone(store="s.h5")
    assert report.estimates == alone().estimates
    assert not Path("s.h5.shards").exists()
    with h5py.File("s.h5") as file:
        assert not file["draws/z"].is_virtual


def test_more_ranks_than_examples(place):
    done = evaluate_on(3, "two.npy", "--json", "r.json")
    assert done.returncode == 0, done.stderr
    assert_same_numbers("r.json", alone("two.npy"))


def test_a_fault_on_one_rank_ends_all_with_one_message(place):
    done = evaluate_on(2, "bad.npy", "--store", "s.h5")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("needs values in [0, 1]") == 1
    assert len([line for line in done.stderr.splitlines() if line.startswith("Error: ")]) == 1


def test_every_rank_of_a_program_gets_the_report_and_the_hook_fires_once(place):
    Path("program.py").write_text(PROGRAM)
    done = torchrun(2, "program.py")
    assert done.returncode == 0, done.stderr
    five, two = (repr(alone(data)["rate"].value) for data in ("x.npy", "two.npy"))
    expected = [f"{turn} {rate}" for turn, rate in enumerate([five, two, two])]
    lines = done.stdout.splitlines()
    assert sorted(line for line in lines if line[0] != "{") == sorted(
        f"{line} {told}" for turn, line in enumerate(expected) for told in (0, turn + 1)
    )
    told = [json.loads(line) for line in lines if line[0] == "{"]
    same_tree(told, [json.loads(importlib.import_module("small").labelled())] * 2)


@pytest.mark.parametrize(
    ("at_fault", "places"),
    [("0", ["temporary", "progress", "report"]), ("1", ["read", "draw", "query"])],
)
def test_any_exception_on_one_rank_is_told_to_the_others_and_the_next_call_is_fine(
    place, at_fault, places
):
    Path("failing.py").write_text(FAILING)
    done = torchrun(2, "failing.py", AT_FAULT=at_fault)
    assert done.returncode == 0, done.stderr
    for rank in ("0", "1"):
        own = "" if rank == at_fault else f"OtherRankError: Rank {at_fault}: "
        *faults, last = (line for line in done.stdout.splitlines() if line.startswith(rank))
        assert faults == [f"{rank} {p} {own}ZeroDivisionError: at {p}" for p in places]
        assert float(last.removeprefix(f"{rank} None ")) > 0
