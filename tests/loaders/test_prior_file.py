import numpy as np
import pytest
import torch

import genprobe
from genprobe.errors import GenprobeError, ModelError
from genprobe.loaders.prior_file import prior_from_file, read_prior, write_prior

LOC = torch.tensor([1.0, -2.0, 0.5, 3.0]).double()


@pytest.fixture
def path(tmp_path):
    params = {"loc": LOC, "scale": LOC.square()}
    prior = genprobe.NamedPrior(name="diagonal-normal", params=params, fitted_to="abc")
    write_prior(prior, tmp_path / "prior.npz")
    return tmp_path / "prior.npz"


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_a_prior_comes_back_as_it_was_written(path, kind):
    prior = prior_from_file(kind(path))
    assert (prior.name, prior.fitted_to) == ("diagonal-normal", "abc")
    assert torch.equal(prior.params["loc"], LOC)
    assert torch.equal(prior.params["scale"], LOC.square())


@pytest.mark.parametrize("prior", ["standard-normal", torch.nn.Identity()])
def test_any_other_prior_stays_as_it_is(prior):
    assert prior_from_file(prior) is prior


def test_it_is_over_z_of_any_shape_and_a_models_own_like_any_other(path):
    """log p(z) and KL of z = (2, 2) by torch, from the tensors over flattened z."""
    p = torch.distributions.Normal(LOC, LOC.square())
    q = torch.distributions.Normal(torch.zeros(4).double(), torch.ones(4).double())
    model = genprobe.Model(
        name="grid",
        encode=lambda x: {"loc": torch.zeros(len(x), 2, 2), "scale": torch.ones(len(x), 2, 2)},
        posterior="diagonal-normal",
        prior=path,
    )
    report = genprobe.evaluate(model, torch.randn(40, 3), device="cpu")
    wanted = torch.distributions.kl_divergence(q, p).sum().item()
    assert report["rate"].value == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": np.zeros(3)}, "names no prior"),
        ({"prior": np.zeros(3)}, "its prior is no text"),
        ({"prior": "laplace", "prior_params/loc": "a"}, "not real numbers"),
        ({"prior": np.array(object())}, "does not read|pickle|Object"),
    ],
)
def test_what_holds_no_prior_is_refused(tmp_path, arrays, words):
    np.savez(tmp_path / "p.npz", **arrays)
    with pytest.raises(GenprobeError, match=words):
        read_prior(tmp_path / "p.npz")


def test_a_damaged_file_is_refused_in_one_line(path):
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ModelError, match="does not read as a file of a prior"):
        read_prior(path)


def test_only_a_prior_is_replaced(path, tmp_path):
    prior = read_prior(path)
    write_prior(prior, path)
    np.savez(tmp_path / "mine.npz", prior="standard-normal", loc=np.zeros((3, 2)))
    with pytest.raises(GenprobeError, match="is there and is not a genprobe prior"):
        write_prior(prior, tmp_path / "mine.npz")
