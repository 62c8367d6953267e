import dataclasses
import math
import threading
import time

import pytest
import torch
from torch.distributions import Bernoulli, Cauchy, Dirichlet, Independent
from torch.distributions import constraints as C

import genprobe
from genprobe.aggregate import fit_sample
from genprobe.aggregate.distinct import distinct_examples
from genprobe.aggregate.fit_sample import FOLDS
from genprobe.aggregate.fitted import error_of_fits, fit_marginal
from genprobe.errors import UnavailableError
from genprobe.estimators.rate import rate
from genprobe.estimators.rate_fitted_prior import (
    fitted_rates,
    rate_fitted_prior,
    with_error_of_fits,
)
from genprobe.estimators.standard_error import student_factor
from genprobe.families.diagonal_normal import diagonal_normal as family
from genprobe.priors.diagonal_normal import diagonal_normal
from genprobe.priors.flat import flat_prior
from genprobe.priors.full_normal import full_normal
from genprobe.priors.normal_mixture import normal_mixture
from genprobe.runtime.progress import Progress
from genprobe.types import Family, Prior, PriorFactory

RUNGS = {p.name: p for p in (diagonal_normal, full_normal, normal_mixture)}
NORMALS = {p.name: p for p in (diagonal_normal, full_normal)}


@pytest.fixture
def store_of(tmp_path):
    """The store of an encoder over some data."""

    def make(encode, x, **options):
        parts = {"posterior": "diagonal-normal", "prior": "standard-normal", "batch_size": 64}
        parts |= options
        model = genprobe.Model(
            name="m", encode=encode, posterior=parts.pop("posterior"), prior=parts.pop("prior")
        )
        genprobe.evaluate(
            model, x, store=tmp_path / "s.h5", fresh=True, estimators={"rate": rate}, **parts
        )
        return genprobe.open_store(tmp_path / "s.h5")

    return make


def linear(a, s):
    """N(a x, s² I), for a matrix a."""
    return lambda x: {"loc": x @ a.T, "scale": torch.full((len(x), len(a)), s)}


def rate_under(fitted, store):
    entropy = torch.cat([family.distribution(p).entropy().double() for _, p in store.blocks()])
    log_qz_x = store.column("draws/log_qz_x")
    return rate_fitted_prior(fitted_rates(fitted.log_mz, log_qz_x, entropy))


# Cross-fitting


class Spy:
    """A candidate that knows each example by its code, and scores whether its fit had seen it."""

    def __init__(self, sizes=(1,), score=lambda size: 0.0):
        self.seen, self.scored, self.fits = [], [], []
        self.score = score
        self.factory = PriorFactory(
            name="spy", build=self.build, fit=self.fit, sizes=lambda n, k: sizes
        )

    def fit(self, codes, size, seed):
        self.fits.append(size)
        return {"seen": codes.mean[:, 0].round(), "size": torch.tensor(size)}

    def build(self, event_shape, params):
        def log_prob(z):
            self.seen.append(torch.isin(z[:, 0].round(), params["seen"]).any().item())
            self.scored += z[:, 0].round().int().tolist()
            return torch.full((len(z),), self.score(int(params["size"]))).double()

        return flat_prior("spy", event_shape, log_prob, lambda shape: None, params)


@pytest.mark.parametrize("n", [2, 3, 7, 65, 200])
def test_no_example_is_scored_by_a_fit_that_saw_it(store_of, n):
    store = store_of(
        lambda x: {"loc": x, "scale": torch.full_like(x, 0.01)},
        torch.arange(float(n))[:, None],
        draws=2,
    )
    spy = Spy()
    fitted = fit_marginal(store, family, {"spy": spy.factory})
    assert not any(spy.seen)
    # Once to choose among candidates, and once for each draw of the store.
    assert sorted(spy.scored) == sorted(3 * list(range(n)))
    assert len(spy.fits) == fitted.folds == min(n, FOLDS)
    assert fitted.log_mz.shape == (2, n)


def test_no_example_is_scored_by_a_fit_that_saw_a_copy_of_it(store_of):
    x = torch.randint(0, 12, (200, 1), generator=torch.Generator().manual_seed(2)).float()
    store = store_of(lambda x: {"loc": x, "scale": torch.full_like(x, 0.01)}, x)
    spy = Spy()
    fit_marginal(store, family, {"spy": spy.factory}, distinct=distinct_examples(store))
    assert not any(spy.seen)
    assert sorted(spy.scored) == sorted(x[:, 0].int().tolist())


