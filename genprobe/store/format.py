"""What a store says of itself, and the names inside it."""

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from genprobe._version import __version__
from genprobe.errors import StoreError

FORMAT = "genprobe.store"
VERSION = 2
SEALED_SINCE = 2
"""The version since which every file ends in its checksum."""
SAID = "said:"
"""What the fingerprint of a model without weights begins with."""
SEGMENT_VALUES = 1 << 22
SEGMENT_ROWS = 4096

MOMENT = "level_{}_rate"
"""Name of the sums of the rate of each dimension of a level, counted from 1."""
DRAWS = "z_{}"
"""Name of the draws of a level below the first, where they are kept."""
EXAMPLE_HASHES = ("identity/x", "identity/context")
"""Columns of hashes, of each example and of what it gives a conditional model."""
EXAMPLE_AXIS = {
    "identity": 0,
    "params": 0,
    "draws": 1,
    "levels": 1,
    "probes": 1,
    "moments": None,
    "subset": None,
}
"""Which axis of the arrays in each group counts the examples; None: moments are summed over
segments, and what is of a subset of the examples is put together."""


@dataclass(frozen=True, kw_only=True)
class Header:
    """The identity of a store and the facts needed to read it without the model.

    Attributes:
        model: name of the model.
        model_fingerprint: hash of its weights; of a model without any, of what it says.
        dataset: name of the data set.
        dataset_fingerprint: hash over those of the examples, as they were read; empty until all
            are. Where there is nothing to read, what the data set says.
        n: number of examples.
        event_shape: shape of one example.
        latent_shape: shape of one z.
        family: registered name of the posterior family.
        prior: registered name of the prior.
        likelihood: registered name of the likelihood, None without a decoder.
        discrete: whether the likelihood gives probabilities.
        binarize: how the data were binarised.
        entropy: the data set's own upper bound on H in nats, if it has one.
        rate_analytic: whether the rate is a closed form rather than a mean over draws.
        draws: posterior draws per example.
        seed: of the draws.
        dtype: of the encoder's parameters and of z.
        segment: examples per segment, the unit of writing and of resuming.
        training: what the checkpoint says of its training.
        context: names of what a conditional model is given besides x and z.
        context_fingerprint: hash over that of all examples; None without it, or until it is read.
        device: kind of the device that the model was on.
        teacher_forced: whether the decoder was given x besides z.
        encoder: whether the model has one; if not, its posteriors were fitted to each example.
        levels: family and shape of z of each level of a chain of latents, of which the first is
            the code that is stored; empty of any other model.
        keep_levels: whether the draws of the others are stored too.
        diffusion: of a diffusion model its steps, how they are grouped, and which are looked at;
            None of any other. What is stored as its code says nothing.
        genprobe: the version that wrote it.
        version: of the format.
    """

    model: str
    model_fingerprint: str
    dataset: str
    dataset_fingerprint: str
    n: int
    event_shape: tuple[int, ...]
    latent_shape: tuple[int, ...]
    family: str
    prior: str
    likelihood: str | None
    discrete: bool
    binarize: str
    entropy: float | None
    rate_analytic: bool
    draws: int
    seed: int
    dtype: str
    segment: int
    training: Mapping[str, Any] = field(default_factory=dict)
    context: tuple[str, ...] = ()
    context_fingerprint: str | None = None
    device: str = "cpu"
    teacher_forced: bool = False
    encoder: bool = True
    levels: tuple[tuple[str, tuple[int, ...]], ...] = ()
    keep_levels: bool = False
    diffusion: Mapping[str, Any] | None = None
    genprobe: str = __version__
    version: int = VERSION

    @property
    def segments(self) -> int:
        """How many segments the examples fall into."""
        return -(-self.n // self.segment)

    def span(self, segment: int) -> tuple[int, int]:
        """First example of a segment, and the one after its last."""
        return segment * self.segment, min(self.n, (segment + 1) * self.segment)


IDENTITY = {
    "model_fingerprint": "another model",
    "dataset_fingerprint": "another data set",
    "n": "another number of examples",
    "event_shape": "another shape of the examples",
    "latent_shape": "another shape of z",
    "binarize": "another binarisation",
    "entropy": "another bound on the entropy of the data",
    "context": "another context",
    "encoder": "another way to posteriors",
    "family": "another posterior family",
    "levels": "another chain of levels",
    "keep_levels": "another choice of what is kept of its levels",
    "prior": "another prior",
    "likelihood": "another likelihood",
    "draws": "another number of draws",
    "seed": "another seed",
    "dtype": "another dtype",
    "segment": "another segment length",
}
"""The fields in which two runs must agree to share a store, and what a difference means."""


def segment_rows(event_shape: tuple[int, ...], latent_shape: tuple[int, ...]) -> int:
    """Examples per segment, so that no array of a segment exceeds about 16 MiB a draw."""
    widest = max(_size(event_shape), _size(latent_shape))
    return max(16, min(SEGMENT_ROWS, SEGMENT_VALUES // widest))


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size


def require_same(found: Header, wanted: Header, place: str) -> None:
    """Check that a store belongs to the run that would use it.

    What the examples hold and what the model says of them is not in a header: that is compared
    with the stored rows (``genprobe.runs.encoded_store``).

    Raises:
        StoreError: naming the first difference; or if a version began it that did not store what
            its examples held.
    """
    if found.version < 2 and not wanted.dataset_fingerprint:
        raise StoreError(
            f"The store {place} is of genprobe {found.genprobe}, which did not keep what tells "
            "whether model and data are still the same.",
            "It can be shown and compared. To evaluate again give another --store, or --fresh to "
            "replace it.",
        )
    for name, meaning in IDENTITY.items():
        there, here = getattr(found, name), getattr(wanted, name)
        if there != here and not _only_rows_tell(name, there, here):
            label = name.removesuffix("_fingerprint")
            there, here = (getattr(found, label), getattr(wanted, label))
            detail = f"{there!r}, not {here!r}" if there != here else "same name, other content"
            raise StoreError(
                f"The store {place} is of {meaning} ({label}: {detail}).",
                "Give another --store, or --fresh to replace it.",
            )


def _only_rows_tell(name: str, there: object, here: object) -> bool:
    """Whether two values of a field may differ although the runs are the same."""
    from genprobe.types.dataset import SCHEME  # which imports torch; showing a report does not

    there, here = str(there), str(here)
    if name == "dataset_fingerprint":
        return not here and there.startswith(SCHEME)
    return name == "model_fingerprint" and there.startswith(SAID) and here.startswith(SAID)


def dump_header(header: Header) -> str:
    """The header as JSON text; what goes without saying is left out, as in older stores."""
    content = {"format": FORMAT, "version": header.version, **dataclasses.asdict(header)}
    if header.encoder:
        del content["encoder"]
    if not header.levels:
        del content["levels"]
    if not header.keep_levels:
        del content["keep_levels"]
    if header.diffusion is None:
        del content["diffusion"]
    return json.dumps(content)


def load_header(text: str | bytes, place: str) -> Header:
    """The header in JSON text.

    Raises:
        StoreError: if it is not a header, or of a version newer than this genprobe reads.
    """
    try:
        content = json.loads(text)
        kind, version = content.pop("format"), content["version"]
        if version > VERSION:
            raise StoreError(
                f"The store {place} has version {version}; this genprobe reads up to {VERSION}.",
                "Upgrade genprobe.",
            )
        for name in ("event_shape", "latent_shape", "context"):
            content[name] = tuple(content.get(name, ()))
        levels = content.get("levels", ())
        content["levels"] = tuple((family, tuple(shape)) for family, shape in levels)
        header = Header(**content)
        require_possible(header)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise StoreError(
            f"{place} is not a genprobe store: its header does not read.",
            "Give another --store, or encode again with --fresh.",
        ) from error
    if kind != FORMAT:
        raise StoreError(f"{place} is not a genprobe store but {kind!r}.", "Give another --store.")
    return header


TEXTS = ("model", "model_fingerprint", "dataset", "dataset_fingerprint", "family", "prior")
FLAGS = ("discrete", "rate_analytic", "teacher_forced", "encoder", "keep_levels")
KINDS: dict[str, Any] = {
    **dict.fromkeys((*TEXTS, "binarize", "device", "genprobe"), str),
    **dict.fromkeys(("n", "draws", "segment", "version", "seed"), int),
    **dict.fromkeys(FLAGS, bool),
    **dict.fromkeys(("likelihood", "context_fingerprint"), str | None),
    "entropy": float | int | None,
    "training": dict,
    "diffusion": dict | None,
}
"""What the fields of a header are, but for those that list something."""
OF_DIFFUSION = {"steps", "predicts", "variance", "octaves", "points", "scales", "plan"}
"""What a header says of a diffusion model."""
MANY = 1 << 48
"""More than a header counts of anything."""


def require_possible(header: Header) -> None:
    """Check that a header says nothing that no run could have written.

    Raises:
        ValueError: naming a field that it cannot say so.
    """
    wrong = [k for k, kind in KINDS.items() if not isinstance(getattr(header, k), kind)]
    of_levels = [length for _, shape in header.levels for length in shape]
    lengths = (*header.event_shape, *header.latent_shape, *of_levels)
    if not all(isinstance(length, int) and 0 <= length < MANY for length in lengths):
        wrong.append("event_shape, latent_shape or levels")
    if not all(isinstance(name, str) for name in header.context):
        wrong.append("context")
    if not all(isinstance(family, str) for family, _ in header.levels):
        wrong.append("levels")
    if header.diffusion is not None and not header.diffusion.keys() >= OF_DIFFUSION:
        wrong.append("diffusion")
    if header.dtype not in ("float32", "float64"):
        wrong.append("dtype")
    if wrong:
        raise ValueError(wrong[0])
    if not all(0 < count < MANY for count in (header.n, header.draws, header.segment)):
        raise ValueError("n, draws or segment")
    if header.entropy is not None and not math.isfinite(header.entropy):
        raise ValueError("entropy")
