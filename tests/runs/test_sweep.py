import os
import shutil
import subprocess
import sys

import pytest
import torch

import genprobe
from genprobe.datasets.from_array import array_dataset
from genprobe.errors import DataError, GenprobeError
from genprobe.runs import sweep_point
from genprobe.runs.sweep import sweep

SMALL = {"latent": 2, "hidden": (16,), "batch_size": 64, "learning_rate": 0.01}
QUICK = {"first_epochs": 4, "epochs": 4, **SMALL}


@pytest.fixture(scope="module")
def bits():
    """Two kinds of examples, noisy, so that one latent dimension pays."""
    x = torch.zeros(320, 12)
    x[::2, :6] = 1
    noise = torch.rand(x.shape, generator=torch.Generator().manual_seed(0)) < 0.1
    x = (x.bool() ^ noise).float()
    return array_dataset("seen", x[:256]), array_dataset("unseen", x[256:])


@pytest.fixture
def made(bits, tmp_path):
    """The arguments of a quick sweep, and its folder."""
    return {"betas": (0.25, 1.0, 4.0), "folder": tmp_path / "s", "held_out": bits[1], **QUICK}


@pytest.fixture(scope="module")
def finished(bits, tmp_path_factory):
    """A quick sweep that is done."""
    folder = tmp_path_factory.mktemp("sweep")
    return sweep(bits[0], (0.25, 1.0, 4.0), folder=folder, held_out=bits[1], **QUICK)


@pytest.fixture
def there(made, finished):
    """The same, and a copy of its files in the folder."""
    shutil.copytree(finished.folder, made["folder"])
    return made


def weights(folder, beta):
    return genprobe.load(folder / f"beta-{beta:g}.pt").module.state_dict()


def test_each_beta_has_its_reports_on_both_sides(bits, finished):
    found = finished
    assert found.betas == (0.25, 1.0, 4.0)
    assert {
        side: [(r.model, r.dataset, r.n) for r in reports] for side, reports in found.sides.items()
    } == {
        "training": [(f"beta-{b}", "seen", 256) for b in ("0.25", "1", "4")],
        "held-out": [(f"beta-{b}", "unseen", 64) for b in ("0.25", "1", "4")],
    }
    assert [r.provenance["training"]["beta"] for r in found.training] == [0.25, 1.0, 4.0]
    assert {r.model for r in found.comparison("held-out").reports} == {
        "beta-0.25",
        "beta-1",
        "beta-4",
    }
    alone = genprobe.evaluate(found.folder / "beta-1.pt", bits[1])
    assert found.held_out[1]["distortion"].value == alone["distortion"].value


def test_the_curve_falls_and_bends(bits, tmp_path):
    settings = QUICK | {"first_epochs": 30, "epochs": 30}
    found = sweep(bits[0], (0.25, 1.0, 4.0), folder=tmp_path, **settings)
    assert found.held_out == ()
    test = found.curve_test("training")
    assert test.broken == ()
    rates = [report["rate"].value for report in found.training]
    assert rates[0] > rates[1] > rates[2]
    [chord, _] = test.chords
    distortions = [report["distortion"].value for report in found.training]
    expected = (distortions[1] - distortions[0]) / (rates[0] - rates[1])
    assert chord.slope == pytest.approx(expected, rel=1e-4)


def test_only_training_data_hold_a_model_to_its_beta(finished):
    conditions = [{c.name for c in finished.curve_test(side).conditions} for side in finished.sides]
    assert conditions[0] - conditions[1] == {"best at its β"}


def test_all_begin_with_the_weights_of_a_first_model_at_the_lowest_beta(bits, made):
    sweep(bits[0], **(made | {"learning_rate": 1e-12, "held_out": None}))
    first = genprobe.load(made["folder"] / "first.pt")
    assert (first.training["beta"], first.training["epochs"]) == (0.25, 4)
    for beta in made["betas"]:
        torch.testing.assert_close(weights(made["folder"], beta), first.module.state_dict())


