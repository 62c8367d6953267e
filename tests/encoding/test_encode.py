import math
import os
import re
import subprocess
import sys

import pytest
import torch
from torch import nn

import genprobe
from genprobe import GenprobeError, Model, open_store
from genprobe.datasets.from_array import array_dataset
from genprobe.encoding.probed_columns import probed_columns
from genprobe.errors import DataError, ModelError
from genprobe.estimators.rate import rate
from genprobe.plugins import plugins
from genprobe.store.format import SEGMENT_ROWS

CPU = torch.device("cpu")
GROWTH = """
import resource, sys
import torch
from genprobe import Dataset, Model
from genprobe.encoding.resolve import prepare
from genprobe.encoding.encode import encode
from genprobe.store.write import StoreWriter
from pathlib import Path

def encode_rows(x):
    return {"loc": x[:, :2], "scale": torch.ones(len(x), 2)}

model = Model(name="m", encode=encode_rows, posterior="diagonal-normal", prior="standard-normal")

def peak(n):
    dataset = Dataset(name="stream", n=n, event_shape=torch.Size([4096]),
                      read=lambda start, stop: torch.full((stop - start, 4096), 0.5))
    cpu = torch.device("cpu")
    header, parts = prepare(model, dataset, draws=1, seed=0, dtype="float32", device=cpu)
    with StoreWriter(Path(sys.argv[1]) / f"{n}.h5", header) as writer:
        encode(parts, dataset, writer, {}, batch_size=256, device=cpu)
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # On Linux ru_maxrss begins with the peak of the process that started this one.
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024

# In whole segments of 4096 rows: the first fraction of one would take less than it will.
few, many = peak(4096), peak(8 * 4096)
print(many - few)
"""


