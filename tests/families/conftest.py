"""What the tests of families share: the engine against brute force, and a model that is a table."""

import math

import pytest
import torch

from genprobe import Model, evaluate
from genprobe.aggregate import log_aggregate

NATS = 1e-3


@pytest.fixture
def require_aggregate():
    """Check log q(z), leave-one-out and index entropy against all pairs in float64.

    The density of the pairs is the test's own: parameters in float64 to a torch distribution.
    """

    def check(family, params, reference, nats=NATS):
        n = len(next(iter(params.values())))
        own = torch.randperm(n)
        z = family.sample({k: v[own] for k, v in params.items()}, 1)[0]
        found = log_aggregate(z, family, params, own=own)
        truth = reference({k: v.double() for k, v in params.items()})
        pairs = torch.stack([truth.log_prob(point) for point in z.double()])
        assert pairs.shape == (n, n)
        close(found.log_qz, pairs.logsumexp(1) - math.log(n), nats)
        entropy = torch.distributions.Categorical(logits=pairs).entropy()
        close(found.index_entropy, entropy, nats)
        pairs[torch.arange(n), own] = -math.inf
        others = pairs.logsumexp(1) - math.log(n - 1)
        below = (found.log_qz - others).clamp(min=0)
        close(found.log_qz_loo - others, torch.zeros_like(others), nats + 1e-5 * below)
        assert found.max_error <= NATS
        return found

    return check


def close(found, truth, nats):
    gap = (found - truth).abs()
    assert (gap <= nats).all(), f"off by up to {gap.max():.3g} nats"


@pytest.fixture
def evaluated():
    """The report on a model whose encoder looks parameters up, one posterior an example."""

    def report(family, params, prior, **options):
        n = len(next(iter(params.values())))
        model = Model(
            name="table",
            encode=lambda x: {k: v[x[:, 0].long()] for k, v in params.items()},
            posterior=family,
            prior=prior,
        )
        return evaluate(model, torch.arange(n)[:, None].float(), **options)

    return report


@pytest.fixture
def require_rate():
    """Check that a report's rate is an exact number, or an estimate within four errors of it."""

    def check(report, truth, *, analytic):
        rate = report["rate"]
        codes = [notice.code for notice in report.warnings]
        assert ("monte-carlo-rate" not in codes) == analytic
        if analytic:
            assert rate.kind == "exact"
            assert rate.se == 0
            assert rate.value == pytest.approx(truth, rel=1e-6, abs=1e-6)
        else:
            assert rate.kind == "estimate"
            assert abs(rate.value - truth) <= 4 * rate.se

    return check
