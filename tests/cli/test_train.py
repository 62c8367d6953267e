import pytest

import genprobe


def test_train_then_evaluate(run):
    trained = run("train", "--epochs", 1, "--hidden", 8, "--latent", 2, "--binarize", "threshold")
    assert (trained.exit_code, trained.stdout) == (0, "")
    assert trained.stderr == "Wrote model.pt. Evaluate it with: genprobe evaluate model.pt\n"
    evaluated = run("evaluate", "model.pt")
    assert evaluated.exit_code == 0, evaluated.stderr
    assert evaluated.stdout.startswith("model on digits, binarised (threshold): N = 1797")


def test_every_option_reaches_the_bundle(run, tiny):
    result = run(
        *("train", "--data", tiny.images, "--out", "out.pt", "--epochs", 2, "--seed", 7),
        *("--beta", 0.25, "--latent", 3, "--hidden", "8,4", "--activation", "tanh"),
        *("--prior", "diagonal-normal", "--likelihood", "normal", "--scale", 0.5),
        *("--batch-size", 16, "--learning-rate", 0.01),
    )
    assert result.exit_code == 0, result.stderr
    model = genprobe.load("out.pt")
    assert model.name == "out"
    assert model.training == {
        "data": str(tiny.images),
        "binarize": "none",
        "beta": 0.25,
        "epochs": 2,
        "batch_size": 16,
        "learning_rate": 0.01,
        "seed": 7,
    }
    assert model.module.config == {
        "data_shape": [12],
        "latent": 3,
        "hidden": [8, 4],
        "activation": "tanh",
        "posterior": "diagonal-normal",
        "prior": "diagonal-normal",
        "likelihood": "normal",
        "scale": 0.5,
    }


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--hidden", "wide"], 2, "256,256"),
        (["--binarize", "maybe"], 2, "binarize"),
        (["--hidden", "0"], 1, "positive"),
        (["--activation", "sine"], 1, "relu"),
        (["--prior", "cauchy"], 1, "standard-normal"),
        (["--likelihood", "poisson"], 1, "bernoulli"),
        (["--epochs", 0], 2, "positive"),
        (["--beta", -1], 2, "negative"),
        (["--data", "missing.npy"], 1, "missing.npy"),
        (["--out", "missing/m.pt"], 1, "missing"),
    ],
    ids=str,
)
def test_a_choice_that_makes_no_sense_writes_nothing(run, tmp_path, arguments, code, words):
    result = run("train", "--epochs", 1, *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert words in result.stderr
    assert not list(tmp_path.iterdir())
