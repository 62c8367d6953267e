import math

import pytest
import torch

import genprobe
from genprobe.families.residual_codes import residual_codes


def test_a_stack_has_levels_and_the_rate_of_all_of_them():
    index = torch.randint(8, (200, 3, 5), generator=torch.Generator().manual_seed(0))
    index[:, 1] = index[:, 0]
    params = {"index": index, "classes": 8}
    report = genprobe.evaluate_posteriors(params, family="residual-codes")
    assert residual_codes.levels
    assert report["rate"].value == pytest.approx(15 * math.log(8))
    # The second level repeats the first, which a table of pairs knows.
    assert report.provenance["fitted_prior"]["rung"] in ("token-levels", "token-context")
    assert report["rate_fitted_prior"].value < 11 * math.log(8)
