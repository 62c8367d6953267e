"""Pictures of what a model makes of images, written next to the store of a report."""

import functools
import logging
from collections.abc import Callable
from typing import NoReturn

from genprobe.aggregate.fitted import FittedMarginal
from genprobe.encoding.pictures import draw_pictures
from genprobe.errors import UnavailableError, reason_of
from genprobe.report import Report
from genprobe.runs.encoded_store import Run
from genprobe.store.pictures import save_pictures

log = logging.getLogger("genprobe")


def write_pictures(run: Run, report: Report, fit: Callable[[], FittedMarginal]) -> None:
    """Draw what the model makes of images, and write it next to the store; a fault is only logged.

    Args:
        run: of the model on its data.
        report: of the run; holds its store.
        fit: gives the fitted marginal of the report.
    """
    if report.store is None:
        return
    reason = report.provenance["absent"].get("rate_fitted_prior", "No prior was fitted.")
    known = report.provenance.get("fitted_prior") is not None
    try:
        drawn = draw_pictures(
            run.parts,
            run.dataset,
            report.store,
            report.dimensions,
            fit if known else functools.partial(refuse_fit, reason),
            device=run.device,
            batch_size=run.batch_size,
        )
        if drawn is not None:
            save_pictures(report.store, drawn)
    except Exception as error:
        log.warning("No pictures were kept. %s.", reason_of(error))
        log.debug("While pictures were drawn:", exc_info=error)


def refuse_fit(reason: str) -> NoReturn:
    """Say why there is no fitted marginal.

    Raises:
        UnavailableError: always.
    """
    raise UnavailableError(reason)
