"""Looking into inference for an evaluation: what of it is not in the store yet is worked out.

It is the most expensive thing that a run can ask for, so its pieces are kept while it runs, and its
results in the store. What is there under the same prior, of no fewer examples and no less exact, is
taken as it is.
"""

import contextlib
import logging
import math
import os
from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import Int64
from torch import Tensor

from genprobe.analysis.options import Options
from genprobe.analysis.stored_quantities import choose_prior
from genprobe.annealing.of_model import require_same_support
from genprobe.encoding.calls import bind
from genprobe.encoding.placement import in_evaluation
from genprobe.errors import StoreError
from genprobe.estimators.pointwise import fit_scale
from genprobe.runs import annealing_stages
from genprobe.runs.annealed_bound import annealed_bound
from genprobe.runs.annealed_examples import Annealed, SimulatedChunk, chunks_of
from genprobe.runs.annealing_pieces import Pieces
from genprobe.runs.annealing_stages import Stages, counted, joined
from genprobe.runs.asked_inference import Asked, asked_of, is_whole
from genprobe.runs.encoded_store import Run
from genprobe.runtime.outer_threads import outer_threads
from genprobe.runtime.ranks import barrier
from genprobe.runtime.seeds import random_rows
from genprobe.store.inference import (
    CURVE,
    SIMULATED,
    KeptInference,
    read_inference,
    write_inference,
)
from genprobe.store.read import Store, open_store
from genprobe.store.write import explain_write_errors, require_no_link, store_lock

log = logging.getLogger("genprobe")


def with_inference(run: Run, store: Store, options: Options) -> Store:
    """A finished store with what was asked of inference.

    Args:
        run: whose store it is.
        store: finished.
        options: what the user chose.

    Raises:
        GenprobeError: if the model cannot be annealed, or the store cannot be written.
    """
    if options.inference is None:
        return store
    parts = run.parts
    with barrier(run.ranks):
        prior = choose_prior(store, parts, parts.posterior, options.prior) or parts.prior
        asked = asked_of(store, options, None if options.prior is None else prior, prior.name)
        kept = read_inference(store)
        _, example = next(store.blocks(1))
        require_same_support(parts.posterior, example, prior, run.header.seed)
    served = kept if asked.served_by(kept) else None
    if served is not None and is_whole(served, asked):
        log.info("Reused the inference in %s: of %d examples.", store.path, len(served.index))
        return store
    if kept is not None and served is None:
        warn_of_loss(store, kept, asked)
    pieces = Pieces(store.path, f"{store.unlabelled} {asked.identity}")
    dtype = getattr(torch, run.header.dtype)
    calls = bind(parts, device=run.device, dtype=dtype, batch_size=run.batch_size)
    of = Annealed(
        calls=calls,
        prior=prior,
        scale=fit_scale(store, parts.likelihood),
        dataset=run.dataset,
        store=store,
    )
    stages = Stages(
        family=parts.posterior,
        pieces=pieces,
        ranks=run.ranks,
        progress=run.progress,
    )
    with contextlib.ExitStack() as held:
        with barrier(run.ranks):
            if run.ranks.leads:
                hold(held, pieces)
        # A step is many small operations: with threads of torch each would wait for the last.
        with outer_threads(), in_evaluation(parts.model, run.device, dtype, prior):
            found = worked_out(of, stages, asked, served)
        with barrier(run.ranks):
            if run.ranks.leads:
                write_inference(store, found)
                pieces.close()
    with barrier(run.ranks):
        return open_store(store.path)


def warn_of_loss(store: Store, kept: KeptInference, asked: Asked) -> None:
    """Log what of an earlier annealing goes, and is not asked for again."""
    lost = [
        name
        for name, gone in (
            ("simulated data", kept.simulated and not asked.simulate),
            ("the decoder's curve", kept.betas and not asked.betas),
        )
        if gone
    ]
    log.info(
        "The inference in %s is of fewer examples, less exact or of another prior.", store.path
    )
    if lost:
        log.warning("It goes with its %s: give their options again.", " and ".join(lost))


def warn_of_lost_inference(options: Options, path: Path) -> None:
    """Log that what an old store has of inference goes, where it is encoded anew without.

    Args:
        options: what the user chose.
        path: of the store.
    """
    if options.inference is not None or not options.fresh or not os.path.exists(path):
        return
    with contextlib.suppress(StoreError):  # whoever replaces the store says what is wrong with it
        if read_inference(open_store(path)) is not None:
            log.warning("%s is encoded anew, without its inference: give --inference.", path)


def hold(held: contextlib.ExitStack, pieces: Pieces) -> None:
    """Take the lock of the store, and open the folder of its pieces.

    Raises:
        StoreError: if another process writes it, or it cannot be written.
    """
    with explain_write_errors(pieces.partial):
        require_no_link(pieces.partial)
        pieces.partial.mkdir(exist_ok=True)
        held.enter_context(store_lock(pieces.partial))
    pieces.open()


def worked_out(
    of: Annealed, stages: Stages, asked: Asked, served: KeptInference | None
) -> KeptInference:
    """What was asked for, of which a store may have a part.

    Args:
        of: the model and the data.
        stages: where it is worked out.
        asked: for.
        served: what the store has, but for simulated data and curve.
    """
    chunks = chunks_of(of, asked.index if served is None else served.index)
    if served is None:
        served = annealed_bound(stages, chunks, asked)
    arrays, facts = dict(served.arrays), dict(served.facts)
    shape = facts["temperatures"], facts["chains"]
    if asked.simulate > served.simulated:
        simulated = chunks_of(of, simulated_contexts(of, asked.simulate), SimulatedChunk)
        found = annealing_stages.sandwiched(stages, simulated, *shape)
        arrays |= {name: joined(found, name.rpartition("/")[2]) for name in SIMULATED}
    if not set(asked.betas) <= set(served.betas):
        fits = annealing_stages.fit(stages, chunks)
        found = annealing_stages.curved(stages, chunks, fits, asked.betas)
        arrays |= {name: joined(found, name.rpartition("/")[2]) for name in CURVE[1:]}
        arrays[CURVE[0]] = torch.tensor(asked.betas, dtype=torch.float64)
        facts["evaluations"] += counted(found)
    return replace(served, arrays=arrays, facts=facts)


def simulated_contexts(of: Annealed, count: int) -> Int64[Tensor, " s"]:
    """The examples whose context simulated ones are given; over and over where they are few."""
    n = of.store.header.n
    rows = random_rows(n, count, of.store.header.seed, "simulated")
    return rows.repeat(math.ceil(count / len(rows)))[:count]
