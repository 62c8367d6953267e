import json
import math

import pytest
import torch

import genprobe
from genprobe.plugins import plugins
from genprobe.render.data.csv import to_csv
from genprobe.render.data.json import dumps


class Errors:
    """A plugin: the squared error of what every draw decodes to, its mean, and its root."""

    @genprobe.hookimpl
    def genprobe_probes(self):
        def error(calls, x, z):
            return torch.stack([(calls.decode(one).mean - x).square().sum(1) for one in z])

        return {"error": error}

    @genprobe.hookimpl
    def genprobe_estimators(self):
        from genprobe.estimators import mean_over_examples

        def error(error):
            return mean_over_examples("error", error, unit="m²")

        def root(error):
            found = mean_over_examples("root", error.mean().sqrt()[None, None], unit="m")
            return found

        return {"error": error, "root": root}


@pytest.fixture
def reports(tmp_path):
    name = plugins().manager.register(Errors(), "errors")
    x = torch.randn(200, 4)

    def model(name, scale):
        return genprobe.Model(
            name=name,
            encode=lambda x: {"loc": x, "scale": torch.full_like(x, scale)},
            decode=lambda z: {"loc": z, "scale": torch.ones_like(z)},
            posterior="diagonal-normal",
            prior="standard-normal",
            likelihood="normal",
        )

    every = plugins().all("estimators")
    wanted = {k: every[k] for k in ("rate", "distortion", "elbo", "error", "root")}
    yield {
        name: genprobe.evaluate(
            model(name, scale), x, store=tmp_path / f"{name}.h5", estimators=wanted, draws=2
        )
        for name, scale in (("sharp", 0.1), ("blurred", 0.5))
    }
    plugins().manager.unregister(name=name)


def test_the_mean_of_a_probe_is_compared_example_by_example(reports):
    found = genprobe.compare(list(reports.values()), against="sharp")
    [apart] = found.probed_differences
    each = {name: r.store.column("probes/error").mean(0) for name, r in reports.items()}
    difference = each["blurred"] - each["sharp"]
    assert (apart.name, apart.first, apart.second, apart.paired) == (
        "error",
        "blurred",
        "sharp",
        True,
    )
    assert apart.value == pytest.approx(float(difference.mean()))
    assert apart.se_data == pytest.approx(float(difference.std()) / math.sqrt(len(difference)))
    assert apart.value == pytest.approx(4 * (0.5**2 - 0.1**2), abs=5 * apart.se_data)


def test_the_tables_and_data_have_it(reports):
    found = genprobe.compare(list(reports.values()), against="sharp")
    text = str(found)
    assert "Rows of plugins" in text
    assert "Δ error" in text
    assert "Δ root" not in text
    [apart] = json.loads(dumps(found))["probed_differences"]
    assert apart["name"] == "error"
    assert "error_difference" in to_csv(found)


def test_without_stores_there_is_no_difference(reports):
    plain = [genprobe.Report.from_json(report.to_json()) for report in reports.values()]
    found = genprobe.compare(plain, against="sharp", origins=["sharp", "blurred"])
    assert found.probed_differences == ()
    assert "Rows of plugins" in str(found)