def test_larger_sizes_are_tried_only_while_they_help(store_of):
    store = store_of(linear(torch.eye(1), 0.5), torch.randn(20, 1))
    spy = Spy(sizes=(1, 2, 4, 8, 16), score=lambda size: -abs(size - 4.0))
    fitted = fit_marginal(store, family, {"spy": spy.factory})
    # One that is clearly worse on the first fold is not fitted to the others.
    assert spy.fits == [1] * 5 + [2] * 5 + [4] * 5 + [8]
    assert fitted.candidate == "spy (4)"
    assert fitted.scores == {f"spy ({size})": -abs(size - 4.0) for size in (1, 2, 4)}


def test_sizes_that_are_no_better_than_another_candidate_are_not_tried(store_of):
    store = store_of(linear(torch.eye(1), 0.5), torch.randn(20, 1))
    one, many = Spy(), Spy(sizes=(2, 4), score=lambda size: 0.0)
    fitted = fit_marginal(store, family, {"one": one.factory, "many": many.factory})
    assert many.fits == [2] * 5
    assert fitted.scores == {"one": 0.0, "many (2)": 0.0}


def test_the_rung_is_not_chosen_on_the_examples_that_it_scores(store_of):
    # Every candidate is best by far on the fold that holds its own example, worse on others.
    def candidate(own):
        def log_prob(z):
            return torch.where((z[:, 0].round() == own).any(), 100.0, -0.1 * own).expand(len(z))

        def build(shape, params):
            return flat_prior("own", shape, lambda z: log_prob(z).double(), lambda n: None, {})

        return PriorFactory(name=str(own), build=build, fit=lambda codes, size, seed: {})

    x = torch.arange(5.0)[:, None]
    store = store_of(lambda x: {"loc": x, "scale": torch.full_like(x, 0.01)}, x)
    fitted = fit_marginal(store, family, {str(own): candidate(own) for own in range(5)})
    # Candidate 0 leads on the other folds of every example but 0, for which candidate 1 does.
    assert fitted.log_mz[0].tolist() == pytest.approx([-0.1, 0, 0, 0, 0])


def test_scores_are_the_mean_log_density_at_the_codes(store_of):
    store = store_of(linear(torch.eye(2), 0.5), torch.randn(400, 2))
    fitted = fit_marginal(store, family, {"diagonal-normal": diagonal_normal})
    # Folds are of equal size, and the only draw is the one that the choice is made on.
    assert fitted.scores["diagonal-normal"] == pytest.approx(fitted.log_mz.mean().item())


def test_only_fits_that_say_so_run_at_once(store_of, set_threads):
    """Others may set torch's own generator, which all threads share."""
    set_threads(2)
    store = store_of(linear(torch.eye(2), 0.5), torch.randn(100, 2))

    def running(concurrent):
        together, most, lock = 0, 0, threading.Lock()

        def fit(codes, size, seed):
            nonlocal together, most
            with lock:
                together += 1
                most = max(most, together)
            time.sleep(0.02)
            with lock:
                together -= 1
            return full_normal.fit(codes, size, seed)

        factory = dataclasses.replace(full_normal, fit=fit, concurrent=concurrent)
        fitted = fit_marginal(store, family, {"full-normal": factory})
        return most, fitted.log_mz

    alone, together = running(False), running(True)
    assert (alone[0], together[0]) == (1, 2)
    assert torch.equal(alone[1], together[1])


def test_the_seed_decides_the_folds(store_of):
    store = store_of(linear(torch.eye(2), 0.5), torch.randn(100, 2))
    a, b, c = (fit_marginal(store, family, NORMALS, seed=s).log_mz for s in (0, 0, 1))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_progress_tells_of_the_fits_of_each_candidate_and_names_it(store_of):
    told, said = [], []
    progress = Progress(advance=lambda *n: told.append(n), say=lambda *n: said.append(n))
    store = store_of(linear(torch.eye(2), 0.5), torch.randn(100, 2))
    fit_marginal(store, family, NORMALS, progress=progress)
    assert [done for _, done, _ in told] == [1] * FOLDS * 2
    assert {(stage, total) for stage, _, total in told} == {("fit", 2 * FOLDS)}
    assert said == [("fit", "diagonal-normal"), ("fit", "full-normal")]


# What it certifies: x ~ N(0, I), q(z|x) = N(A x, s² I), so that q(z) is N(0, A Aᵀ + s² I)


def information(a, s):
    """I(X;Z) of the population, nats."""
    a = a.double()
    return (torch.logdet(a @ a.T + s**2 * torch.eye(len(a))) / 2 - len(a) * math.log(s)).item()


def population_kl(a, s):
    """KL(q(z)‖N(0, I)) of the population, nats."""
    c = a.double() @ a.double().T + s**2 * torch.eye(len(a))
    return ((c.trace() - len(a) - c.logdet()) / 2).item()


