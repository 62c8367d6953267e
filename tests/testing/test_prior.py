from dataclasses import replace

import pytest
import torch
from torch.distributions import Categorical, Independent, Normal, constraints

from genprobe.errors import ModelError
from genprobe.priors.diagonal_normal import diagonal_normal
from genprobe.priors.from_distribution import prior_from_distribution
from genprobe.priors.standard_normal import standard_normal
from genprobe.testing import PriorTests, on_sphere
from genprobe.types import Prior, PriorFactory

EVENT = torch.Size([2])
LOC, SCALE = torch.tensor([0.5, -1.0]).double(), torch.tensor([0.5, 2.0]).double()
PARAMS = {"loc": LOC, "scale": SCALE}

MASS = "test_density_has_mass_one"
DRAWS = "test_draws_follow_the_density"
KL = "test_divergence_is_that_of_the_draws"
REBUILT = "test_its_tensors_rebuild_it"
STORE = "test_report_survives_the_store"


def suite(part, **members):
    return type("TestPart", (PriorTests,), {"part": part, **members})


def factory(changed, name="wrong", **others):
    """The built-in diagonal normal prior with some functions exchanged, given the right prior."""

    def build(event_shape, params):
        if len(params) < 2:
            raise ModelError("The prior wrong needs loc and scale.")
        right = replace(diagonal_normal.build(event_shape, params), name="wrong")
        return replace(right, **changed(right))

    return PriorFactory(name=name, build=build, **others)


def half(right):
    return {"log_prob": lambda z: right.log_prob(z) + 0.5}


def wider(right):
    return {"sample": lambda n: LOC + 1.1 * (right.sample(n) - LOC)}


def backwards(right):
    return {"kl": lambda family, params: -right.kl(family, params)}


def whatever_the_family(right):
    """A KL that takes every loc and scale for those of normals."""

    def kl(family, params):
        q = Independent(Normal(params["loc"], params["scale"]), 1)
        return torch.distributions.kl_divergence(q, right.distribution)

    return {"kl": kl}


def summed(right):
    return {
        "kl": lambda family, params: (
            kl.sum() if (kl := right.kl(family, params)) is not None else None
        )
    }


def forgetful(right):
    return {"params": {"loc": LOC + 1, "scale": SCALE}}


def of_another_name(right):
    return {"name": "other"}


def flat(right):
    return {"log_prob": lambda z: right.log_prob(z.reshape(-1, 2))}


def single(right):
    return {"log_prob": lambda z: right.log_prob(z).float()}


def unseeded(right):
    chance = torch.Generator().manual_seed(0)
    return {"sample": lambda n: LOC + SCALE * torch.randn(n, 2, generator=chance).double()}


def nothing(right):
    return {}


def bad_fit(codes, size, seed):
    return {"loc": -codes.mean.mean(0), "scale": codes.mean.std(0)}


def global_fit(codes, size, seed):
    torch.manual_seed(seed)
    return good_fit(codes, size, seed)


def borrowing_fit(codes, size, seed):
    with torch.random.fork_rng():
        torch.rand(1)
    return good_fit(codes, size, seed)


def drawing_fit(codes, size, seed):
    torch.rand(1)
    return good_fit(codes, size, seed)


def good_fit(codes, size, seed):
    return {"loc": codes.mean.mean(0), "scale": codes.mean.std(0)}


WRONG = {
    "density off by a constant": (
        factory(half),
        {MASS: "its log is off by 0.", KL: "kl for the family"},
    ),
    "draws off by a scale": (factory(wider), {DRAWS: "do not follow"}),
    "KL of the wrong sign": (factory(backwards), {KL: "diagonal-normal is -"}),
    "KL that does not look at the family": (factory(whatever_the_family), {KL: "stranger"}),
    "KL summed over examples": (factory(summed), {KL: "shape ()", STORE: ""}),
    "tensors that build another": (
        factory(forgetful),
        {REBUILT: "another prior", STORE: "not the registered one"},
    ),
    "a name that finds nothing": (
        factory(of_another_name),
        {"test_it_has_the_name_that_rebuilds_it": "'other'"},
    ),
    "leading axes lost": (factory(flat), {"test_shapes": "(2, 3)", KL: "", STORE: ""}),
    "float32 density": (factory(single), {"test_precision": "float32"}),
    "draws of its own generator": (
        factory(unseeded),
        {"test_draws_come_from_the_global_generator": "manual_seed"},
    ),
    "a fit to the wrong place": (
        factory(nothing, fit=bad_fit),
        {"test_the_fit_comes_close_to_the_codes": "worse than N(0, I)"},
    ),
    "concurrent fits that seed torch's own generator": (
        factory(nothing, fit=global_fit, concurrent=True),
        {"test_the_fit_comes_close_to_the_codes": "concurrent"},
    ),
    "concurrent fits that put torch's own generator back": (
        factory(nothing, fit=borrowing_fit, concurrent=True),
        {"test_the_fit_comes_close_to_the_codes": "concurrent"},
    ),
    "concurrent fits that draw from torch's own generator": (
        factory(nothing, fit=drawing_fit, concurrent=True),
        {"test_the_fit_comes_close_to_the_codes": "concurrent"},
    ),
}


@pytest.mark.parametrize(("part", "failures"), WRONG.values(), ids=WRONG)
def test_a_wrong_prior_fails_in_its_own_test(failing, part, failures):
    found = failing(suite(part, params=PARAMS))
    # A report cannot be made from the store of some of them either.
    assert found.keys() - {STORE} == failures.keys() - {STORE}, found
    for name, words in failures.items():
        assert words in found[name]


def test_a_missing_tensor_must_be_refused_in_a_sentence(failing):
    careless = PriorFactory(
        name="wrong",
        build=lambda event_shape, params: replace(
            standard_normal.build(event_shape, {}), name="wrong", params={"loc": params["loc"]}
        ),
    )
    [(name, message)] = failing(suite(careless, params={"loc": LOC})).items()
    assert name == "test_a_missing_tensor_is_refused_in_a_sentence"
    assert message.startswith("without loc it raises KeyError")


def uniform_classes(event_shape, params):
    classes = Categorical(logits=torch.zeros(*event_shape, 3).double())
    return prior_from_distribution("uniform-classes", Independent(classes, len(event_shape)))


class TestOfClasses(PriorTests):
    part = PriorFactory(name="uniform-classes", build=uniform_classes)
    event_shape = (2, 2)


class TestOfAModel(PriorTests):
    part = prior_from_distribution("mine", Independent(Normal(LOC, SCALE), 1), PARAMS)


class TestOnTheSphere(PriorTests):
    part = Prior(
        name="sphere",
        log_prob=lambda z: torch.full(
            z.shape[:-1], -torch.tensor(4 * torch.pi).log().item()
        ).double(),
        sample=lambda n: torch.nn.functional.normalize(torch.randn(n, 3).double(), dim=1),
        kl=lambda family, params: None,
    )
    event_shape = (3,)
    support = constraints.real_vector
    posteriors = ()

    def measure(self, prior, draws):
        return on_sphere(draws.shape[1:])
