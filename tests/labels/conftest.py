import math

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal

from genprobe.aggregate.blocks import in_memory
from genprobe.aggregate.density import log_aggregate_blocks
from genprobe.aggregate.queries import Queries
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.labels.columns import label_columns
from genprobe.types.label import Label


@pytest.fixture(scope="session")
def label():
    """A label from its values, −1 for missing ones."""

    def make(values, name="y"):
        values = np.asarray(values, dtype=np.int64)
        classes = tuple(f"class {i}" for i in range(values.max() + 1))
        return Label(name=name, values=values, classes=classes)

    return make


@pytest.fixture(scope="session")
def queried():
    """Queries of normals that tally labels, every example once, by the pass."""

    def make(loc, scale, labels, draws=2, seed=0):
        n = len(loc)
        torch.manual_seed(seed)
        q = Independent(Normal(loc, scale), 1)
        z = q.sample((draws,))
        tally, columns = label_columns(labels)
        index = torch.arange(n).repeat(draws)
        found = log_aggregate_blocks(
            z.flatten(0, 1),
            diagonal_normal,
            in_memory({"loc": loc, "scale": scale}),
            n,
            own=index,
            tally=type(tally)(rows=tally.rows, moments=tally.moments, queries=n * draws),
        )
        queries = Queries(
            n=n,
            index=torch.arange(n),
            z=z,
            log_qz_x=q.log_prob(z).double(),
            log_qz=found.log_qz.view(draws, n),
            log_qz_loo=found.log_qz_loo.view(draws, n),
            largest_share=found.largest_share.view(draws, n),
            index_entropy=found.index_entropy.view(draws, n),
            max_error=0.0,
            skipped=0.0,
            tallied=found.tallied,
            tallied_loo=found.tallied_loo,
            tallied_shape=(draws, n),
        )
        return queries, columns

    return make


@pytest.fixture(scope="session")
def normals():
    """Posteriors of examples of a few classes that are normals of variance 1 about some means."""

    def make(means, n, seed, posterior=0.4):
        random = torch.Generator().manual_seed(seed)
        y = torch.randint(len(means), (n,), generator=random)
        noise = torch.randn(n, means.shape[1], generator=random, dtype=torch.float64)
        loc = means[y] + math.sqrt(1 - posterior) * noise
        return y, loc, torch.full_like(loc, math.sqrt(posterior))

    return make


@pytest.fixture(scope="session")
def information():
    """I(Y;Z) of equally frequent classes that are normals of variance 1, by quadrature."""

    def quadrature(means):
        nodes, weights = np.polynomial.hermite_e.hermegauss(60)
        nodes, weights = torch.from_numpy(nodes), torch.from_numpy(weights)
        k = means.shape[1]
        grid = torch.cartesian_prod(*[nodes] * k).view(-1, k)
        weight = torch.cartesian_prod(*[weights] * k).view(-1, k).prod(1) / (2 * math.pi) ** (k / 2)
        found = 0.0
        for own, mean in enumerate(means):
            logs = -(mean + grid - means[:, None]).square().sum(2).T / 2
            found += float((weight * logs.log_softmax(1)[:, own]).sum()) + math.log(len(means))
        return found / len(means)

    return quadrature
