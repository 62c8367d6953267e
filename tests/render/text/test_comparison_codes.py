import dataclasses
import math

import pytest
import torch

import genprobe
from genprobe.aggregate.fitted import error_of_changes
from genprobe.comparing.code_differences import code_differences, refitted
from genprobe.comparing.difference import Difference
from genprobe.errors import GenprobeError
from genprobe.estimators.standard_error import standard_error, student_factor
from genprobe.render.data.json import comparison_schema, to_dict
from genprobe.render.text.comparison import comparison_to_text
from genprobe.render.text.markdown import comparison_to_markdown
from genprobe.report import Estimate
from genprobe.runtime import json_schema

RANDOM = torch.Generator().manual_seed(0)
N = 200
DISTORTION = 10 * torch.rand(N, generator=RANDOM)


def tokenizer(folder, name, side, classes, distortion, dataset="tiles"):
    index = torch.randint(classes, (N, side, side), generator=RANDOM)
    return genprobe.evaluate_posteriors(
        {"index": index, "classes": classes},
        event_shape=(1, 16, 16),
        dataset=dataset,
        name=name,
        distortion=distortion,
        store=folder / f"{name}.h5",
    )


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizers")
    loc = torch.randn(N, 2, 4, 4, generator=RANDOM)
    grid = genprobe.evaluate_posteriors(
        {"loc": loc, "scale": torch.full_like(loc, 0.3)},
        event_shape=(1, 16, 16),
        dataset="tiles",
        name="kl",
        distortion=DISTORTION - 5,
        store=folder / "kl.h5",
    )
    fine = tokenizer(folder, "fine", 4, 16, DISTORTION)
    return [fine, tokenizer(folder, "coarse", 2, 64, DISTORTION + 3), grid]


@pytest.fixture(scope="module")
def comparison(reports):
    return genprobe.compare(reports, against="coarse")


def test_codes_of_any_shape_compare_in_bits_a_pixel(comparison):
    text = comparison_to_text(comparison)
    assert "What a generator pays for the codes, bits a pixel" in text
    assert all(shape in text for shape in ("4×4 of 16", "2×2 of 64", "2×4×4"))
    assert max(map(len, text.splitlines())) <= 80
    table = text.partition("What a generator")[2].partition("Bits under")[0]
    fine, apart = (line for line in table.splitlines() if line.startswith("fine"))
    # 64 bits of 256 pixels, against 24.
    assert " 0.2499" in fine
    assert " 0.156" in apart


def test_differences_are_paired_and_those_of_the_estimates(comparison, reports):
    found = {d.first: d for d in comparison.code_differences}
    paid = {r.model: r["rate_fitted_prior"] for r in reports}
    assert found.keys() == {"fine", "kl"}
    for model, d in found.items():
        assert d.paired
        assert d.value == pytest.approx(paid[model].value - paid["coarse"].value)
        apart = (paid[model].se_data ** 2 + paid["coarse"].se_data ** 2) ** 0.5
        assert d.se_data == pytest.approx(apart, rel=0.3)  # these codes are independent


def test_a_difference_has_the_error_of_the_fits_in_it(tmp_path):
    # A mixture fitted to a ring of eight ends elsewhere with another seed.
    angle = torch.arange(float(N)) * (2 * torch.pi / 8)
    ring = torch.stack([angle.cos(), angle.sin()], 1).reshape(N, 2, 1, 1)

    def report(name, scale):
        loc = ring + 0.05 * torch.randn(N, 2, 1, 1, generator=RANDOM)
        return genprobe.evaluate_posteriors(
            {"loc": loc, "scale": torch.full_like(loc, scale)},
            event_shape=(1, 16, 16),
            dataset="ring",
            name=name,
            store=tmp_path / f"{name}.h5",
        )

    both = {"one": report("one", 0.1), "other": report("other", 0.12)}
    fits = [refitted(each) for each in both.values()]
    changes = [a - b for a, b in zip(*(fit.changes for fit in fits), strict=True)]
    of_fits = error_of_changes(changes, 5)
    per_example = fits[0].rates.mean(0) - fits[1].rates.mean(0)
    [apart] = code_differences(both, "other")
    assert apart.paired
    assert of_fits > 0
    plain = standard_error(per_example)
    assert apart.se_data == pytest.approx(math.hypot(plain, student_factor(3.0) * of_fits))
    assert apart.se > 0.9 * student_factor(3.0) * of_fits


