"""Every finding is made of a model that has it, and not of one that has not."""

import dataclasses
import re
from functools import cache

import pytest
import torch

import genprobe
from genprobe import Model
from genprobe.analysis.findings import FINDINGS, read_more
from genprobe.analysis.regimes import undetermined
from genprobe.plugins import plugins
from genprobe.types import Dimension, Estimate, Notice, Report

N = 300
HEALTHY_SCALE = 0.6
"""With codes that vary by 0.64 the codes together are of variance 1, as the prior is."""
CHEAP = ("rate", "distortion", "elbo", "mutual_information", "log_n", "marginal_kl")
CHEAP += ("marginal_kl_floor", "blind_distortion")


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


LOC = 0.8 * normal(N, 3)
SCALES = HEALTHY_SCALE * (1 + 0.02 * normal(N, 3, seed=1))
BITS = (normal(N, 20, seed=2) > 0).float()


def wanted(more):
    known = plugins().all("estimators")
    return {name: known[name] for name in (*CHEAP, *more)}


def posteriors(loc=LOC, scale=SCALES, more=(), **options):
    scale = scale if isinstance(scale, torch.Tensor) else torch.full_like(loc, scale)
    params = {"loc": loc, "scale": scale}
    return genprobe.evaluate_posteriors(params, estimators=wanted(more), **options)


def decoder(
    decode=lambda z: {"logits": 3 * z}, x=BITS, scale=0.3, likelihood="bernoulli", more=(), **rest
):
    """A model whose code is x with a little noise, or, of scale 1, the prior whatever x is."""
    known = float(scale != 1)
    model = Model(
        name="m",
        encode=lambda x: {"loc": known * (2 * x - 1), "scale": scale + known * 0.05 * x},
        decode=decode,
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood=likelihood,
    )
    return genprobe.evaluate(model, x, estimators=wanted(more), **rest)


def outlying():
    loc = LOC.clone()
    loc[17] = 1e6
    return posteriors(loc)


def squared(scale):
    return decoder(
        lambda z: {"loc": (z + 1) / 2, "scale": torch.tensor(scale)}, likelihood="normal"
    )


@cache
def healthy():
    return posteriors(more=["prior_saving"])


@cache
def healthy_bits():
    return decoder()


CASES = {
    "prior-mismatch": (lambda: posteriors(3 * LOC + 2, more=["prior_saving"]), healthy),
    "posterior-collapse": (lambda: posteriors(0.01 * LOC, 1 + 0.01 * SCALES), healthy),
    "saturated": (lambda: posteriors(50 * LOC, 0.01), healthy),
    "marginal-kl-is-floor": (lambda: posteriors(50 * LOC, 0.01), healthy),
    "logits-may-be-probabilities": (
        lambda: decoder(lambda z: {"logits": (20 * z).sigmoid()}),
        healthy_bits,
    ),
    "bernoulli-on-grey": (lambda: decoder(x=0.8 * BITS + 0.1), healthy_bits),
    "distortion-above-blind": (lambda: decoder(lambda z: {"logits": -5 * z}), healthy_bits),
    "fixed-scale": (lambda: squared(9.0), lambda: squared(0.2)),
    "few-examples": (lambda: posteriors(LOC[:40], SCALES[:40]), healthy),
    "collapsed-dimensions": (
        lambda: posteriors(torch.cat([LOC, 0 * LOC], 1), torch.cat([SCALES, 1 + 0 * LOC], 1)),
        healthy,
    ),
    "rate-without-information": (lambda: posteriors(3 + 0.01 * LOC, 1.0), healthy),
    "duplicates": (lambda: decoder(x=BITS[:100].repeat(3, 1)), healthy_bits),
    "tolerance-missed": (lambda: posteriors(tolerance=1e-5, max_queries=500), healthy),
    "outlying-examples": (outlying, healthy),
    "constant-scale": (lambda: posteriors(scale=0.6), healthy),
    "density-distortion": (lambda: posteriors(distortion=LOC[:, 0].square()), healthy_bits),
    "encoder-gap": (
        lambda: decoder(lambda z: {"logits": 40 * z}, scale=1.5, draws=20, more=["iwae_bound"]),
        lambda: decoder(lambda z: {"logits": 0 * z}, scale=1, draws=20, more=["iwae_bound"]),
    ),
}


@cache
def ill(code):
    return CASES[code][0]()


ELSEWHERE = {"precision", "probs-rounded", "monte-carlo-rate", "deterministic-code"}
ELSEWHERE |= {
    "prior-of-these-examples",
    "relaxed-posterior",
    "estimator-failed",
    "estimate-unavailable",
}
ELSEWHERE |= {"label-leak", "label-given", "label-saturated"}
ELSEWHERE |= {"inference-gap", "mode-missed", "sandwich-wide"}
ELSEWHERE |= {"annealing-unfinished", "annealing-uneven"}
ELSEWHERE |= {"scaling-factor-differs", "field-not-white"}
ELSEWHERE |= {"steps-cost-more"}
ELSEWHERE |= {"codes-dependent", "codes-unused", "codebook-duplicates", "dead-levels"}
"""Found in the tests of what they are of."""


def codes(report):
    return {w.code for w in report.warnings} | {
        code for code, finding in FINDINGS.items() if finding.holds and finding.holds(report)
    }


