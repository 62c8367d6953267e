"""Shared parameters are filled up once; whatever might be broadcast by mistake is refused."""

import pytest
import torch

from genprobe.encoding.broadcasting import full_rows, require_batch
from genprobe.errors import ModelError
from genprobe.plugins import plugins

N, K = 5, 3
LOC = torch.randn(N, K)


def of(params, family="diagonal-normal", count=N):
    return full_rows("The encoder of m", plugins().get("families", family), params, count)


@pytest.mark.parametrize("shape", [(), (1,), (K,), (1, 1), (1, K), (N, 1), (N, K)])
def test_a_scale_that_is_plain_has_a_value_for_each_of_every_example(shape):
    scale = torch.rand(shape) + 1
    found = of({"loc": LOC, "scale": scale})["scale"]
    assert torch.equal(found, torch.ones(N, K) * scale)


@pytest.mark.parametrize("shape", [(N,), (2,), (N, 2), (2, K), (1, N, K), (N, K, 1)])
def test_a_scale_of_another_shape_is_refused_with_the_shapes(shape):
    with pytest.raises(ModelError) as told:
        of({"loc": LOC, "scale": torch.ones(shape)})
    assert f"scale {shape}" in told.value.what
    assert f"loc {(N, K)}" in told.value.what


@pytest.mark.parametrize("shape", [(1, K), (K,), ()])
def test_a_mean_of_one_row_for_a_batch_is_refused(shape):
    with pytest.raises(ModelError, match=r"returns loc of shape .* for 5 examples"):
        of({"loc": torch.zeros(shape), "scale": torch.ones(N, K)})


def test_one_factor_for_all_examples_is_filled_up():
    factor = torch.tril(torch.rand(K, K) + 1)
    found = of({"loc": LOC, "scale_tril": factor}, "full-normal")["scale_tril"]
    assert torch.equal(found, factor.expand(N, K, K))


def test_a_concentration_or_a_temperature_may_be_one_number():
    found = of({"loc": LOC, "concentration": torch.tensor(2.0)}, "von-mises-fisher")
    assert torch.equal(found["concentration"], torch.full((N,), 2.0))
    given = {"logits": LOC[:, None], "temperature": torch.tensor(0.5)}
    assert of(given, "gumbel-softmax")["temperature"].shape == (N,)


def test_parameters_of_other_shapes_than_z_are_left_to_their_family():
    given = {"loc": LOC, "concentration": torch.ones(N, 1)}
    assert of(given, "von-mises-fisher")["concentration"].shape == (N, 1)


def test_a_decoder_must_give_as_many_rows_as_codes():
    with pytest.raises(ModelError, match=r"logits \(1, 4\) for 5 codes"):
        require_batch("The decoder of m", {"logits": torch.ones(1, 4)}, torch.Size([1]), N)
    require_batch("The decoder of m", {"logits": torch.ones(N, 4)}, torch.Size([N]), N)
