import pytest
import torch

from genprobe.analysis.regimes import DEFAULT_CUTS, Cuts, Point, label
from genprobe.analysis.regions import regions

ENTROPY = 80.2


@pytest.mark.parametrize("entropy", [0.5, 5.0, ENTROPY])
@pytest.mark.parametrize(
    "cuts",
    [
        DEFAULT_CUTS,
        Cuts(semantic_rate=0.5, syntactic=0.9),
        Cuts(syntactic=0.05),
        Cuts(collapsed_share=0.2),
    ],
)
def test_regions_are_where_position_alone_gives_their_label(entropy, cuts):
    chance = torch.Generator().manual_seed(0)
    points = torch.rand(2000, 2, generator=chance, dtype=torch.float64) * 1.4 * entropy
    points[:, 0] = points[:, 0] ** 2 / entropy
    points[:, 1] -= 0.1 * entropy
    for rate, distortion in points.tolist():
        [region] = [
            r
            for r in regions(entropy, cuts)
            if r.rate[0] < rate <= r.rate[1] and r.distortion[0] < distortion <= r.distortion[1]
        ]
        point = Point(rate=rate, distortion=distortion, entropy=entropy)
        assert region.label == label(point, cuts)[0]


def test_a_regime_that_no_position_has_has_no_region():
    assert "semantic-decoder" not in {r.label for r in regions(1.0)}
    assert len(regions(ENTROPY)) == 5
