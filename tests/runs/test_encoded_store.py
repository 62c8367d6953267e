"""A store is used again for the same inputs, whatever form they take, and for no others."""

import logging
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data import Dataset as TorchDataset

import genprobe
from genprobe import Dataset, Model, NamedPrior
from genprobe.errors import DataError, StoreError
from genprobe.store.format import SEGMENT_ROWS
from genprobe.store.write import StoreWriter

N = 300
X = (torch.rand(N, 6, generator=torch.Generator().manual_seed(1)) > 0.5).float()
LABELS = torch.arange(N) % 3


class Net(nn.Module):
    def __init__(self, slope=0.2, scale=1.0):
        super().__init__()
        torch.manual_seed(0)
        self.enc, self.dec = nn.Linear(6, 4), nn.Linear(2, 6)
        self.slope, self.scale = slope, scale

    def encode(self, x):
        loc, log_scale = nn.functional.leaky_relu(self.enc(x), self.slope).chunk(2, 1)
        return {"loc": loc, "scale": log_scale.exp()}

    def decode(self, z):
        return {"loc": self.dec(z), "scale": torch.tensor(self.scale)}


class Items(TorchDataset):
    def __init__(self, x):
        self.x = x

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i]


def model(net=None, **changes):
    net = net or Net()
    parts = {
        "name": "m",
        "encode": net.encode,
        "decode": net.decode,
        "posterior": "diagonal-normal",
        "prior": "standard-normal",
        "likelihood": "normal",
        "module": net,
    }
    return Model(**(parts | changes))


def conditional(net=None):
    net = net or Net()
    return model(
        net,
        encode=lambda x, y: net.encode(x + y[:, None]),
        decode=lambda z, y: net.decode(z),
        condition=lambda x, covariates: {"y": covariates["y"]},
    )


def labelled(labels):
    return Dataset(
        name="labelled",
        n=N,
        event_shape=torch.Size([6]),
        read=lambda start, stop: X[start:stop],
        covariates=lambda start, stop: {"y": labels[start:stop]},
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "s.h5"


@pytest.fixture
def run(path):
    def run(model, data=X, **options):
        return genprobe.evaluate(
            model, data, store=path, estimators={}, device="cpu", pictures=False, **options
        )

    return run


def with_row(x, i, value=9.0):
    other = x.clone()
    other[i, 3] = value
    return other


@pytest.mark.parametrize(
    "same",
    [
        X.clone(),
        X.numpy().astype(np.float64),
        X.half(),
        Items(X),
        TensorDataset(X, LABELS),
        DataLoader(Items(X), batch_size=7),
        X.to(torch.int64),
    ],
    ids=["tensor", "float64 array", "half", "Dataset", "tuples", "DataLoader", "whole numbers"],
)
def test_the_same_values_in_any_form_are_the_same_data(run, path, same, caplog):
    run(model())
    before = path.read_bytes()
    with caplog.at_level(logging.INFO, "genprobe"):
        run(model(), same, batch_size=7)
    assert "Reused" in caplog.text
    assert path.read_bytes() == before


def test_a_file_holds_the_same_data_as_the_array(run, tmp_path, caplog):
    run(model())
    np.save(tmp_path / "x.npy", X.numpy())
    with caplog.at_level(logging.INFO, "genprobe"):
        run(model(), str(tmp_path / "x.npy"))
    assert "Reused" in caplog.text


def test_the_same_model_built_again_is_the_same_on_any_number_of_threads(run, caplog):
    run(model())
    net, threads = Net(), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with caplog.at_level(logging.INFO, "genprobe"):
            run(model(net, encode=lambda x: net.encode(x), module=None, name="again"))
    finally:
        torch.set_num_threads(threads)
    assert "Reused" in caplog.text


@pytest.mark.parametrize("form", [lambda x: x, Items, lambda x: DataLoader(Items(x))])
@pytest.mark.parametrize("row", [0, 150, N - 1])
def test_one_row_that_differs_is_named(run, path, form, row):
    run(model(), form(X))
    before = path.read_bytes()
    what = rf"another data set: 1 of 300 examples of \w+ differs, the first is example {row}\."
    with pytest.raises(StoreError, match=what):
        run(model(), form(with_row(X, row)))
    assert path.read_bytes() == before
    assert not path.with_name("s.h5.partial").exists()


def test_covariates_that_a_model_is_given_are_part_of_the_data(run, caplog):
    run(conditional(), labelled(LABELS))
    with caplog.at_level(logging.INFO, "genprobe"):
        run(conditional(), labelled(LABELS.clone().int()))
    assert "Reused" in caplog.text
    other = LABELS.clone()
    other[7] = 5
    with pytest.raises(StoreError, match=r"the context \(y\) of 1 of 300 .* is example 7\."):
        run(conditional(), labelled(other))


def test_covariates_that_no_model_is_given_are_not(run, caplog):
    run(model(), labelled(LABELS))
    with caplog.at_level(logging.INFO, "genprobe"):
        run(model(), labelled(LABELS + 1))
    assert "Reused" in caplog.text


def plain_tensors(factor):
    """A model of bare functions of plain tensors: nothing has weights."""
    net, weight = Net(), factor * torch.ones(2, 6)
    with torch.no_grad():
        rows, shift = net.enc.weight.detach().clone(), net.enc.bias.detach().clone()

    def encode(x):
        loc, log_scale = (x @ rows.T + shift).chunk(2, 1)
        return {"loc": loc, "scale": log_scale.exp()}

    return model(
        encode=encode,
        decode=lambda z: {"loc": z @ weight, "scale": torch.tensor(1.0)},
        module=None,
    )


def scaled(part):
    """A network with one part five times as large."""
    net = Net()
    with torch.no_grad():
        getattr(net, part).weight.mul_(5)
    return net


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (lambda: model(module=None), lambda: model(scaled("dec"), module=None)),
        (lambda: model(Net(), module=Net().enc), lambda: model(scaled("dec"), module=Net().enc)),
        (lambda: model(Net(slope=0.2)), lambda: model(Net(slope=0.21))),
        (lambda: model(Net(scale=1.0)), lambda: model(Net(scale=1.01))),
        (lambda: plain_tensors(1.0), lambda: plain_tensors(1.01)),
        (
            lambda: model(),
            lambda: model(encode=lambda x: Net().encode(x.square() + 1e-2)),
        ),
    ],
    ids=["decoder", "beside module", "activation", "scale", "plain tensors", "source"],
)
def test_whatever_changes_what_a_model_says_is_noticed(run, path, before, after, caplog):
    run(before())
    content = path.read_bytes()
    with caplog.at_level(logging.INFO, "genprobe"):
        run(before())
    assert "Reused" in caplog.text
    with pytest.raises(StoreError, match=r"s\.h5 is of another model"):
        run(after())
    assert path.read_bytes() == content