def test_a_broken_sweep_goes_on_where_it_stopped(bits, made, finished, monkeypatch):
    def stop(model, *arguments, **options):
        if model.name == "beta-1":
            raise KeyboardInterrupt
        return genprobe.evaluate(model, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(sweep_point, "evaluate", stop)
        with pytest.raises(KeyboardInterrupt):
            sweep(bits[0], **made)
    kept = {p.name: p.stat().st_mtime_ns for p in made["folder"].glob("*.*") if p.is_file()}
    stores = ("beta-0.25.training.h5", "beta-0.25.held-out.h5")
    assert {name for name in kept if name.endswith((".pt", ".h5"))} == {
        *("first.pt", "beta-0.25.pt", "beta-1.pt"),
        *stores,
    }
    assert all(name.startswith(stores) for name in kept if not name.endswith(".pt"))
    again = sweep(bits[0], **made)
    for name in ("first.pt", "beta-0.25.pt", "beta-1.pt", *stores):
        assert (made["folder"] / name).stat().st_mtime_ns == kept[name], f"{name} is made again"
    for side, reports in finished.sides.items():
        for one, other in zip(reports, again.sides[side], strict=True):
            assert one.estimates == other.estimates


def test_a_finished_sweep_trains_nothing(bits, there, monkeypatch):
    (there["folder"] / "first.pt").unlink()
    monkeypatch.setattr(sweep_point, "save", None)
    assert len(sweep(bits[0], **there).training) == 3


def test_a_further_beta_goes_on_from_the_same_first_model(bits, there):
    assert len(sweep(bits[0], **(there | {"betas": (0.25, 0.5)})).training) == 2
    assert (there["folder"] / "beta-0.5.held-out.h5").exists()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"epochs": 5}, r"beta-0.25.pt was trained with another epochs: 4, not 5"),
        ({"hidden": (8,)}, r"another hidden: \[16\], not \[8\]"),
        ({"activation": "tanh"}, "another activation: relu, not tanh"),
        ({"seed": 1}, "another seed: 0, not 1"),
        ({"betas": (0.1, 1.0)}, r"beta-1.pt was trained with another first"),
    ],
)
def test_other_settings_in_the_same_folder_are_refused_before_anything_is_trained(
    bits, there, monkeypatch, option, message
):
    monkeypatch.setattr(sweep_point, "save", None)
    with pytest.raises(GenprobeError, match=rf"{message}[^\n]*\nName another folder"):
        sweep(bits[0], **(there | option))


def test_other_data_in_the_same_folder_are_refused(bits, there):
    with pytest.raises(GenprobeError, match="trained with another data"):
        sweep(bits[1], **(there | {"held_out": None}))


def test_a_bundle_of_no_sweep_is_not_taken_for_one(bits, made):
    made["folder"].mkdir()
    genprobe.save(genprobe.train(bits[0], epochs=1, **SMALL), made["folder"] / "beta-1.pt")
    with pytest.raises(GenprobeError, match=r"beta-1\.pt is of no sweep"):
        sweep(bits[0], **made)


def test_held_out_data_must_be_others(bits, made):
    with pytest.raises(GenprobeError, match="held-out data are those trained on, seen"):
        sweep(bits[0], **(made | {"held_out": bits[0]}))


def test_a_split_alone_is_of_the_same_data(made):
    options = made | {"split": "train", "held_out": None, "held_out_split": "test"}
    found = sweep("digits", **(options | {"betas": (1.0,), "first_epochs": 1, "epochs": 1}))
    assert [(r.dataset, r.n) for r in (*found.training, *found.held_out)] == [
        ("digits-train", 1437),
        ("digits-test", 360),
    ]
    assert found.curve_test("training").conditions == ()


@pytest.mark.parametrize("option", [{"betas": ()}, {"jobs": 0}, {"epochs": 0}, {"first_epochs": 0}])
def test_choices_that_make_no_sense_are_told(bits, made, option):
    with pytest.raises(GenprobeError, match="at least"):
        sweep(bits[0], **(made | option))


