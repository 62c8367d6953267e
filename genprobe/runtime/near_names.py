"""What was perhaps meant by a name that there is none of: a near one, or one of the field's."""

import contextlib
import difflib
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

ALIASES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "families": {
        "diagonal-normal": ("normal", "gaussian", "diagonal-gaussian", "isotropic", "mvn-diag"),
        "full-normal": ("multivariate-normal", "mvn", "full-gaussian", "full-covariance"),
        "low-rank-normal": ("low-rank-multivariate-normal", "low-rank-gaussian"),
        "logistic-normal": ("logit-normal",),
        "bernoulli": ("binary",),
        "categorical": ("one-hot", "discrete", "vq"),
        "gumbel-softmax": ("concrete", "gumbel", "relaxed-categorical"),
        "von-mises-fisher": ("vmf", "hyperspherical"),
        "uniform-box": ("uniform",),
        "delta": ("deterministic", "dirac", "point", "autoencoder"),
    },
    "priors": {
        "standard-normal": ("normal", "gaussian", "standard-gaussian", "unit-normal", "isotropic"),
        "diagonal-normal": ("learned", "diagonal-gaussian"),
        "full-normal": ("multivariate-normal", "mvn"),
        "normal-mixture": ("mog", "gmm", "gaussian-mixture", "mixture"),
        "vamp": ("vampprior", "vamp-prior"),
        "uniform-sphere": ("hyperspherical-uniform", "sphere"),
        "uniform-categorical": ("uniform", "one-hot"),
    },
    "likelihoods": {
        "bernoulli": ("bce", "binary-cross-entropy", "binary-crossentropy", "binary", "sigmoid"),
        "normal": ("gaussian", "mse", "l2", "squared-error", "mean-squared-error"),
        "laplace": ("l1", "mae", "absolute-error"),
        "categorical": ("ce", "cross-entropy", "crossentropy", "softmax"),
        "discretised-logistic-mixture": ("dmol", "mol", "logistic-mixture", "discretized-logistic"),
        "continuous-bernoulli": ("cb",),
        "normal-optimal-sigma": ("sigma-vae", "optimal-sigma", "gaussian-optimal-sigma"),
        "student-t": ("t", "student"),
        "negative-binomial": ("nb",),
        "zero-inflated-negative-binomial": ("zinb",),
        "zero-inflated-poisson": ("zip",),
    },
    "estimators": {
        "elbo": ("loss", "negative-loss", "evidence-lower-bound"),
        "rate": ("kl", "kld", "kl-divergence"),
        "distortion": ("nll", "recon", "reconstruction", "reconstruction-error"),
        "mutual_information": ("mi", "i", "information"),
        "marginal_kl": ("aggregate-kl", "mkl"),
        "total_correlation": ("tc",),
        "active_units": ("au",),
        "iwae_bound": ("iwae", "log-likelihood", "ll"),
        "slope": ("beta",),
    },
    "renderers": {"markdown": ("md",), "latex": ("tex",)},
    "devices": {"cuda": ("gpu", "nvidia"), "mps": ("metal", "apple")},
    "splits": {"test": ("t10k", "eval", "evaluation"), "train": ("training",), "all": ("whole",)},
}
"""By kind and name, what else the field calls it; small letters and dashes."""


def hint(wanted: str | None, known: Iterable[str], kind: str = "") -> str:
    """``Did you mean NAME? `` with a space after it; empty if nothing is near.

    Args:
        wanted: that there is none of; None if nothing was named.
        known: that there are.
        kind: of ``ALIASES``, if it is one.

    Example:
        >>> hint("gaussian", ["bernoulli", "diagonal-normal"], "families")
        'Did you mean diagonal-normal? '
        >>> hint("Bernouli", ["bernoulli"]), hint("dirichlet", ["bernoulli"])
        ('Did you mean bernoulli? ', '')
    """
    found = None if wanted is None else nearest(wanted, known, kind)
    return f"Did you mean {found}? " if found else ""


def nearest(wanted: str, known: Iterable[str], kind: str = "") -> str | None:
    """The name that was perhaps meant.

    Args:
        wanted: that there is none of.
        known: that there are.
        kind: of ``ALIASES``, if it is one.
    """
    plain = {spelled_plainly(name): name for name in known}
    key = spelled_plainly(wanted)
    if key in plain:
        return plain[key]
    called = ALIASES.get(kind, {}).items()
    other = {
        alias: name
        for name, aliases in called
        if spelled_plainly(name) in plain
        for alias in aliases
    }
    if key in other:
        return other[key]
    near = difflib.get_close_matches(key, [*plain, *other], 1)
    return {**other, **plain}[near[0]] if near else None


def spelled_plainly(name: str) -> str:
    """A name in small letters, its words with dashes between.

    >>> spelled_plainly("DiagonalNormal"), spelled_plainly("marginal_kl"), spelled_plainly("ELBO")
    ('diagonal-normal', 'marginal-kl', 'elbo')
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)
    return re.sub(r"[\s_-]+", "-", words).strip("-").lower()


def near_file(path: Path) -> str:
    """A hint at a file of a near name in the folder of one that is not there; or empty.

    One of the same name but for its ending is meant rather than any other.
    """
    with contextlib.suppress(OSError):
        there = os.listdir(path.parent)
        ended = min((n for n in there if Path(n).stem == path.name), key=len, default=None)
        near = ended or nearest(path.name, there)
        return f"Did you mean {path.with_name(near)}? " if near else ""
    return ""
