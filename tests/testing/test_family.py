import math
from dataclasses import replace

import pytest
import torch
from torch.distributions import (
    Beta,
    Categorical,
    Dirichlet,
    Distribution,
    Gamma,
    Gumbel,
    Independent,
    Laplace,
    MultivariateNormal,
    NegativeBinomial,
    Normal,
    Poisson,
    StudentT,
    constraints,
)

from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.priors.standard_normal import standard_normal
from genprobe.testing import FamilyTests, on_sphere
from genprobe.types import Family


def of_torch(distribution, event_dim=1, **parameter_constraints):
    """A family of a torch distribution, every pair by broadcasting."""

    def make(params):
        q = distribution(**params, validate_args=False)
        values = q.batch_shape
        return Independent(q, len(values) - 1, validate_args=False) if event_dim else q

    return Family(
        name=f"of-torch-{distribution.__name__.lower()}",
        distribution=make,
        constraints=parameter_constraints,
        cross_log_prob=lambda z, params: make(params).log_prob(z[:, None]),
    )


class Counted(Categorical):
    """A categorical whose draws are floating point, as a store keeps them."""

    def sample(self, sample_shape=()):
        return super().sample(torch.Size(sample_shape)).to(self.logits.dtype)


def tensor(*rows):
    return torch.tensor(rows, dtype=torch.float64)


LOC, SCALE = tensor([0.0, 1.0], [-3.0, 0.5]), tensor([1.0, 2.0], [0.3, 0.01])
RATE = tensor([3.0, 0.2], [11.0, 1.0])
FACTOR = tensor([[1.0, 0.0], [0.9, 0.3]], [[0.2, 0.0], [-0.5, 2.0]])
GOOD = {
    "laplace": (
        of_torch(Laplace, loc=constraints.real, scale=constraints.positive),
        {"loc": LOC, "scale": SCALE},
    ),
    "gamma": (
        of_torch(Gamma, concentration=constraints.positive, rate=constraints.positive),
        {"concentration": RATE, "rate": SCALE},
    ),
    "beta": (
        of_torch(Beta, concentration1=constraints.positive, concentration0=constraints.positive),
        {"concentration1": RATE, "concentration0": RATE.flip(1)},
    ),
    "poisson": (of_torch(Poisson, rate=constraints.positive), {"rate": RATE}),
    "negative-binomial": (
        of_torch(NegativeBinomial, total_count=constraints.positive, logits=constraints.real),
        {"total_count": RATE, "logits": LOC},
    ),
    "categorical": (
        of_torch(Counted, logits=constraints.real),
        {"logits": torch.linspace(-2, 2, 24).reshape(2, 2, 2, 3).sin()},
    ),
    "full-normal": (
        of_torch(
            MultivariateNormal,
            0,
            loc=constraints.real_vector,
            scale_tril=constraints.lower_cholesky,
        ),
        {"loc": LOC, "scale_tril": FACTOR},
    ),
    "dirichlet": (
        of_torch(Dirichlet, 0, concentration=constraints.positive),
        {"concentration": tensor([1.0, 2.0, 3.0], [0.7, 0.9, 5.0])},
    ),
    "student-t": (
        of_torch(
            StudentT, df=constraints.positive, loc=constraints.real, scale=constraints.positive
        ),
        {"df": 3 + RATE, "loc": LOC, "scale": SCALE},
    ),
    "diagonal-normal": (diagonal_normal, {"loc": LOC, "scale": SCALE}),
}


def suite(part, params, **members):
    return type("TestPart", (FamilyTests,), {"part": part, "params": params, **members})


@pytest.mark.parametrize(("part", "params"), GOOD.values(), ids=GOOD)
def test_a_family_of_a_torch_distribution_passes(failing, part, params):
    assert failing(suite(part, params)) == {}


class Sphere(constraints.Constraint):
    """Directions of length one."""

    event_dim = 1

    def check(self, value):
        return (value.norm(dim=-1) - 1).abs() < 1e-6


