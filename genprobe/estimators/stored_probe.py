"""What a probe said of every example, for the estimator that names it."""

from jaxtyping import Float64
from torch import Tensor

from genprobe.encoding.probe_settings import settings_by_probe
from genprobe.encoding.probed import absence_code, failure_code
from genprobe.errors import UnavailableError
from genprobe.estimators.probed import probed_column
from genprobe.store.read import Store

AGAIN = "Encode again with --fresh, where the plugin of the probe is installed."


def stored_probe(store: Store, name: str) -> Float64[Tensor, "draw m"]:
    """The column of a probe (draw, n), or (draw, m) of one that was asked about a subset.

    Infinite values are values. NaN stands for examples of which the probe said nothing.

    Args:
        store: finished.
        name: of the probe.

    Raises:
        UnavailableError: with the probe's own reason where it gave one or failed; if the store has
            no such column, or one with NaN.
    """
    notices = store.notices()
    if len(settings_by_probe(notices).get(name, [])) > 1:
        raise UnavailableError(f"No {name}: its settings changed within the store.", AGAIN)
    for notice in notices:
        if notice.code in (absence_code(name), failure_code(name)):
            raise UnavailableError(notice.message)
    if store.has(f"subset/{name}"):
        return probed_column(store, name)
    if not store.has(f"probes/{name}"):
        raise UnavailableError(f"The store has no {name}. {AGAIN}")
    column = store.column(f"probes/{name}")
    lost = column.isnan().any(0)
    if lost.any():
        first = int(lost.nonzero()[0])
        raise UnavailableError(
            f"No {name}: the probe said nothing of {int(lost.sum())} of {len(lost)} examples, the "
            f"first of them example {first}. {AGAIN}"
        )
    return column
