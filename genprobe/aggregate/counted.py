r"""The aggregate posterior of certain codes, by counting: no pair of examples is compared.

.. math::

    q(z) = \frac1N \#\{n : z_n = z\}

at every example, so that I(n;z) is the entropy of the distinct codes exactly.
"""

import torch

from genprobe.aggregate.distinct import DistinctExamples
from genprobe.aggregate.queries import Queries
from genprobe.errors import UnavailableError
from genprobe.families.codes import row_keys
from genprobe.store.read import Store
from genprobe.types import Family

DRAWS = 2
"""Of each example, the same ones: so that nothing is left to chance, and is known to be."""


def counted_queries(
    store: Store, family: Family, distinct: DistinctExamples | None = None
) -> Queries:
    """Every example as a query of the aggregate posterior of certain codes.

    Args:
        store: finished.
        family: of its posteriors, with ``certain``.
        distinct: the distinct examples, if some are equal.

    Raises:
        UnavailableError: if the posteriors are not certain.
    """
    certain = family.certain
    if certain is None:
        raise UnavailableError(f"The codes of the family {family.name} are not certain.")
    n = store.header.n
    keys = torch.cat([row_keys(certain(params)) for _, params in store.blocks()])
    _, code, count = keys.unique(return_inverse=True, return_counts=True)  # type: ignore[no-untyped-call]
    alike = count[code].double()
    copies = torch.ones(n).double() if distinct is None else distinct.copies.double()
    logs = torch.zeros(len(count), dtype=torch.float64).index_add_(0, code, copies.log())
    most = torch.zeros(len(count), dtype=torch.float64).scatter_reduce_(0, code, copies, "amax")
    by_draw = {
        "log_qz_x": torch.zeros(n, dtype=torch.float64),
        "log_qz": (alike / n).log(),
        "log_qz_loo": ((alike - copies) / (n - copies).clamp(min=1)).log(),
        "largest_share": most[code] / alike,
        "index_entropy": (alike.log() - logs[code] / alike).clamp(min=0),
        "z": store.gather("draws/z", 0, torch.arange(n)),
    }
    return Queries(
        n=n,
        index=torch.arange(n),
        **{name: values.expand(DRAWS, *values.shape) for name, values in by_draw.items()},
        max_error=0.0,
        skipped=0.0,
        distinct=distinct,
    )
