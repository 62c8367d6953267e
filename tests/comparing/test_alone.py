import torch

import genprobe
from genprobe.comparing.alone import alone


def test_a_comparison_of_one_report_is_what_compare_makes_of_it(tmp_path):
    codes = torch.rand(200, 2, generator=torch.Generator().manual_seed(0))
    params = {"loc": codes, "scale": torch.full_like(codes, 0.1)}
    distortion = torch.full((200,), 3.0)
    whole = genprobe.evaluate_posteriors(params, distortion=distortion, likelihood="bernoulli")
    stored = genprobe.evaluate_posteriors(params, store=tmp_path / "s.h5")
    assert whole.regime.entropy is not None
    for report in (whole, stored):
        assert alone(report) == genprobe.compare([report])
