"""What an expensive probe said of the examples it was asked about, from a store."""

from jaxtyping import Float64
from torch import Tensor

from genprobe.errors import UnavailableError
from genprobe.store.read import Store


def probed_column(store: Store, name: str) -> Float64[Tensor, "draw m"]:
    """The column of a probe of some examples (draw, m).

    Args:
        store: finished.
        name: of the probe.

    Raises:
        UnavailableError: if the probe did not apply to the model, gave NaN, or was asked about
            other examples in a part of the store.
    """
    before = store.has(f"probes/{name}")
    if not store.has(f"subset/{name}"):
        if before:
            return stored_with_gaps(store, name)
        raise UnavailableError(f"The store has no {name}: the probe did not apply to the model.")
    if before:
        raise UnavailableError(
            f"No {name}: a part of the store was encoded by an earlier version, which asked about "
            "other examples. Encode again with --fresh."
        )
    column = store.column(f"subset/{name}")
    lost = column.isnan().any(0)
    if lost.any():
        first = int(store.probed()[lost][0])
        raise UnavailableError(
            f"No {name}: it is NaN at {int(lost.sum())} of the {len(lost)} examples asked about, "
            f"the first of them example {first}."
        )
    return column


def stored_with_gaps(store: Store, name: str) -> Float64[Tensor, "draw m"]:
    """The same from a store of an earlier version: NaN stands for what was not asked about."""
    column = store.column(f"probes/{name}")
    return column[:, ~column.isnan().any(0)]
