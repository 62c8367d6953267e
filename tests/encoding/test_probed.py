import pytest
import torch

import genprobe
from genprobe.encoding.probed import EXAMPLES, probed_examples, within
from genprobe.errors import UnavailableError
from genprobe.estimators.probed import probed_column
from genprobe.estimators.rate import rate
from genprobe.estimators.slope import slope
from genprobe.runtime.seeds import random_rows

N = 8192
"""Two segments of data of a few values."""
WEIGHT, VARIANCE = 2.0, 0.5
NARROW, WIDE = 0.1, 0.9
SUBSET = ("rate_slope", "distortion_slope", "generative_information")


@pytest.mark.parametrize(("values", "most"), [(1, 1024), (1024, 1024), (4096, 256), (1 << 20, 128)])
def test_fewer_are_taken_where_each_is_large(values, most):
    assert len(probed_examples(10 * most, values, 0)) == most


def test_stretches_of_any_length_have_all_of_them_between_them():
    rows = probed_examples(5000, 64, 3)
    for length in (16, 700, 5000):
        starts = range(0, 5000, length)
        cut = [within(rows, start, start + length) + start for start in starts]
        assert torch.equal(torch.cat(cut), rows)


def model(**changes):
    """Codes of one value; x holds each example's mean and scale, and the mean is decoded."""
    parts = {
        "name": "m",
        "encode": lambda x: {"loc": x[:, :1], "scale": x[:, 1:].abs()},
        "decode": lambda z: {"loc": WEIGHT * torch.cat([z, z], 1), "scale": torch.tensor(0.5**0.5)},
        "posterior": "diagonal-normal",
        "prior": "standard-normal",
        "likelihood": "normal",
    }
    return genprobe.Model(**(parts | changes))


def data():
    """Every fourth example has a narrow posterior, the others a wide one."""
    scale = torch.full((N, 1), WIDE)
    scale[::4] = NARROW
    loc = torch.randn(N, 1, generator=torch.Generator().manual_seed(0))
    return torch.cat([loc, scale], 1)


def test_the_slope_is_right_in_whatever_order_the_data_come():
    # D = E‖x − wz‖²/2v and R = KL, so dD/dε = 2 w²σ²/v and dR/dε = σ² − 1.
    square = (NARROW**2 + 3 * WIDE**2) / 4
    truth = 2 * WEIGHT**2 * square / VARIANCE / (1 - square)
    x = data()
    shuffled = x[random_rows(N, N, 1, "order")[torch.randperm(N)]]
    for given in (x, shuffled):
        found = genprobe.evaluate(model(), given, estimators={"slope": slope})["slope"]
        assert found.n == EXAMPLES
        assert abs(found.value - truth) < 4 * found.se_data
        assert found.se_data < 0.1 * truth


def store_of(tmp_path, name, **options):
    made = options.pop("made", model())
    genprobe.evaluate(made, data(), store=tmp_path / name, estimators={}, **options)
    return genprobe.open_store(tmp_path / name)


def test_the_examples_do_not_depend_on_the_batch_size_and_are_in_the_store(tmp_path):
    first, other = (store_of(tmp_path, f"{size}.h5", batch_size=size) for size in (300, 8192))
    assert torch.equal(first.probed(), probed_examples(N, 1, 0))
    assert torch.equal(first.probed(), other.probed())
    for name in SUBSET:
        column = first.column(f"subset/{name}")
        assert column.shape[1] == EXAMPLES
        torch.testing.assert_close(column, other.column(f"subset/{name}"), rtol=1e-6, atol=1e-6)


def test_another_seed_asks_about_others(tmp_path):
    first, other = (store_of(tmp_path, f"{seed}.h5", seed=seed).probed() for seed in (0, 1))
    assert not torch.equal(first, other)


def test_a_run_that_was_interrupted_asks_about_the_same(tmp_path):
    seen = []

    def encode(x):
        seen.append(len(x))
        if sum(seen) > 6000:
            raise KeyboardInterrupt
        return model().encode(x)

    with pytest.raises(KeyboardInterrupt):
        store_of(tmp_path, "broken.h5", made=model(encode=encode), batch_size=512)
    assert len(list((tmp_path / "broken.h5.partial").glob("*.h5"))) == 1
    resumed, whole = (store_of(tmp_path, name, batch_size=512) for name in ("broken.h5", "w.h5"))
    assert torch.equal(resumed.probed(), whole.probed())
    for name in SUBSET:
        column = f"subset/{name}"
        torch.testing.assert_close(resumed.column(column), whole.column(column), rtol=0, atol=0)


def test_what_no_chosen_estimator_needs_is_asked_only_for_a_store_that_is_kept(tmp_path):
    x, chosen = data()[:200], {"rate": rate}
    few = genprobe.evaluate(model(), x, estimators=chosen)
    for name in SUBSET:
        assert not few.store.has(f"subset/{name}")
    with pytest.raises(UnavailableError, match="no estimator of that run needs it"):
        probed_column(few.store, "rate_slope")
    # Others than the estimators read these.
    assert few.store.has("subset/decoder_scale")
    kept = genprobe.evaluate(model(), x, estimators=chosen, store=tmp_path / "s.h5")
    for report in (kept, genprobe.evaluate(model(), x)):
        assert all(report.store.has(f"subset/{name}") for name in SUBSET)
        assert torch.equal(report.store.column("draws/z"), few.store.column("draws/z"))
        assert report["rate"] == few["rate"]