MISMATCHED = torch.tensor([[1.2, 0.0, 0.3], [0.9, 0.5, 0.0], [0.0, -1.0, 0.8]])


@pytest.mark.parametrize("n", [500, 4000])
@pytest.mark.parametrize("s", [0.2, 0.7])
def test_the_rate_under_a_fitted_prior_is_not_below_the_information(store_of, n, s):
    store = store_of(linear(MISMATCHED, s), torch.randn(n, 3))
    found = rate_under(fit_marginal(store, family, RUNGS), store)
    assert found.value > information(MISMATCHED, s) - 4 * found.se_data


def test_a_known_mismatch_is_certified(store_of):
    s, n = 0.35, 4000
    truth = population_kl(MISMATCHED, s)
    assert 1 < truth < 2
    store = store_of(linear(MISMATCHED, s), torch.randn(n, 3), draws=2)
    fitted = fit_marginal(store, family, RUNGS)
    assert fitted.candidate == "full-normal"
    found = rate_under(fitted, store)
    saved = store.column("probes/rate").mean(0) - (
        store.column("draws/log_qz_x") - fitted.log_mz
    ).mean(0)
    noise = saved.std().item() / math.sqrt(n)
    certified = store.column("probes/rate").mean().item() - found.value
    assert noise < 0.06
    assert abs(certified - truth) < 4 * noise


def test_a_full_covariance_saves_what_a_diagonal_one_cannot(store_of):
    store = store_of(linear(MISMATCHED, 0.35), torch.randn(4000, 3))
    scores = fit_marginal(store, family, NORMALS).scores
    c = MISMATCHED.double() @ MISMATCHED.double().T + 0.35**2 * torch.eye(3)
    # E log m under q(z) differs by half the log of det C / Π C_jj.
    gain = (c.diagonal().log().sum() - c.logdet()).item() / 2
    assert gain > 0.5
    assert scores["full-normal"] - scores["diagonal-normal"] == pytest.approx(gain, abs=0.15)


@pytest.mark.parametrize("s", [0.3, 0.8])
def test_codes_that_match_the_prior_certify_no_mismatch(store_of, s):
    a = math.sqrt(1 - s**2) * torch.eye(3)
    assert population_kl(a, s) == pytest.approx(0, abs=1e-6)
    store = store_of(linear(a, s), torch.randn(4000, 3), draws=4)
    found = rate_under(fit_marginal(store, family, RUNGS), store)
    saved = store.column("probes/rate").mean().item() - found.value
    assert saved <= 0.02 + 2 * found.se
    assert saved > -0.02 - 4 * found.se


def test_clusters_are_certified_by_the_mixture(store_of):
    # q(z) is ½ N(−3, s²) + ½ N(3, s²): beside N(0, 9 + s²) a mixture saves a known amount.
    s, n = 0.5, 4000
    x = 3 * torch.randn(n, 1).sign()
    store = store_of(linear(torch.eye(1), s), x)
    fitted = fit_marginal(store, family, RUNGS)
    assert fitted.candidate.startswith("normal-mixture")
    z = x.double() + s * torch.randn(50, n, 1, dtype=torch.float64)
    q = torch.distributions.Normal(torch.tensor([-3.0, 3.0]).double(), s)
    truth = (q.log_prob(z).logsumexp(-1) - math.log(2)).mean().item()
    assert fitted.log_mz.mean().item() == pytest.approx(truth, abs=0.06)


@pytest.mark.parametrize(
    ("event", "most"), [((2,), 200), ((40,), 37), ((600,), 100), ((3000,), 30)]
)
def test_examples_that_are_fitted_to_are_as_many_as_their_moments_allow(
    store_of, monkeypatch, event, most
):
    # Second moments of all pairs where candidates have them, else the codes themselves.
    monkeypatch.setattr(fit_sample, "FITTED_VALUES", 60_000)
    monkeypatch.setattr(fit_sample, "LEAST_FITTED", 30)
    store = store_of(
        lambda x: {"loc": x, "scale": torch.full_like(x, 0.5)}, torch.randn(200, *event)
    )
    fold, chosen = fit_sample.choose_folds(store, family, 0, None)
    assert (len(fold), len(chosen)) == (200, most)


# Where there is none


def test_a_single_example_has_no_fitted_marginal(store_of):
    store = store_of(linear(torch.eye(2), 0.5), torch.randn(1, 2))
    with pytest.raises(UnavailableError, match="two that differ"):
        fit_marginal(store, family, RUNGS)


TOO_WIDE = PriorFactory(
    name="wide", build=full_normal.build, fit=full_normal.fit, sizes=lambda n, k: ()
)
NO_FIT = PriorFactory(name="fixed", build=diagonal_normal.build)