class Elementwise(nn.Module):
    """Encodes and decodes value by value, so that batching cannot change a bit."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([0.5, -1.5, 2.0]))
        self.register_buffer("shift", torch.tensor([0.1]))
        self.dropout = nn.Dropout(0.5)

    def encode(self, x):
        loc = self.dropout(x * self.weight + self.shift)
        return {"loc": loc, "scale": torch.full_like(loc, 0.5)}

    def decode(self, z):
        return {"logits": z * self.weight}


def model_of(module, **changes):
    parts = {
        "name": "mine",
        "encode": module.encode,
        "decode": module.decode,
        "posterior": "diagonal-normal",
        "prior": "standard-normal",
        "likelihood": "bernoulli",
        "module": module,
    }
    return Model(**(parts | changes))


@pytest.fixture
def module():
    return Elementwise()


@pytest.fixture
def x():
    return (torch.rand(SEGMENT_ROWS + 26, 3) > 0.5).float()


@pytest.fixture
def store(tmp_path):
    """Evaluate into a new store and open it."""
    count, estimators = iter(range(99)), {"rate": rate}

    def store(model, x, **options):
        path = tmp_path / f"{next(count)}.h5"
        genprobe.evaluate(model, x, store=path, estimators=estimators, **options)
        return open_store(path)

    return store


def test_draws_do_not_depend_on_the_batch_size(module, x, store):
    stores = [store(model_of(module), x, batch_size=b, draws=2) for b in (7, 1024, None)]
    for name in ("draws/z", "draws/log_qz_x", "probes/rate", "probes/distortion"):
        first, *others = (s.column(name) for s in stores)
        for other in others:
            torch.testing.assert_close(other, first, rtol=0, atol=0)


def test_draws_do_not_depend_on_the_users_random_state_and_leave_it_alone(module, x, store):
    torch.manual_seed(1)
    first = store(model_of(module), x)
    after = torch.rand(3)
    torch.manual_seed(1)
    assert torch.equal(after, torch.rand(3))
    other = store(model_of(module), x)
    assert torch.equal(first.column("draws/z"), other.column("draws/z"))


def test_every_segment_draw_and_seed_has_noise_of_its_own(module, store):
    same = torch.ones(2 * SEGMENT_ROWS + 12, 3)
    noise = []
    for seed in (0, 1):
        found = store(model_of(module), same, draws=2, seed=seed)
        assert found.header.segment == SEGMENT_ROWS
        noise += list(found.column("draws/z").flatten(0, 1).unbind(0))
    assert len({tuple(row.tolist()) for row in noise}) == len(noise)


def test_the_columns_are_the_densities_of_torch(module, x, store):
    found = store(model_of(module), x, draws=3)
    z, x = found.column("draws/z"), x.double()
    q = torch.distributions.Normal(x * module.weight.double() + module.shift.double(), 0.5)
    logits = (z.float() * module.weight).double()
    p = torch.distributions.Bernoulli(logits=logits)
    prior = torch.distributions.Normal(0.0, torch.tensor(1.0).double())
    for name, truth in (
        ("draws/log_qz_x", q.log_prob(z)),
        ("draws/log_pz", prior.log_prob(z)),
        ("probes/distortion", -p.log_prob(x)),
        ("probes/rate", torch.distributions.kl_divergence(q, prior)[None]),
    ):
        torch.testing.assert_close(found.column(name), truth.sum(-1).detach(), rtol=1e-5, atol=1e-5)
    standardised = (z - q.mean) / 0.5
    count = standardised.numel()
    assert abs(standardised.mean().item()) < 4 * count**-0.5
    assert abs(standardised.square().mean().item() - 1) < 4 * (2 / count) ** 0.5


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("wanted", ["float32", "float64"])
def test_the_module_is_given_back_as_it_was(module, x, store, training, dtype, wanted):
    module.to(dtype).train(training)
    module.dropout.train(not training)
    before = {k: v.clone() for k, v in module.state_dict().items()}
    weight = module.weight
    store(model_of(module), x[:20], dtype=wanted)
    assert module.weight is weight
    assert (module.training, module.dropout.training) == (training, not training)
    torch.testing.assert_close(dict(module.state_dict()), before, rtol=0, atol=0)
    assert not [p for p in module.parameters() if p.device != CPU]


def test_dropout_is_off(module, x, store):
    found = store(model_of(module.train()), x)
    loc = torch.cat([params["loc"] for _, params in found.blocks()])
    torch.testing.assert_close(loc, (x * module.weight + module.shift).detach())


def test_batch_normalisation_uses_and_keeps_its_running_moments(x, store):
    class Normalised(Elementwise):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm1d(3)
            nn.init.constant_(self.norm.running_mean, 0.25)

        def encode(self, x):
            return {"loc": self.norm(x), "scale": torch.ones_like(x)}

    module = Normalised().train()
    found = store(model_of(module), x)
    loc = torch.cat([params["loc"] for _, params in found.blocks()])
    torch.testing.assert_close(loc, (x - 0.25) / (1 + module.norm.eps) ** 0.5)
    assert module.norm.num_batches_tracked == 0
    assert (module.norm.running_mean == 0.25).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_model_sees_and_the_store_keeps_the_dtype(module, x, store, dtype):
    seen = set()

    def encode(x):
        seen.add((x.dtype, module.weight.dtype))
        return module.encode(x)

    found = store(model_of(module, encode=encode), x[:30].double(), dtype=dtype)
    wanted = getattr(torch, dtype)
    assert seen == {(wanted, wanted)}
    assert next(found.blocks())[1]["loc"].dtype == wanted


def test_a_model_without_decoder_has_no_distortion(module, x, store):
    found = store(model_of(module, decode=None, likelihood=None), x)
    assert found.has("probes/rate")
    assert not found.has("probes/distortion")


def spoil(module, position, key, value):
    """An encoder that goes wrong for the example whose first value is 7."""

    def encode(x):
        params = {k: v.detach().clone() for k, v in module.encode(x).items()}
        params[key][x[:, 0] == 7, position] = value
        return params

    return encode


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("loc", float("nan"), "of loc that is not finite.*value nan in dimension 2"),
        ("loc", float("inf"), "of loc that is not finite.*value inf in dimension 2"),
        ("scale", float("nan"), "of scale that is not finite"),
        ("scale", 0.0, "of scale that must be > 0 and is not.*value 0 in dimension 2"),
        ("scale", -0.5, "of scale that must be > 0 and is not.*value -0.5 in dimension 2"),
    ],
)
@pytest.mark.parametrize("where", [0, 5, 1037])
def test_a_bad_posterior_names_the_example(module, x, store, key, value, message, where):
    x[where, 0] = 7
    model = model_of(module, encode=spoil(module, 2, key, value), decode=None, likelihood=None)
    with pytest.raises(ModelError, match=rf"{message[:20]}.*example {where}:") as told:
        store(model, x, batch_size=100)
    assert told.match(message)
    assert len(str(told.value).splitlines()) == 2


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_bad_data_name_the_example(module, x, store, value):
    x[1030, 1] = value
    with pytest.raises(DataError, match="Example 1030 of array has a value that is not finite"):
        store(model_of(module), x)


def test_a_bad_decoder_names_the_example(module, x, store):
    def decode(z):
        logits = z * 1
        logits[z[:, 0] > 100] = float("nan")
        return {"logits": logits}

    def encode(x):
        return {"loc": x * 1000, "scale": torch.ones_like(x)}

    x[:] = 0
    x[1040] = 1
    shifted = model_of(module, encode=encode, decode=decode)
    with pytest.raises(ModelError, match=r"log p\(x\|z\) that is not finite, at example 1040"):
        store(shifted, x)


@pytest.mark.parametrize(
    "logits",
    [lambda z: z[:, :1], lambda z: z[:, None], lambda z: z[:, 0], lambda z: torch.cat([z, z], 1)],
)
def test_a_decoder_of_another_shape_is_told_rather_than_broadcast(module, x, store, logits):
    model = model_of(module, decode=lambda z: {"logits": logits(z)})
    with pytest.raises(ModelError, match=r"decoder of mine returns .*shape \(.*; .* \(3,\)"):
        store(model, x)


@pytest.mark.parametrize(
    ("encode", "message"),
    [
        (lambda x: {"loc": x}, "returns loc; the family diagonal-normal needs loc, scale"),
        (lambda x: {}, "returns nothing; the family"),
        (lambda x: {"loc": x[:0], "scale": x[:0] + 1}, "its first axis must count them"),
        (
            lambda x: x[:, 99],
            r"encode of mine fails on a batch of 1, each of shape \(3,\): index 99",
        ),
        (lambda x: (x, x, x), r"encoder of mine returns a tuple of 3 .*\n.*standard deviation"),
        (
            lambda x: {"loc": x.tolist(), "scale": 1},
            r"encoder of mine returns what is not tensors by name \(loc: list, scale: int\)",
        ),
    ],
)
def test_an_encoder_that_does_not_fit_is_told(module, x, store, encode, message):
    with pytest.raises(ModelError, match=message):
        store(model_of(module, encode=encode), x)


@pytest.mark.parametrize(
    ("decode", "message"),
    [
        (lambda z: z @ z, "decode of mine fails on a batch of"),
        (lambda z: {"loc": z}, "decoder gives loc; the likelihood bernoulli needs probs"),
        (lambda z: z, "decoder of mine returns a tensor alone.*\n.*logits.*sigmoid.*probs"),
        (
            lambda z: {"logits": z.tolist()},
            r"decoder of mine returns what is not tensors by name \(logits: list\)",
        ),
        (
            lambda z: {"probs": z * 0 + 3},
            r"gives a probs of 3; .* bernoulli it must be in \[0, 1\].\n.* raw outputs as logits",
        ),
    ],
)
def test_a_decoder_that_does_not_fit_is_told(module, x, store, decode, message):
    with pytest.raises(GenprobeError, match=message):
        store(model_of(module, decode=decode), x)


def test_memory_does_not_grow_with_the_number_of_examples(tmp_path):
    # Of what is freed glibc keeps some, by chance up to a segment, unless it maps each piece.
    child = subprocess.run(
        [sys.executable, "-c", GROWTH, str(tmp_path)],
        capture_output=True,
        text=True,
        env=os.environ | {"MALLOC_MMAP_THRESHOLD_": str(1 << 16)},
    )
    assert child.returncode == 0, child.stderr
    data_growth = 7 * 4096 * 4096 * 4
    assert int(child.stdout) < data_growth / 8


def test_integer_data_are_encoded_as_floats(module, store):
    found = store(model_of(module), array_dataset("x", torch.ones(5, 3, dtype=torch.int64)))
    assert found.header.n == 5


def counts(module, **changes):
    return model_of(module, likelihood="poisson", decode=rates, **changes)


def rates(z):
    return {"rate": z.exp()}


def test_a_value_outside_the_support_is_named_by_its_place_in_the_data(module, x, store):
    x[SEGMENT_ROWS + 5, 1] = 0.5
    place = f"Example {SEGMENT_ROWS + 5} has the value 0.5; the likelihood poisson needs"
    with pytest.raises(DataError, match=place):
        store(counts(module), x)


def test_further_statistics_of_the_data_are_summed_over_segments(module, x, store):
    found = store(counts(module), x + 3).data_moments()
    assert found.keys() == {"x", "x_square", "log_factorial"}
    torch.testing.assert_close(found["x"], x.double().mean(0) + 3)
    truth = (x.double() + 4).lgamma().sum(1).mean()
    torch.testing.assert_close(found["log_factorial"], truth)


def test_the_blind_distortion_is_made_of_them(module, x):
    found = genprobe.evaluate(counts(module), x, max_queries=10)["blind_distortion"]
    mean = x.double().mean(0)
    # log x! is 0 for 0 and 1, so the best Poisson costs its rate less mean log rate.
    assert found.value == pytest.approx(float((mean - mean * mean.log()).sum()))


def test_parameters_that_all_examples_share_may_be_learned():
    scale = torch.nn.Parameter(torch.full((2,), 0.5))
    model = genprobe.Model(
        name="shared",
        encode=lambda x: {"loc": x, "scale": scale.expand(len(x), -1)},
        decode=lambda z: {"loc": z, "scale": scale},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="normal",
    )
    x = torch.randn(20, 2)
    report = genprobe.evaluate(model, x)
    # KL(N(x, ½²) ‖ N(0, 1)) summed over both values.
    rate = (x.double().square() + 0.25 - 1 + 2 * math.log(2)).sum(1).mean() / 2
    assert report["rate"].value == pytest.approx(float(rate), rel=1e-6)
    assert report["distortion"].value > 0


GIVEN = {"x": torch.ones(5, 3), "chosen": torch.tensor([1, 4])}


def of_two(chosen):
    return torch.ones(1, len(chosen)).double()


def failing(chosen):
    raise ValueError("no gradient here\nand more")


def short(x):
    return torch.ones(1, len(x) - 1)


def no_tensor(x):
    return 3.0


def test_a_probe_that_fails_costs_its_own_numbers():
    probes = {"one": failing, "two": of_two, "late_one": short, "odd": no_tensor}
    arrays, failed = probed_columns(GIVEN, probes)
    assert list(arrays) == ["subset/two"]
    assert [notice.code for notice in failed] == [
        "probe-failed-one",
        "probe-failed-late-one",
        "probe-failed-odd",
    ]
    assert failed[0].message == "No one: it fails: no gradient here."
    assert failed[1].message == "No late one: it fails: it returns the shape (1, 4) for 5 examples."


def test_without_rate_or_distortion_there_is_no_report():
    with pytest.raises(ValueError, match="no gradient"):
        probed_columns(GIVEN, {"distortion": failing})


def test_running_out_of_memory_is_no_fault_of_a_probe():
    def greedy(chosen):
        raise MemoryError

    with pytest.raises(ModelError, match="probe greedy runs out of memory"):
        probed_columns(GIVEN, {"greedy": greedy})


def logarithmic(negative):
    """A model of positive values whose encoder takes their logarithm."""
    weight = torch.tensor([[0.5, 1.0], [0.3, -0.2]])

    def encode(x):
        return {"loc": negative(x) @ weight, "scale": torch.full_like(x, 0.5)}

    return Model(
        name="m",
        encode=encode,
        decode=lambda z: {"loc": z, "scale": torch.full_like(z, 0.5)},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="normal",
    )


def refuse(x):
    if (x <= -1).any():
        raise ValueError("negative counts")
    return torch.log1p(x)


@pytest.mark.parametrize(
    ("negative", "said"),
    [
        (torch.log1p, "gives no valid posterior for [1-9][0-9]* of the 300 samples"),
        (refuse, "encode of m fails on a batch .*: negative counts"),
    ],
)
def test_an_encoder_that_fails_on_samples_costs_one_row_and_no_report(tmp_path, negative, said):
    x = torch.rand(300, 2) + 0.5
    report = genprobe.evaluate(logarithmic(negative), x, store=tmp_path / "s.h5")
    assert "generative_mutual_information" not in report.estimates
    assert re.search(said, report.provenance["absent"]["generative_mutual_information"])
    [notice] = [w for w in report.warnings if re.search(said, w.message)]
    assert "clamped before a logarithm" in notice.remedy
    assert genprobe.Report.from_json(report.to_json()).estimates == report.estimates
    again = genprobe.report_from_store(open_store(tmp_path / "s.h5"))
    assert [w.code for w in again.warnings] == [w.code for w in report.warnings]


def test_a_probe_that_works_in_place_changes_nothing_that_others_see(module, x, store, monkeypatch):
    def ruinous(x, params, z, context):
        for values in (x, z, *params.values(), *context.values()):
            values.zero_()
        return z[:1].flatten(2).sum(2)

    known = plugins().all("probes")
    truth = store(model_of(module), x)
    monkeypatch.setattr(type(plugins()), "all", lambda self, kind: {"ruinous": ruinous, **known})
    found = store(model_of(module), x)
    assert found.has("probes/ruinous")
    for name in ("probes/rate", "probes/distortion", "draws/log_qz_x", "draws/z"):
        index = torch.arange(len(x))
        assert torch.equal(found.gather(name, 0, index), truth.gather(name, 0, index))
