import torch

import genprobe
from validation.gallery import Exhibit, page


def evaluated(name, scale):
    codes = torch.linspace(-1, 1, 40, dtype=torch.float64)[:, None]
    params = {"loc": codes, "scale": torch.full_like(codes, scale)}
    distortion = torch.full((40,), 1 / scale)
    return genprobe.evaluate_posteriors(params, distortion=distortion, name=name, dataset="line")


def test_several_models_have_a_comparison_and_a_table_each_and_one_has_its_table():
    sharp, blurred = evaluated("sharp", 0.1), evaluated("blurred", 0.5)
    text = page(
        [
            Exhibit(name="two", title="Two", text="Both.", reports=[sharp, blurred]),
            Exhibit(name="one", title="One", text="Alone.", reports=[blurred]),
        ]
    )
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings == [
        *("# Gallery", "## Two", "### Side by side", "### sharp", "### blurred"),
        *("## One", "### blurred"),
    ]
    assert str(sharp).rstrip() in text
    assert "(gallery/two.svg)" in text