@pytest.mark.parametrize("candidates", [{}, {"wide": TOO_WIDE}, {"fixed": NO_FIT}], ids=list)
def test_without_a_rung_that_fits_it_is_unavailable(store_of, candidates):
    store = store_of(linear(torch.eye(2), 0.5), torch.randn(10, 2))
    with pytest.raises(UnavailableError, match="No fitted marginal"):
        fit_marginal(store, family, candidates)


def test_codes_on_a_plane_are_left_to_the_rungs_that_need_no_inverse(store_of):
    store = store_of(
        lambda x: {"loc": x[:, [0, 0]], "scale": torch.full_like(x, 1e-9)}, torch.randn(300, 2)
    )
    assert fit_marginal(store, family, RUNGS).scores.keys() == {"diagonal-normal"}


NO_KL = Prior(
    name="flat",
    log_prob=lambda z: torch.zeros(z.shape[:-1], dtype=torch.float64),
    sample=lambda n: torch.zeros(n, 3),
    kl=lambda family, params: None,
)
OTHERS = {
    "bernoulli": ("probs", C.unit_interval, lambda p: Independent(Bernoulli(p["probs"]), 1)),
    "dirichlet": ("concentration", C.positive, lambda p: Dirichlet(p["concentration"])),
    "cauchy": ("loc", C.real, lambda p: Independent(Cauchy(p["loc"], torch.ones(())), 1)),
}


@pytest.mark.parametrize(("name", "support", "distribution"), OTHERS.values(), ids=OTHERS)
def test_codes_without_a_density_or_moments_have_none(store_of, name, support, distribution):
    # A density can exceed 1 at an atom: beside probabilities it would bound nothing.
    other = Family(name="other", distribution=distribution, constraints={name: support})
    store = store_of(
        lambda x: {name: x}, 0.1 + 0.8 * torch.rand(50, 3), posterior=other, prior=NO_KL
    )
    with pytest.raises(UnavailableError, match="No fitted marginal"):
        fit_marginal(store, other, RUNGS)


# What the fits' own error adds


def test_a_fit_that_no_seed_changes_adds_no_error(store_of):
    store = store_of(linear(torch.eye(2), 0.5), torch.randn(60, 2))
    assert error_of_fits(fit_marginal(store, family, NORMALS)) == 0.0


def test_the_error_is_that_of_the_seeds_and_only_on_what_no_fit_saw(store_of):
    shifts = iter([0.0] * 5 + [0.3, -0.1, 0.2])
    seen = []

    def build(event_shape, params):
        def log_prob(z):
            seen.append(torch.isin(z[:, 0].round(), params["seen"]).any().item())
            return torch.full((len(z),), float(params["shift"])).double()

        return flat_prior("p", event_shape, log_prob, lambda shape: None, params)

    def fit(codes, size, seed):
        return {"seen": codes.mean[:, 0].round(), "shift": torch.tensor(next(shifts)).double()}

    store = store_of(
        lambda x: {"loc": x, "scale": torch.full_like(x, 0.01)}, torch.arange(50.0)[:, None]
    )
    fitted = fit_marginal(store, family, {"p": PriorFactory(name="p", build=build, fit=fit)})
    variance = (0.3**2 + 0.1**2 + 0.2**2) / 2 / 3
    assert error_of_fits(fitted) == pytest.approx(math.sqrt(variance / 5))
    assert not any(seen)


def test_the_error_of_the_bound_has_that_of_the_fits_in_it(store_of):
    angle = torch.arange(200.0) * (2 * math.pi / 8)
    x = torch.stack([angle.cos(), angle.sin()], 1)
    store = store_of(linear(torch.eye(2), 0.1), x + 0.05 * torch.randn(200, 2))
    candidates = {p.name: p for p in (full_normal, normal_mixture)}
    fits = [fit_marginal(store, family, candidates, seed=seed) for seed in range(12)]
    errors = torch.tensor([error_of_fits(fitted) for fitted in fits], dtype=torch.float64)
    spread = torch.stack([fitted.log_mz.mean() for fitted in fits]).std()
    assert 0.6 < errors.square().mean().sqrt() / spread < 1.7
    assert error_of_fits(fits[1], "full-normal") == 0  # whose fit no seed changes
    assert error_of_fits(fits[1], "normal-mixture") == errors[1]
    several = dataclasses.replace(fits[1], picks=["full-normal", *["normal-mixture"] * 4])
    assert error_of_fits(several) > 0  # a fold whose fit no seed changes says nothing of others
    alone, error = rate_under(fits[1], store), float(errors[1])
    both = with_error_of_fits(alone, error)
    assert both.se == pytest.approx(math.hypot(alone.se, student_factor(3.0) * error))
    assert both.value == alone.value
