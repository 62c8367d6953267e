import dataclasses

import pytest

from genprobe.analysis.advice import Facts
from genprobe.analysis.inference_findings import (
    improve_inference,
    loses,
    mode_missed,
    sandwich_wide,
    uneven,
    unfinished,
)
from genprobe.analysis.regimes import undetermined
from genprobe.analysis.verdict import verdict
from genprobe.types import Estimate, Report


def report(inference=None, family="diagonal-normal", **values):
    """Of estimates given as a value and its error."""
    estimates = {
        name: Estimate(name=name, value=value, se=error, se_data=None, kind="estimate", n=200)
        for name, (value, error) in {"elbo": (-91.8, 0.5), **values}.items()
    }
    return Report(
        model="m",
        dataset="d",
        n=1000,
        estimates=estimates,
        dimensions=(),
        regime=undetermined(None, "none"),
        warnings=(),
        provenance={"family": family},
        inference=inference,
    )


GAPS = {
    "inference_gap": (9.4, 0.1),
    "amortization_gap": (6.2, 0.1),
    "approximation_gap": (3.2, 0.1),
}


def said(found):
    return improve_inference(Facts(report=found)).sentence


def test_the_sentence_says_who_loses_how_much_and_what_gets_it(make_inference):
    assert said(report(make_inference(), **GAPS)) == (
        "Improve the encoder: 9.40 ± 0.10 of the 91.80 nats are lost by inference: 6.20 ± 0.10 by "
        "the encoder (a bigger or semi-amortised one gets them: 100 steps at test time get 5.00), "
        "3.20 ± 0.10 by the family (full covariance or a flow)."
    )


def test_a_part_within_its_error_is_not_mentioned(make_inference):
    small = {**GAPS, "amortization_gap": (0.1, 0.1), "approximation_gap": (9.3, 0.1)}
    found = said(report(make_inference(steps_gain={}), **small))
    assert found.startswith("Widen the posterior family: ")
    assert "encoder" not in found
    neither = {**GAPS, "amortization_gap": (5.0, 4.0), "approximation_gap": (5.0, 4.0)}
    assert said(report(**neither)).startswith("Improve inference: 9.40 ± 0.10 of the 91.80 nats")


def test_a_gap_within_its_error_is_no_finding():
    found = report(**{**GAPS, "inference_gap": (0.1, 0.1)})
    assert improve_inference(Facts(report=found)) is None
    assert not loses(found)


def test_what_gets_the_nats_of_the_family_depends_on_the_family():
    assert "(a flow gets them)" in said(report(family="full-normal", **GAPS))


def test_of_a_density_whose_elbo_is_above_zero_no_share_is_stated():
    found = said(report(**{**GAPS, "elbo": (12.0, 0.5)}))
    assert "9.40 ± 0.10 nats of the ELBO are lost" in found


def test_the_verdict_gives_it_in_the_place_of_what_the_iwae_bound_says(make_inference):
    loose = {"rate": (20.0, 0.0), "distortion": (71.8, 0.1), "iwae_bound": (85.0, 0.1)}
    assert "IWAE" in verdict(report(**loose))[0]
    sentences = verdict(report(make_inference(), **loose, **GAPS))
    assert "lost by inference" in sentences[0]
    assert not any("IWAE" in sentence for sentence in sentences)


def test_nothing_is_found_of_a_bound_that_settled(make_inference):
    for find in (mode_missed, sandwich_wide, unfinished, uneven):
        assert find(make_inference()) is None
        assert find(None) is None


FOUND = {
    "annealing-unfinished": (
        unfinished,
        {"reached": False},
        "by 0.010 nats at 128 temperatures",
    ),
    "annealing-uneven": (uneven, {"effective_sample_size": 0.1}, "Of 16 chains an example, 1.6"),
    "mode-missed": (mode_missed, {"missed": 3}, "of 3 of 200 examples"),
    "sandwich-wide": (sandwich_wide, {}, "known to 0.700 nats only"),
}


@pytest.mark.parametrize("code", FOUND)
def test_what_makes_a_bound_too_loose_is_a_warning(make_inference, code):
    find, changes, words = FOUND[code]
    if code == "sandwich-wide":
        changes = {"simulated": make_inference.estimate("simulated_gap", 0.7, "upper")}
    notice = find(make_inference(**changes))
    assert (notice.code, words in notice.message) == (code, True)
    assert notice.remedy


def test_chains_from_the_prior_that_are_above_on_average_are_enough(make_inference):
    above = make_inference.estimate("prior_chains_gain", 0.69)
    assert "by 0.690 nats on average" in mode_missed(make_inference(prior_chains=above)).message
    unsure = dataclasses.replace(above, se=0.5)
    assert mode_missed(make_inference(prior_chains=unsure)) is None
