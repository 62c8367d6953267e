import math

import numpy as np
import pytest
import torch

import genprobe
from genprobe import Model
from genprobe.aggregate import log_aggregate
from genprobe.errors import ModelError
from genprobe.families.codes import MOST_CLASSES, codes, row_keys
from genprobe.priors.from_distribution import prior_from_distribution

N, K = 300, 6
INDEX = torch.randint(K, (N, 2, 2), generator=torch.Generator().manual_seed(0))
INDEX[50:150] = INDEX[0]


def entropy_of(index):
    _, counts = index.reshape(len(index), -1).unique(dim=0, return_counts=True)
    share = counts.double() / len(index)
    return float(-(share * share.log()).sum())


@pytest.fixture(scope="module")
def report():
    return genprobe.evaluate_posteriors({"index": INDEX, "classes": K})


def test_rate_and_information_are_exact(report):
    rate, information = report["rate"], report["mutual_information"]
    assert (rate.kind, rate.se) == ("exact", 0.0)
    assert rate.value == pytest.approx(4 * math.log(K), abs=1e-12)
    assert information.value == pytest.approx(entropy_of(INDEX), abs=1e-12)
    assert information.se == 0.0
    # Two examples may have one code: nothing says that they are the same example.
    assert report["log_n"].value == pytest.approx(math.log(N))


def test_they_are_those_of_the_same_codes_as_one_hot_logits(report):
    logits = -1e4 * (1 - torch.nn.functional.one_hot(INDEX, K).float())
    again = genprobe.evaluate_posteriors(
        {"logits": logits}, family="categorical", prior="uniform-categorical"
    )
    for name in ("rate", "mutual_information", "marginal_kl"):
        assert again[name].value == pytest.approx(report[name].value, abs=1e-9), name


def test_an_encoder_may_return_whole_numbers_and_one_number_of_classes():
    book = torch.randn(K, 3, generator=torch.Generator().manual_seed(1))
    x = book[INDEX].flatten(1)
    seen = []

    def decode(z):
        seen.append(z.dtype)
        return {"loc": book[z.long()].flatten(1), "scale": torch.tensor(1.0)}

    model = Model(
        name="vq",
        encode=lambda x: {"index": torch.cdist(x.view(-1, 4, 3), book).argmin(-1), "classes": K},
        decode=decode,
        posterior="codes",
        prior="uniform-categorical",
        likelihood="normal",
    )
    found = genprobe.evaluate(model, x, device="cpu")
    assert found["rate"].value == pytest.approx(4 * math.log(K))
    assert found["distortion"].value == pytest.approx(6 * math.log(2 * math.pi))
    assert set(seen) == {torch.float32}


def test_any_prior_has_an_exact_rate_a_function_too():
    logits = torch.randn(K, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    prior = prior_from_distribution(
        "of-a-user",
        torch.distributions.Independent(
            torch.distributions.Categorical(logits=logits.expand(2, 2, K)), 2
        ),
    )
    found = genprobe.evaluate_posteriors({"index": INDEX, "classes": K}, prior=prior)
    truth = -logits.log_softmax(0)[INDEX].sum((1, 2)).mean()
    assert found["rate"].kind == "exact"
    assert found["rate"].value == pytest.approx(float(truth))


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"index": INDEX, "classes": K - 1}, "An index is 5, and there are 5 classes"),
        ({"index": INDEX, "classes": MOST_CLASSES + 4}, "classes; float32 holds"),
        ({"index": INDEX - 1, "classes": K}, "a whole number from 0 on"),
        ({"index": INDEX + 0.5, "classes": K}, "a whole number from 0 on"),
        ({"index": INDEX, "classes": np.arange(N) + 6}, "classes in one example"),
        ({"index": INDEX, "classes": 0}, "a whole number from 1 on"),
    ],
)
def test_what_is_no_code_is_refused(params, words):
    with pytest.raises(ModelError, match=words):
        genprobe.evaluate_posteriors(params)


def test_the_density_of_all_pairs_is_that_of_equality():
    own = torch.arange(N)
    params = {"index": INDEX.float(), "classes": torch.full((N,), float(K))}
    found = log_aggregate(INDEX.float(), codes, params, own=own)
    same = (INDEX[:, None] == INDEX).all(-1).all(-1)
    torch.testing.assert_close(found.log_qz, (same.sum(1).double() / N).log())


def test_keys_tell_all_grids_of_a_small_size_apart():
    every = torch.cartesian_prod(*[torch.arange(16.0)] * 4)
    assert len(row_keys(every).unique()) == 16**4
    assert len(row_keys(every * 2.0**20).unique()) == 16**4


def test_a_model_with_its_codebook_is_searched_for_copies_unless_another_is_given():
    vectors = torch.tensor([[0.0], [1.0], [0.0]])
    model = genprobe.Model(
        name="tokens",
        encode=lambda x: {"index": x, "classes": torch.full((len(x),), 3)},
        posterior="codes",
        prior="uniform-categorical",
        codebook=lambda: vectors.requires_grad_(),
    )
    x = torch.randint(3, (20, 4), generator=torch.Generator().manual_seed(0)).float()
    assert genprobe.evaluate(model, x, device="cpu").tokens.duplicates == ((0, 2),)
    other = genprobe.evaluate(model, x, device="cpu", codebook=torch.eye(3))
    assert other.tokens.duplicates == ()