class VonMisesFisher(Distribution):
    """exp(κ μ·z) / C on the sphere in three dimensions, C = 4π sinh κ / κ; by Ulrich's method."""

    arg_constraints = {}
    has_rsample = False
    support = Sphere()

    def __init__(self, loc, concentration):
        self.loc, self.concentration = loc, concentration
        super().__init__(loc.shape[:-1], loc.shape[-1:], validate_args=False)

    def log_prob(self, z):
        kappa = self.concentration
        constant = (kappa / (4 * math.pi)).log() - (kappa + (-(-2 * kappa).expm1() / 2).log())
        return kappa * (z * self.loc).sum(-1) + constant

    def sample(self, sample_shape=()):
        shape, kappa = (*sample_shape, *self.batch_shape), self.concentration
        u = torch.rand(shape, dtype=self.loc.dtype)
        along = 1 + (u + (1 - u) * (-2 * kappa).exp()).log() / kappa
        noise = torch.randn(*shape, 3, dtype=self.loc.dtype)
        across = noise - (noise * self.loc).sum(-1, keepdim=True) * self.loc
        across = torch.nn.functional.normalize(across, dim=-1)
        return along[..., None] * self.loc + (1 - along.square()).sqrt()[..., None] * across

    @property
    def mean(self):
        kappa = self.concentration
        return (1 / kappa.tanh() - 1 / kappa)[..., None] * self.loc

    @property
    def variance(self):
        kappa = self.concentration
        along = 1 / kappa.tanh() - 1 / kappa
        second = 1 - 2 * along / kappa
        squares = self.loc.square()
        across = (1 - second)[..., None] / 2 * (1 - squares)
        return across + (second - along.square())[..., None] * squares


class TestOnTheSphere(FamilyTests):
    part = Family(
        name="on-the-sphere",
        distribution=lambda params: VonMisesFisher(**params),
        constraints={"loc": constraints.real_vector, "concentration": constraints.positive},
    )
    params = {
        "loc": torch.nn.functional.normalize(tensor([1.0, 2.0, 2.0], [0.0, -1.0, 1.0]), dim=1),
        "concentration": torch.tensor([3.0, 20.0]),
    }

    def measure(self, distribution, draws):
        return on_sphere(distribution.event_shape)


def normal_of(kind, **changes):
    """The built-in family with another distribution, and pairs by broadcasting."""

    def make(params):
        normal = kind(params["loc"], params["scale"], validate_args=False)
        return Independent(normal, params["loc"].dim() - 1, validate_args=False)

    parts = {
        "name": "wrong",
        "distribution": make,
        "constraints": diagonal_normal.constraints,
        "cross_log_prob": lambda z, params: make(params).log_prob(z[:, None]),
    }
    return Family(**(parts | changes))


class Plain(Normal):
    """A normal without closed forms."""

    def entropy(self):
        raise NotImplementedError


class Offset(Plain):
    def log_prob(self, value):
        return super().log_prob(value) + math.log(2 * math.pi) / 2


class Wider(Plain):
    def rsample(self, sample_shape=()):
        return self.loc + 1.1 * (super().rsample(sample_shape) - self.loc)

    def sample(self, sample_shape=()):
        return self.rsample(sample_shape).detach()

    @property
    def variance(self):
        return 1.21 * super().variance


class Unseeded(Plain):
    chance = torch.Generator().manual_seed(0)

    def sample(self, sample_shape=()):
        noise = torch.randn(
            self._extended_shape(sample_shape), generator=self.chance, dtype=self.loc.dtype
        )
        return self.loc + self.scale * noise


class WrongMoments(Plain):
    @property
    def variance(self):
        return self.scale


class Anchored(Plain):
    def log_prob(self, value):
        return super().log_prob(value) + torch.zeros(value.shape[-1])


class Rough(Plain):
    def log_prob(self, value):
        return super().log_prob(value.float()).float()