def mixture(shift):
    loc = torch.tensor([[0.0, 0.0], [shift, 1.0]])
    params = {"loc": loc, "scale": torch.ones(2, 2), "probs": torch.ones(2) / 2}
    return NamedPrior(name="normal-mixture", params=params)


def computed(shift):
    """A prior of a function's own, which has no tensors that anyone could hash."""
    return lambda: torch.distributions.Independent(
        torch.distributions.StudentT(3 * torch.ones(2), shift * torch.ones(2)), 1
    )


@pytest.mark.parametrize("prior", [mixture, computed])
def test_another_prior_is_noticed(run, prior, caplog):
    run(model(prior=prior(1.0)))
    with caplog.at_level(logging.INFO, "genprobe"):
        run(model(prior=prior(1.0)))
    assert "Reused" in caplog.text
    with pytest.raises(StoreError, match="is of another model"):
        run(model(prior=prior(1.1)))


def test_another_shape_of_the_same_values_is_another_run_and_the_same_data(run, path):
    net = Net()
    flat = run(model(net))
    square = model(
        net,
        encode=lambda x: net.encode(x.flatten(1)),
        decode=lambda z: {"loc": net.dec(z).view(-1, 2, 3), "scale": torch.tensor(1.0)},
    )
    with pytest.raises(StoreError, match="another shape of the examples"):
        run(square, X.view(N, 2, 3))
    other = genprobe.evaluate(square, X.view(N, 2, 3), estimators={}, device="cpu")
    prints = [r.provenance["dataset_fingerprint"] for r in (flat, other)]
    assert prints[0] == prints[1]


def test_another_bound_on_the_entropy_of_the_data_is_another_run(run):
    run(model(), labelled(LABELS))
    with pytest.raises(StoreError, match="another bound on the entropy"):
        run(model(), replace(labelled(LABELS), entropy=3.0))