def seen(report, **values):
    """A report with rows of a plugin."""
    rows = {
        name: Estimate(
            name=name, value=value, se=0.0, se_data=0.0123, kind="estimate", unit="dB", n=N
        )
        for name, value in values.items()
    }
    return dataclasses.replace(report, estimates={**report.estimates, **rows})


def with_plugin(reports):
    """Two tokenizers with rows of a plugin, and the differences of those."""
    first, second = {"psnr": 21.34, "ssim": 0.9, "mine": 3.0}, {"psnr": 18, "ssim": 0.8, "mine": 2}
    found = genprobe.compare(
        [seen(reports[0], **first), seen(reports[1], **second)], against="coarse"
    )
    facts = {"first": "fine", "second": "coarse", "se": 0.0, "se_data": 0.005, "n": N}
    apart = [
        Difference(name=name, value=first[name] - second[name], paired=True, **facts)
        for name in first
    ]
    return dataclasses.replace(found, probed_differences=tuple(apart))


def test_estimates_of_plugins_stand_beside_what_the_codes_cost(reports):
    text = comparison_to_text(with_plugin(reports), width=170)
    [heading] = [line for line in text.splitlines() if "bits/pixel" in line]
    assert "PSNR, dB" in heading
    assert "21.340 ± 0.012  3.3400 ± 0.0050" in text


def test_differences_that_do_not_fit_beside_stand_below(reports):
    lines = comparison_to_text(with_plugin(reports)).splitlines()
    assert max(map(len, lines)) <= 80
    [heading] = [line for line in lines if "Δ bits/pixel" in line]
    assert all(f"Δ {name}" in heading for name in ("D, nats", "PSNR, dB", "SSIM"))
    assert "3.3400 ± 0.0050" in "".join(lines)


def test_what_the_table_of_codes_has_is_in_no_other(reports):
    text = comparison_to_text(with_plugin(reports))
    assert text.count("21.34") == 1
    assert text.count(" SSIM") == 2  # itself, and its difference
    below = text.partition("Rows of plugins")[2]
    assert "mine" in below
    assert "PSNR" not in below


def test_distortion_is_in_the_unit_of_the_tables_above(comparison, reports):
    text = comparison_to_text(comparison, "bits")
    bits = reports[0]["distortion"].value / 0.6931471805599453
    line = next(line for line in text.splitlines() if line.startswith("fine") and "of 16" in line)
    assert "D, bits" in text
    assert f" {bits:.2f} ± " in line


def test_a_model_without_places_is_paired_with_tokenizers(reports, tmp_path):
    loc = torch.randn(N, 5, generator=RANDOM)
    plain = genprobe.evaluate_posteriors(
        {"loc": loc, "scale": torch.full_like(loc, 0.3)},
        event_shape=(1, 16, 16),
        dataset="tiles",
        name="plain",
        distortion=DISTORTION,
        store=tmp_path / "plain.h5",
    )
    found = genprobe.compare([plain, reports[0]], against="plain")
    [apart] = found.code_differences
    assert apart.paired


def test_json_has_them_and_is_of_the_schema(comparison):
    content = to_dict(comparison)
    json_schema.require_valid(content, comparison_schema())
    assert {d["name"] for d in content["code_differences"]} == {"rate_fitted_prior"}


def test_markdown_has_a_table_of_codes(comparison):
    text = comparison_to_markdown(comparison)
    assert "| model | codes | bits/pixel | Δ | D, nats | Δ |\n|:--|:--|--:|--:|--:|--:|\n| " in text


def test_without_stores_differences_are_not_paired(reports):
    apart = genprobe.compare([dataclasses.replace(r, store=None) for r in reports])
    assert not any(d.paired for d in apart.code_differences)
    assert "† not paired." in comparison_to_text(apart)


def test_other_data_are_refused(reports, tmp_path):
    other = tokenizer(tmp_path, "other", 2, 8, DISTORTION, dataset="elsewhere")
    with pytest.raises(GenprobeError, match="different data"):
        genprobe.compare([reports[0], other])


def test_models_without_places_have_no_such_table(make_model):
    found = genprobe.compare([make_model("a", 10.0, 60.0), make_model("b", 9.0, 61.0)])
    assert found.code_differences == ()
    assert "generator" not in comparison_to_text(found)