def test_a_setting_that_the_training_has_not_is_told(bits, made):
    with pytest.raises(GenprobeError, match=r"no setting layers\.\nThere are: latent, hidden, act"):
        sweep(bits[0], **made, layers=3)


def test_a_default_may_be_given_or_left_out(bits, there, monkeypatch):
    monkeypatch.setattr(sweep_point, "save", None)
    assert len(sweep(bits[0], **(there | {"betas": (0.25,)}), activation="relu").training) == 1


def test_stochastic_bits_are_drawn_once(made):
    options = made | {"held_out": None, "betas": (1.0,), "binarize": "stochastic"}
    found = sweep("digits", **(options | {"first_epochs": 1, "epochs": 1}))
    assert found.training[0].provenance["binarize"] == "stochastic"
    expected = genprobe.evaluate(made["folder"] / "beta-1.pt")
    assert found.training[0]["distortion"].value == expected["distortion"].value


def test_the_users_number_of_threads_is_left_alone(bits, made):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        sweep(bits[0], **(made | {"betas": (1.0,)}))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_the_weights_do_not_depend_on_the_number_of_jobs(made):
    options = made | {"split": "test", "held_out": None, "first_epochs": 1, "epochs": 1}
    options["betas"] = (0.25, 1.0)
    alone, pool = (made["folder"] / name for name in ("alone", "pool"))
    one = sweep("digits", **(options | {"folder": alone}))
    two = sweep("digits", **(options | {"folder": pool, "jobs": 2}))
    for beta in options["betas"]:
        torch.testing.assert_close(weights(alone, beta), weights(pool, beta), rtol=0, atol=0)
    assert [r.estimates for r in one.training] == [r.estimates for r in two.training]
    assert two.curve_test("training") == one.curve_test("training")


def test_a_fault_in_a_process_is_told_here(made):
    options = made | {"held_out": None, "betas": (0.25, 1.0), "jobs": 2, "likelihood": "normal"}
    with pytest.raises(GenprobeError, match="no longer finite"):
        sweep("digits", **(options | {"learning_rate": 1e6, "first_epochs": 1, "epochs": 50}))


UNGUARDED = """
import genprobe

small = dict(latent=2, hidden=(4,), first_epochs=1, epochs=1, split="test")
genprobe.sweep("digits", [0.5, 1.0], folder="made", jobs=2, **small)
"""


def test_several_jobs_of_a_script_without_a_guard_are_refused_before_any_training(tmp_path):
    (tmp_path / "script.py").write_text(UNGUARDED)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )
    assert done.returncode == 1
    assert 'under `if __name__ == "__main__":`.' in done.stderr.splitlines()[-1]
    assert not (tmp_path / "made").exists()


def test_labels_are_of_each_side(bits, tmp_path):
    kinds = {"kind": torch.arange(256) % 2}, {"kind": torch.arange(64) % 2}
    found = sweep(
        bits[0],
        (0.25,),
        folder=tmp_path,
        held_out=bits[1],
        labels=kinds[0],
        held_out_labels=kinds[1],
        leaks=["kind"],
        **QUICK,
    )
    assert all(r.labels["kind"].leak for side in found.sides.values() for r in side)
    assert [r.labels["kind"].n for side in found.sides.values() for r in side] == [256, 64]
    assert "What the codes tell of each label" in str(found.comparison("training"))


@pytest.mark.parametrize("wrong", [{"labels": {"kind": [0, 1]}}, {"leaks": ["kind"]}])
def test_a_label_that_is_wrong_is_found_before_anything_is_trained(bits, tmp_path, wrong):
    with pytest.raises(DataError, match="kind"):
        sweep(bits[0], (0.25,), folder=tmp_path, **wrong, **QUICK)
    assert not list(tmp_path.iterdir())