LONG = (torch.rand(SEGMENT_ROWS + 50, 6, generator=torch.Generator().manual_seed(2)) > 0.5).float()


@pytest.fixture
def unfinished(run, path, monkeypatch):
    """A run that was killed after its first segment of two."""
    write = StoreWriter.write

    def broken(self, segment, *rest):
        if segment:
            raise KeyboardInterrupt
        write(self, segment, *rest)

    def unfinished(model, data=LONG, **options):
        with monkeypatch.context() as patch:
            patch.setattr(StoreWriter, "write", broken)
            with pytest.raises(KeyboardInterrupt):
                run(model, data, **options)
        assert path.with_name("s.h5.partial").is_dir()

    return unfinished


def test_an_unfinished_run_goes_on_with_the_same_inputs(run, unfinished, path, tmp_path, caplog):
    unfinished(model())
    with caplog.at_level(logging.INFO, "genprobe"):
        run(model(), Items(LONG), batch_size=100)
    assert "Resumed" in caplog.text
    other = genprobe.evaluate(model(), LONG, store=tmp_path / "t.h5", estimators={}, device="cpu")
    print_of = genprobe.open_store(path).header.dataset_fingerprint
    assert other.provenance["dataset_fingerprint"] == print_of


@pytest.mark.parametrize(
    ("after", "data", "what"),
    [
        (model, with_row(LONG, 17), "another data set: 1 of 4096 .* example 17"),
        (lambda: model(Net(slope=0.21)), LONG, "another model"),
        (lambda: model(scaled("dec")), LONG, "another model"),
    ],
    ids=["data", "what it says", "weights"],
)
def test_an_unfinished_run_of_other_inputs_is_refused_and_replaced_when_asked(
    run, unfinished, path, after, data, what
):
    unfinished(model())
    with pytest.raises(StoreError, match=rf"s\.h5\.partial is of {what}"):
        run(after(), data)
    assert [p.name for p in path.with_name("s.h5.partial").glob("*.h5")] == ["00000000.h5"]
    fresh = run(after(), data, fresh=True)
    truth = genprobe.evaluate(after(), data, estimators={}, device="cpu")
    columns = [r.store.column("probes/distortion") for r in (fresh, truth)]
    assert torch.equal(*columns)


@pytest.mark.parametrize("data", [with_row(LONG, 17), LONG], ids=["other data", "other model"])
def test_a_fresh_run_begins_again_where_its_inputs_changed(run, unfinished, data, caplog):
    unfinished(model(), fresh=True)
    after = model() if data is not LONG else model(Net(slope=0.21))
    with caplog.at_level(logging.INFO, "genprobe"):
        found = run(after, data, fresh=True)
    assert re.search("Began .* again: .* another (data set|model)", caplog.text)
    truth = genprobe.evaluate(after, data, estimators={}, device="cpu")
    assert torch.equal(*(r.store.column("params/loc") for r in (found, truth)))


@pytest.mark.parametrize("form", [lambda x: x, Items], ids=["array", "Dataset"])
@pytest.mark.parametrize("when", [1, 2, 5])
def test_data_that_change_while_they_are_encoded_are_refused_and_nothing_stays(
    run, tmp_path, form, when
):
    x, net, calls = LONG.clone(), Net(), []

    def encode(rows):
        if len(rows) > 100:  # not the few that are asked before, whether all repeats
            calls.append(len(rows))
        if len(calls) == when:
            x[:40] = 7.0
        return net.encode(rows)

    with pytest.raises(DataError, match=r"(array|Items) changed while it was read: \d+ of \d+ "):
        run(model(net, encode=encode), form(x), batch_size=1000)
    assert not list(tmp_path.iterdir())


class Noisy(TorchDataset):
    def __len__(self):
        return N

    def __getitem__(self, i):
        return X[i] + torch.rand(6)


def test_random_transforms_are_refused_before_anything_is_encoded(run, tmp_path):
    with pytest.raises(DataError, match="Noisy gives other values each time it is read"):
        run(model(), Noisy())
    assert not list(tmp_path.iterdir())


def test_a_record_without_data_needs_none(run, path):
    params = {"loc": np.zeros((20, 2)), "scale": np.ones((20, 2))}
    for _ in range(2):
        genprobe.evaluate_posteriors(params, store=path, estimators={})
    assert not genprobe.open_store(path).has("identity/x")
