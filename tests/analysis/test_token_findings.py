import math
from dataclasses import replace

import pytest
import torch

import genprobe
from genprobe.analysis.advice import Facts
from genprobe.analysis.token_findings import (
    dependent,
    duplicates,
    merge_duplicates,
    related,
    sample_with_neighbours,
    shrink_codebook,
    unused,
)
from genprobe.priors.token_counts import fit_tokens
from genprobe.priors.token_tables import ABOVE, AROUND, LEFT, POSITION
from genprobe.types import Codes, NamedPrior


def codes_of(index, classes):
    mean = index.flatten(1).double()
    none = torch.zeros_like(mean)
    return Codes(mean=mean, variance=none, event_shape=index.shape[1:], classes=classes)


RANDOM = torch.Generator().manual_seed(0)
ROWS = torch.randint(6, (400, 4, 1), generator=RANDOM).repeat(1, 1, 5)
ALONE = torch.randint(6, (400, 4, 5), generator=RANDOM)


def report_of(index, classes=8, **options):
    return genprobe.evaluate_posteriors({"index": index, "classes": classes}, **options)


@pytest.fixture(scope="module")
def rows():
    return report_of(ROWS)


def test_codes_that_repeat_are_far_from_independent(rows):
    notice = dependent(rows.tokens)
    pays = rows.tokens.bound("token-context").bits_per_token
    assert f"pays {pays:.2f} of 3.00 bits a token" in notice.message
    assert pays == pytest.approx(math.log2(6) / 5, abs=0.03)
    assert "codes-dependent" in [w.code for w in rows.warnings]
    assert (
        f"{rows['prior_saving'].value:.2f}"[:3]
        in sample_with_neighbours(Facts(report=rows)).sentence
    )
    # One remedy for both: the verdict does not say to refit the prior besides.
    assert sum("--write-prior" in sentence for sentence in rows.verdict) == 1


def test_of_a_prior_that_knows_neighbours_nothing_is_said():
    tables = fit_tokens(codes_of(ROWS, 8), (POSITION, LEFT, ABOVE, AROUND), 0)
    report = report_of(ROWS, prior=NamedPrior(name="token-context", params=tables))
    assert report["rate"].value < 0.5 * 20 * math.log(8)
    assert "codes-dependent" not in [w.code for w in report.warnings]


def test_codes_each_for_itself_are_not():
    report = report_of(ALONE)
    assert related(report.tokens) is None
    assert dependent(report.tokens) is None
    assert sample_with_neighbours(Facts(report=report)) is None


def test_a_level_that_follows_another_is_named():
    first = torch.randint(8, (400, 1, 6), generator=RANDOM)
    report = report_of(torch.cat([first, 7 - first], 1), family="residual-codes")
    assert "bits a token" in dependent(report.tokens).message
    assert related(report.tokens).candidate in ("token-levels", "token-context")


def test_classes_that_nobody_uses_are_counted(rows):
    notice = unused(rows.tokens)
    assert "25 % of 8 codes are never used (2); more examples would use none" in notice.message
    assert "25 % of 8" in shrink_codebook(Facts(report=rows)).sentence


def test_classes_that_more_examples_would_use_are_not_dead():
    index = torch.randint(2000, (200, 2), generator=RANDOM)
    report = report_of(index, classes=2000)
    assert report.tokens.used < 1000
    assert unused(report.tokens) is None


@pytest.mark.parametrize(("classes", "exponent"), [(512, 1.5), (4096, 1.0), (4096, 1.5)])
def test_codes_that_are_rare_are_not_called_dead(classes, exponent):
    # Every class has a probability; Chao's bound is below the number of those not seen.
    share = torch.arange(1.0, classes + 1) ** -exponent
    index = torch.multinomial(share, 200 * 16, replacement=True, generator=RANDOM)
    tokens = report_of(index.view(200, 4, 4), classes=classes).tokens
    assert classes - tokens.used - tokens.unseen > 0.1 * classes
    assert unused(tokens) is None


@pytest.mark.parametrize("n", [1, 2, 149])
def test_few_examples_say_nothing_of_dead_codes(n):
    assert unused(report_of(ALONE[:1].repeat(n, 1, 1), classes=64).tokens) is None


def test_a_codebook_that_is_used_is_fine():
    assert unused(report_of(ALONE, classes=6).tokens) is None


def test_equal_vectors_are_copies(rows):
    assert duplicates(rows.tokens) is None
    tokens = replace(rows.tokens, duplicates=((0, 2, 5), (1, 4)))
    assert "3 of 8 codes have the codebook vector of another (0 = 2 = 5, …)" in (
        duplicates(tokens).message
    )
    assert "3 of 8" in merge_duplicates(Facts(report=replace(rows, tokens=tokens))).sentence
    assert merge_duplicates(Facts(report=rows)) is None


def test_without_tokens_nothing_is_found():
    assert unused(None) is dependent(None) is duplicates(None) is None


def test_codes_that_are_all_one_class_are_not_called_dependent():
    alike = report_of(torch.full((400, 4, 5), 3))
    assert related(alike.tokens) is None
    assert dependent(alike.tokens) is None
