import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from genprobe.comparing.model_names import LONGEST, model_names, numbered, short_names

WORDS = st.sampled_from(["runs", "vae", "beta", "seed", "0.05", "1e-3", "b4", "1", "模型", ""])
PARTS = st.lists(st.tuples(WORDS, st.sampled_from("/-_. =(")), max_size=9)
NAMES = st.one_of(PARTS.map(lambda parts: "".join(w + s for w, s in parts)), st.text(max_size=50))


@given(st.lists(NAMES, min_size=1, max_size=12), st.data())
@example(["x" * 60 + str(i) + "y" * 60 for i in range(3)], None)
@example(["", " ", "\n"], None)
@example(["a #1", "a", "a"], None)
def test_names_are_short_and_never_empty_and_no_two_are_alike(names, data):
    origins = names if data is None else data.draw(st.lists(NAMES, min_size=len(names)))
    found = model_names(names, origins[: len(names)])
    assert len(found) == len(set(found)) == len(names)
    assert all(name.strip() and name.isprintable() for name in found)
    assert found == model_names(names, origins[: len(names)])
    if len(names) > 1:
        assert max(map(cell_len, found)) <= 2 * LONGEST


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["beta-0.05", "beta-0.9"], ["beta-0.05", "beta-0.9"]),
        (["runs/a/seed-1/model.pt", "runs/b/seed-1/model.pt"], ["a", "b"]),
        (["exp/beta-0.05/seed-1.pt", "exp/beta-0.9/seed-1.pt"], ["beta-0.05", "beta-0.9"]),
        (["vae_v2_lr1e-3_bs128_b4_s1", "vae_v2_lr1e-3_bs128_b8_s1"], ["b4", "b8"]),
        (["vae_lr1e-3_s1", "vae_lr1e-4_s1"], ["lr1e-3", "lr1e-4"]),
        (["runs/1/model", "runs/2/model"], ["runs/1", "runs/2"]),
        (["10-epochs", "20-epochs"], ["10-epochs", "20-epochs"]),
        (["vae", "vae_ft"], ["vae", "vae_ft"]),
        (["x/", "x/y"], ["x/", "x/y"]),
        (["", " "], ["model #1", "model #2"]),
        (["a\x1b", "b"], ["a\\x1b", "b"]),
        (["x" * 60 + c + "y" * 60 for c in "ab"], ["…xxxxxxayyyyyy…", "…xxxxxxbyyyyyy…"]),
        (
            [f"lr{a}_arch-conv-deep-and-wide-and-long_seed{b}" for a in (1, 2) for b in (1, 2)],
            ["lr1_…_seed1", "lr1_…_seed2", "lr2_…_seed1", "lr2_…_seed2"],
        ),
    ],
)
def test_what_is_left_of_names_is_what_tells_them_apart(names, short):
    assert short_names(names) == short


@pytest.mark.parametrize(
    ("models", "origins", "found"),
    [
        (["a", "b"], ["x", "y"], ["a", "b"]),
        (["vae"] * 2, ["/m/VAE/model.pt", "/m/btcvae/model.pt"], ["VAE", "btcvae"]),
        (["vae"] * 2, ["a.pt", "a.h5"], ["a.pt", "a.h5"]),
        (["vae"] * 2, ["", "a.h5"], ["vae #1", "vae #2"]),
        (
            ["vae", "vae", "b"],
            ["runs/1.h5", "runs/2.h5", "z"],
            ["vae (runs/1)", "vae (runs/2)", "b"],
        ),
        (["only one, whatever its name is"], ["x"], ["only one, whatever its name is"]),
    ],
)
def test_models_of_one_name_go_by_their_files(models, origins, found):
    assert model_names(models, origins) == found


def test_no_model_is_lost_to_a_name_that_looks_numbered():
    assert len(set(numbered(["a", "a", "a #1"]))) == 3
