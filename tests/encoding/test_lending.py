import functools
from pathlib import Path

import numpy as np
import torch

import genprobe
from genprobe.encoding.lending import lent

DEMO = Path(genprobe.__file__).parent / "demo"


def test_what_is_lent_can_be_changed_without_loss():
    given = {"x": torch.ones(3), "labels": np.ones(3), "inner": {"z": torch.ones(3)}}
    copy = lent(given)
    copy["x"].zero_()
    copy["labels"][:] = 0
    copy["inner"]["z"].zero_()
    del copy["x"]
    assert given["x"].sum() == given["labels"].sum() == given["inner"]["z"].sum() == 3


def test_gradients_flow_through_and_other_things_are_themselves():
    x = torch.ones(3, requires_grad=True)
    (gradient,) = torch.autograd.grad(lent(x).mul_(2).sum(), x)
    assert gradient.tolist() == [2.0] * 3
    assert lent(given := object()) is given


def test_genprobes_own_functions_get_the_thing_itself_and_no_other_does():
    x = torch.ones(3)
    assert lent(x, lent) is x
    assert lent(x, torch.relu) is not x
    assert lent(x, functools.partial(lent)) is not x


def test_genprobes_own_likelihoods_and_probes_change_nothing_they_are_given(monkeypatch, tmp_path):
    given = []

    def remember(value, to=None):
        given.append((value, lent(value), to))
        return lent(value, to)

    for file in ("encode", "probed_columns"):
        monkeypatch.setattr(f"genprobe.encoding.{file}.lent", remember)
    model = genprobe.load(DEMO / "beta-0.9.pt")
    genprobe.evaluate(model, "digits", draws=2, max_queries=64, limit=200)
    tensors = [(a, b, to) for a, b, to in given if isinstance(a, torch.Tensor)]
    assert {to.__module__.split(".")[1] for _, _, to in tensors} == {"likelihoods", "probes"}
    for value, before, to in tensors:
        assert torch.equal(value, before), to
