import pytest
import torch

import genprobe
from genprobe.aggregate.fitted import fit_marginal
from genprobe.aggregate.queries import Queries, draw_queries
from genprobe.estimators.annealing import Annealing
from genprobe.estimators.quantities import Quantities
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.likelihoods.normal import normal
from genprobe.priors.diagonal_normal import diagonal_normal as normal_factory
from genprobe.store.inference import KeptInference, write_inference

N, DRAWS, PIXELS = 300, 2, 4


@pytest.fixture
def numbers():
    """Independent normal values of a shape, float64."""
    return lambda *shape: torch.randn(*shape, dtype=torch.float64)


@pytest.fixture
def make_queries():
    """Queries of given densities; what is not given is NaN, so that nothing is made of it."""

    def make(n, log_qz_x, log_qz, index=None, **fields):
        unknown = torch.full_like(log_qz, torch.nan)
        names = ("log_qz_loo", "largest_share", "index_entropy")
        return Queries(
            n=n,
            index=torch.arange(log_qz.shape[1]) if index is None else index,
            z=torch.empty(*log_qz.shape, 0),
            log_qz_x=log_qz_x,
            log_qz=log_qz,
            max_error=0.0,
            skipped=0.0,
            **(dict.fromkeys(names, unknown) | fields),
        )

    return make


@pytest.fixture
def make_annealing():
    """What annealing finds of models of which each gap is known, and the means of these gaps.

    log p(x_n) is normal, weights are log-normal with the mean p(x_n), and L[q] and L[q*] lie below
    log p(x_n) by gaps of each example, their draws of common noise.
    """

    def make(seed, n=50, m=50, chains=16, draws=32, spread=0.5):
        g = torch.Generator().manual_seed(seed)

        def noise(*shape):
            return torch.randn(*shape, generator=g).double()

        log_p, family, encoder = -80 + 5 * noise(n), 3 + noise(n), 2 + noise(n)
        index = torch.randperm(n, generator=g)[:m].sort().values
        common = 3 * noise(draws, m)
        best = (log_p - family)[index] + common
        elbo = (log_p - family - encoder)[index] + common + 0.5 * noise(draws, m)
        found = Annealing(
            n=n,
            log_weight=log_p[index] + spread * noise(chains, m) - spread**2 / 2,
            elbo=elbo,
            best_elbo=best,
            index=index,
        )
        return found, {
            "log_p": float(log_p.mean()),
            "family": float(family.mean()),
            "encoder": float(encoder.mean()),
        }

    return make


def build(**decoder):
    return genprobe.Model(
        name="m",
        encode=lambda x: {"loc": x[:, :2], "scale": torch.full_like(x[:, :2], 0.5)},
        posterior="diagonal-normal",
        prior="standard-normal",
        **decoder,
    )


def decode(z):
    return {"loc": torch.cat([z, z], 1), "scale": torch.tensor(0.5)}


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stores")
    x = torch.randn(N, PIXELS, generator=torch.Generator().manual_seed(0))
    models = {"full": build(decode=decode, likelihood="normal"), "rate only": build()}
    for name, model in models.items():
        genprobe.evaluate(model, x, store=folder / name, draws=DRAWS)
    put_inference(genprobe.open_store(folder / "full"))
    return {name: genprobe.open_store(folder / name) for name in models}


def put_inference(store, m=6):
    """What annealing might have found of a store's first examples: here no more than numbers."""
    weights = torch.randn(4, m).double()
    names = ("log_weight", "elbo", "best_elbo", "prior_weight")
    log_pz = store.column("draws/log_pz")[0, :m]
    arrays = {**dict.fromkeys(names, weights), "log_pz": log_pz, "acceptance": weights[0]}
    counts = dict.fromkeys(("temperatures", "chains", "evaluations", "max_steps"), 4)
    facts = {**counts, "tolerance": 0.1, "reached": True, "prior": "standard-normal"}
    write_inference(store, KeptInference(index=torch.arange(m), arrays=arrays, facts=facts))


@pytest.fixture
def quantities(stores):
    def make(store="full", prior=None, bin_width=None, replaced=True, most=2 * N):
        chosen = stores[store]
        return Quantities(
            chosen,
            diagonal_normal,
            prior,
            normal if store == "full" else None,
            replaced=replaced and prior is not None,
            bin_width=bin_width,
            draw=lambda information: draw_queries(
                chosen,
                diagonal_normal,
                lambda queries: information(queries).se,
                tolerance=1e-9,
                max_queries=most,
            ),
            fit=lambda: fit_marginal(chosen, diagonal_normal, {"diagonal-normal": normal_factory}),
        )

    return make
