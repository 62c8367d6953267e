import pytest
import torch
from torch.distributions import Independent, Uniform, constraints

from genprobe.annealing.space import space_of, suitable
from genprobe.errors import UnavailableError
from genprobe.families.bernoulli import bernoulli
from genprobe.families.beta import beta
from genprobe.families.categorical import categorical
from genprobe.families.delta import delta
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.families.full_normal import full_normal
from genprobe.families.gamma import gamma
from genprobe.families.gumbel_softmax import gumbel_softmax
from genprobe.families.laplace import laplace
from genprobe.families.logistic_normal import logistic_normal
from genprobe.families.low_rank_normal import low_rank_normal
from genprobe.families.poisson import poisson
from genprobe.families.uniform_box import uniform_box
from genprobe.families.von_mises_fisher import von_mises_fisher
from genprobe.types import Family

ONES = torch.ones(3, 2, dtype=torch.float64)
PARAMS = {
    "loc": ONES,
    "scale": 2 * ONES,
    "scale_tril": torch.tensor([[1.0, 0.0], [3.0, 2.0]]).double().expand(3, 2, 2),
    "cov_factor": ONES[..., None],
    "cov_diag": ONES,
    "concentration": 3 * ONES,
    "rate": ONES,
    "concentration1": 2 * ONES,
    "concentration0": 3 * ONES,
    "logits": ONES,
    "temperature": ONES[:, 0],
    "low": ONES,
    "high": 2 * ONES,
}
SMOOTH = [
    diagonal_normal,
    full_normal,
    low_rank_normal,
    laplace,
    logistic_normal,
    gamma,
    beta,
]


def params_of(family):
    return {name: PARAMS[name] for name in family.constraints}


@pytest.mark.parametrize("family", SMOOTH, ids=lambda family: family.name)
def test_coordinates_go_to_the_support_and_back_with_their_volume(family):
    space = space_of(family, params_of(family))
    noise = torch.Generator().manual_seed(0)
    u = torch.randn(4, 3, space.deviation.shape[1], generator=noise, dtype=torch.float64)
    z, log_volume = space.z_of(u)
    assert family.distribution(params_of(family)).support.check(z).all()
    torch.testing.assert_close(space.u_of(z), u)
    for chain in range(4):
        for example in range(3):
            k = u.shape[2]
            jacobian = torch.autograd.functional.jacobian(
                lambda v, k=k: space.transform(v)[..., :k], u[chain, example]
            )
            expected = torch.linalg.slogdet(jacobian)[1]
            torch.testing.assert_close(log_volume[chain, example], expected)


@pytest.mark.parametrize("family", SMOOTH, ids=lambda family: family.name)
def test_steps_have_the_covariance_of_the_posterior_in_these_coordinates(family):
    params = params_of(family)
    space = space_of(family, params)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        u = space.u_of(family.distribution(params).sample((10_000,)))
        v = space.stretched(torch.randn(10_000, *u.shape[1:], dtype=torch.float64))
    torch.testing.assert_close(v.var(0), u.var(0), rtol=0.25, atol=0)
    if space.factor is not None:
        off = [(w[:, 0] - w[:, 0].mean(0)).T @ w[:, 0] / len(w) for w in (u, v)]
        torch.testing.assert_close(off[1], off[0], rtol=0.1, atol=0)


def test_a_gradient_is_pulled_back_by_the_transpose():
    space = space_of(full_normal, params_of(full_normal))
    v, g = torch.randn(2, 5, 3, 2, generator=torch.Generator().manual_seed(0)).double()
    left, right = (space.stretched(v) * g).sum(), (v * space.pulled(g)).sum()
    torch.testing.assert_close(left, right)


@pytest.mark.parametrize(
    ("family", "reason"),
    [
        (bernoulli, "discrete"),
        (categorical, "discrete"),
        (gumbel_softmax, "discrete"),
        (poisson, "discrete"),
        (delta, "is a point"),
        (von_mises_fisher, "of length 1"),
        (uniform_box, "no rate that can be told from the width of its box"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_what_no_chain_can_move_in_is_refused_with_the_reason(family, reason):
    params = params_of(family)
    if family is von_mises_fisher:
        params["concentration"] = PARAMS["temperature"]
    with pytest.raises(UnavailableError, match=reason):
        suitable(family, params)


def test_edges_of_each_examples_own_are_refused():
    boxes = Family(
        name="boxes",
        distribution=lambda p: Independent(Uniform(p["low"], p["high"]), 1),
        constraints={"low": constraints.real, "high": constraints.real},
    )
    with pytest.raises(UnavailableError, match="edges that differ by example"):
        suitable(boxes, params_of(boxes))