@pytest.mark.parametrize("code", CASES)
def test_a_model_that_has_it_and_one_that_has_not(code):
    assert code in codes(ill(code))
    assert code not in codes(CASES[code][1]())


def test_every_finding_has_its_model():
    assert CASES.keys() | ELSEWHERE == FINDINGS.keys()


def test_a_healthy_model_is_told_so_with_a_number():
    [said] = healthy().verdict
    better = r"a refitted prior would save \d.* of|no fitted prior is better than the model's own,"
    assert re.fullmatch(rf"Nothing to repair: (?:{better}) R = \d.* ± \d.* nats\.", said)


def test_a_fitted_prior_that_does_worse_saves_nothing():
    known = dict(healthy().estimates)
    known["prior_saving"] = dataclasses.replace(known["prior_saving"], value=-398.0)
    [said] = dataclasses.replace(healthy(), estimates=known).verdict
    assert said.startswith("Nothing to repair: no fitted prior is better than the model's own, R =")


@pytest.mark.parametrize(
    ("code", "begin"),
    [
        (
            "prior-mismatch",
            r"Refit the prior \(--write-prior\): it would save \d+\.\d+ ± \d+\.\d+ nats",
        ),
        (
            "posterior-collapse",
            r"Retrain with a lower β, or anneal it: the code is unused, R is \d",
        ),
        ("saturated", r"Evaluate on more examples: I\(n;z\) is 5\.7\d* .*of at most 5\.70"),
        (
            "logits-may-be-probabilities",
            r"Return the decoder's sigmoid as probs.* \d\.\d+ ± 0\.\d+",
        ),
        ("bernoulli-on-grey", r"Binarise the data .*D = \d.* ± "),
        ("distortion-above-blind", r"Check how the data are scaled and binarised: D is \d+.* ± "),
        ("fixed-scale", r"Fit the decoder's scale .*: it would save \d+\.\d+ ± 0\.\d+ nats"),
        ("few-examples", r"Evaluate on more examples: "),
        ("collapsed-dimensions", r"Shrink the latent to 3: the other 3 carry"),
        ("rate-without-information", r"Retrain .*unused, it costs \d.* ± .* and tells 0\.\d+ ± "),
        ("duplicates", r"Remove the copies: \d+ of 300 examples differ\."),
        ("tolerance-missed", r"Allow more queries \(--max-queries\): I\(n;z\) is \d.* ± 0\.\d+"),
        ("outlying-examples", r"Look at the outliers first: 1 of 300 examples \(17\) carries"),
        ("encoder-gap", r"Improve the encoder.*: R \+ D is \d+\.\d+ ± \d.* above the IWAE"),
    ],
)
def test_the_verdict_begins_with_what_to_do_and_has_its_number(code, begin):
    said = ill(code).verdict
    assert 1 <= len(said) <= 3
    assert any(re.match(begin, sentence) for sentence in said), said
    assert not any("Nothing to repair" in sentence for sentence in said)


def test_one_remedy_is_one_sentence():
    report = ill("saturated")
    assert {"saturated", "marginal-kl-is-floor"} <= codes(report)
    assert sum("more examples" in sentence for sentence in report.verdict) == 1


def test_a_verdict_from_json_is_the_same_and_is_in_the_json():
    report = ill("logits-may-be-probabilities")
    again = Report.from_json(report.to_json())
    assert again.verdict == report.verdict == tuple(report.to_dict()["verdict"])


def test_the_verdict_is_in_the_order_of_the_nats_at_stake():
    saving = Estimate(name="prior_saving", value=0.5, se=0.1, se_data=0.1, kind="estimate")
    bound = Estimate(name="iwae_bound", value=88.0, se=0.1, se_data=0.1, kind="upper")
    known = {
        name: Estimate(name=name, value=value, se=0.01, se_data=0.1, kind="estimate")
        for name, value in {"rate": 20.0, "distortion": 70.0}.items()
    }
    mismatch = Notice(code="prior-mismatch", message="It is.", remedy="Refit.")
    regime = undetermined(None, "none")
    dead = Dimension(index=0, rate=0.001, rate_se_data=0.0, mean_variance=0.0, active=False)
    alive = Dimension(index=1, rate=20.0, rate_se_data=0.0, mean_variance=1.0, active=True)
    report = Report(
        model="m",
        dataset="d",
        n=1000,
        estimates={**known, "prior_saving": saving, "iwae_bound": bound},
        dimensions=(dead, alive),
        regime=regime,
        warnings=[Notice(code="collapsed-dimensions", message="1.", remedy="Less."), mismatch],
        provenance={},
    )
    begins = [sentence.split()[0] for sentence in report.verdict]
    assert begins == ["Improve", "Refit", "Shrink"]


def test_every_code_has_a_place_to_read_more():
    assert all(re.fullmatch(r"warnings\.html#[a-z-]+", read_more(code)) for code in FINDINGS)
    assert all(f.condition.endswith(".") for f in FINDINGS.values())


def test_warnings_of_others_stand_among_those_of_the_catalog():
    from genprobe.analysis.evidence import Evidence
    from genprobe.analysis.findings import findings

    strange = Notice(code="estimator-failed", message="It failed.", remedy="Mend it.")
    found = findings(Evidence(estimates={}, said=[strange], n=40, rate_analytic=False))
    assert [n.code for n in found] == ["estimator-failed", "few-examples", "monte-carlo-rate"]
