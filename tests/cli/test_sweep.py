import pytest

import genprobe
from genprobe.runs import sweep_point

QUICK = ("--first-epochs", 1, "--epochs", 1, "--hidden", 8, "--latent", 2, "--betas", "0.5,2")
DIGITS = ("--split", "test", "--held-out-split", "train", "--binarize", "threshold", *QUICK)


def test_it_trains_evaluates_and_draws(run, tmp_path):
    result = run("sweep", *DIGITS)
    assert result.exit_code == 0, result.output
    assert "2 models on digits-test: N = 360, nats" in result.stdout
    assert "2 models on digits-train: N = 1437, nats" in result.stdout
    assert result.stdout.count("within error: every condition holds") == 2
    assert "Drew sweep/curve.png." in result.stderr
    assert (tmp_path / "sweep" / "curve.png").read_bytes().startswith(b"\x89PNG")
    again = run("sweep", *DIGITS)
    assert again.stdout == result.stdout


def test_every_option_reaches_the_bundles(run, tiny, tmp_path):
    result = run(
        *("sweep", "--data", tiny.images, "--out", "there", *QUICK, "--seed", 7),
        *("--activation", "tanh", "--prior", "diagonal-normal", "--likelihood", "normal"),
        *("--scale", 0.5, "--batch-size", 30, "--learning-rate", 0.01, "--draws", 2, "--quiet"),
        "--markdown",
    )
    assert result.exit_code == 0, result.output
    assert "| model |" in result.stdout
    assert not result.stderr.replace("Drew there/curve.png.\n", "")
    model = genprobe.load(tmp_path / "there" / "beta-2.pt")
    expected = {"data": str(tiny.images), "beta": 2.0, "epochs": 1, "batch_size": 30, "seed": 7}
    assert expected.items() <= model.training.items()
    expected = {"latent": 2, "hidden": [8], "activation": "tanh", "scale": 0.5}
    assert expected.items() <= model.module.config.items()
    store = genprobe.open_store(tmp_path / "there" / "beta-2.training.h5")
    assert store.header.draws == 2


def test_ctrl_c_says_how_to_go_on_and_the_same_command_does(run, tmp_path, monkeypatch):
    def stop(model, *arguments, **options):
        if model.name == "beta-2":
            raise KeyboardInterrupt
        return genprobe.evaluate(model, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(sweep_point, "evaluate", stop)
        result = run("sweep", *DIGITS)
    assert result.exit_code == 130
    assert result.stdout == ""
    said = "Stopped. What is finished is kept in sweep; the same command goes on from there.\n"
    assert result.stderr.endswith(said)
    bundle = tmp_path / "sweep" / "beta-0.5.pt"
    before = bundle.stat().st_mtime_ns
    result = run("sweep", *DIGITS, "--unit", "bits")
    assert result.exit_code == 0, result.output
    assert "digits-test: N = 360, bits" in result.stdout
    assert bundle.stat().st_mtime_ns == before


def test_other_settings_in_the_same_folder_are_told(run):
    small = ("sweep", "--split", "test", *QUICK)
    assert run(*small).exit_code == 0
    result = run(*small, "--hidden", 9)
    assert result.exit_code == 1
    assert "beta-0.5.pt was trained with another hidden: [8], not [9]." in result.stderr
    assert "Name another folder" in result.stderr


@pytest.mark.parametrize("betas", ["1:2", "8:0.1:log9", "a,b", "1:2:cub3"])
def test_a_malformed_grid_is_a_usage_error(run, betas):
    result = run("sweep", "--betas", betas)
    assert result.exit_code == 2
    words = " ".join(result.stderr.replace("│", " ").split())
    assert "Invalid value for '--betas'" in words
    assert "LOW:HIGH:logN" in words


def test_a_folder_that_is_a_file_is_a_usage_error(run, tmp_path):
    (tmp_path / "taken").write_text("")
    assert run("sweep", "--out", "taken", *QUICK).exit_code == 2