def swapped(params):
    eta, log_partition = diagonal_normal.natural(params)
    return eta.roll(eta.shape[1] // 2, 1), log_partition


def without_constant(params):
    eta, log_partition = diagonal_normal.natural(params)
    return eta, log_partition - math.log(2 * math.pi) / 2


def transposed(params):
    eta, log_partition = diagonal_normal.natural(params)
    return eta.T, log_partition


def clamping(params):
    params["scale"].clamp_(min=0.5)
    return diagonal_normal.natural(params)


def wide_of_all(params, epsilon):
    return {**params, "scale": params["scale"] * epsilon.exp().mean()}


def narrower(params, epsilon):
    return diagonal_normal.widen(params, -epsilon)


def components_first(z, params):
    loc, scale = params["loc"], params["scale"]
    return Normal(loc[:, None], scale[:, None]).log_prob(z).sum(2)


def backwards(params, offset):
    return diagonal_normal.translate(params, -offset)


def upper_at_the_means(params):
    middle = {k: v.mean(1) for k, v in params.items()}
    return lambda z: diagonal_normal.distribution(middle).log_prob(z[:, None])


NATURAL = "test_natural_form_is_the_density_of_every_pair"
AGGREGATE = "test_aggregate_posterior_is_the_mean_of_the_densities"
CROSS = "test_cross_log_prob_is_the_density_of_every_pair"
MASS = "test_density_has_mass_one"
DRAWS = "test_draws_follow_the_density"
WIDEN = "test_widening_is_by_example_and_can_be_differentiated"
STORE = "test_report_survives_the_store"
KL = "test_divergence_of_two_posteriors_is_that_of_the_draws"
MOMENTS = "test_mean_variance_and_entropy_are_those_of_the_draws"
WRONG = {
    "density off by a constant": (normal_of(Offset), {MASS: "its log is off by 1.8"}),
    "draws off by a scale": (
        normal_of(Wider),
        {DRAWS: "do not follow its density", KL: "where the draws say"},
    ),
    "draws of its own generator": (
        normal_of(Unseeded),
        {"test_draws_come_from_the_global_generator": "manual_seed", STORE: "reopened"},
    ),
    "variance that is the scale": (normal_of(WrongMoments), {MOMENTS: "the variance"}),
    "halves of the natural form swapped": (
        replace(diagonal_normal, name="wrong", natural=swapped),
        {NATURAL: "is not log_prob"},
    ),
    "natural form without its constant": (
        replace(diagonal_normal, name="wrong", natural=without_constant),
        {NATURAL: "off by up to 0.9189 nats"},
    ),
    "natural form transposed": (
        replace(diagonal_normal, name="wrong", natural=transposed),
        {NATURAL: "eta has the shape", AGGREGATE: "", STORE: ""},
    ),
    "natural form without statistics": (
        replace(diagonal_normal, name="wrong", sufficient=None),
        {NATURAL: "give natural and sufficient", AGGREGATE: "", STORE: ""},
    ),
    "pairs transposed": (
        normal_of(Plain, cross_log_prob=components_first),
        {CROSS: "has the shape", AGGREGATE: "", STORE: ""},
    ),
    "translation the wrong way": (
        replace(diagonal_normal, name="wrong", translate=backwards),
        {"test_translation_is_the_density_of_the_shifted_variable": "translate"},
    ),
    "widening all by one": (
        replace(diagonal_normal, name="wrong", widen=wide_of_all),
        {WIDEN: "widen of another example"},
    ),
    "widening that narrows": (
        replace(diagonal_normal, name="wrong", widen=narrower),
        {WIDEN: "narrower"},
    ),
    "bound below a density": (
        replace(diagonal_normal, name="wrong", upper=upper_at_the_means),
        {"test_bound_lies_above_every_density_of_its_cell": "below a density"},
    ),
    "symmetry of a skewed family": (
        normal_of(Gumbel, symmetric=True),
        {"test_symmetry_about_the_mean": "mirrored"},
    ),
    "a scale of any sign": (
        replace(
            diagonal_normal,
            name="wrong",
            constraints={"loc": constraints.real, "scale": constraints.real},
        ),
        {"test_what_the_constraints_let_through_has_a_density": "a scale that is negative"},
    ),
    "parameters changed in place": (
        replace(diagonal_normal, name="wrong", natural=clamping),
        {"test_its_functions_leave_their_arguments_as_they_are": "natural changes its parameters"},
    ),
    "a constant on the CPU": (normal_of(Anchored), {"test_tensors_stay_on_their_device": "meta"}),
    "float32 inside": (
        normal_of(Rough),
        {"test_precision_is_that_of_the_parameters": "float32", STORE: ""},
    ),
    "the name of a built-in family": (
        normal_of(Plain, name="diagonal-normal"),
        {STORE: "choose another"},
    ),
}


@pytest.mark.parametrize(("part", "failures"), WRONG.values(), ids=WRONG)
def test_a_wrong_family_fails_in_its_own_test(failing, part, failures):
    found = failing(suite(part, GOOD["diagonal-normal"][1]))
    assert found.keys() == failures.keys(), found
    for name, words in failures.items():
        assert words in found[name]


def test_dimensions_taken_for_examples_are_caught(failing):
    wrong = replace(diagonal_normal, name="wrong", distribution=lambda p: Normal(**p))
    found = failing(suite(wrong, GOOD["diagonal-normal"][1]))
    assert "wrap it in Independent" in found["test_shapes"]


def test_a_state_space_too_large_to_sum_is_told(failing):
    part, _ = GOOD["categorical"]
    found = failing(suite(part, {"logits": torch.zeros(2, 4, 4, 8)}))
    assert "give parameters of a smaller z" in found[MASS]


def test_a_wrong_divergence_from_a_prior_is_caught(failing):
    prior = standard_normal.build(torch.Size([2]), {})
    backwards = replace(prior, kl=lambda family, params: -prior.kl(family, params))
    params = GOOD["diagonal-normal"][1]
    assert failing(suite(diagonal_normal, params, priors=[prior])) == {}
    [(name, message)] = failing(suite(diagonal_normal, params, priors=[backwards])).items()
    assert name == "test_divergence_from_the_priors_is_that_of_the_draws"
    assert "KL from standard-normal is -" in message
