import numpy as np
import pytest
import torch

import genprobe
from genprobe.errors import ModelError
from genprobe.loaders.codebook import codebook_of

BOOK = np.array([[0.0, 1], [2, 3], [0, 1], [4, 5]], dtype=np.float32)
INDEX = torch.arange(400).view(200, 2) % 4


def test_it_is_an_array_or_the_path_of_one(tmp_path):
    np.save(tmp_path / "book.npy", BOOK)
    for given in (BOOK, BOOK.tolist(), torch.from_numpy(BOOK), tmp_path / "book.npy"):
        assert torch.equal(codebook_of(given).float(), torch.from_numpy(BOOK))
    assert codebook_of(None) is None


def test_copies_are_in_the_report_also_from_its_file(tmp_path):
    np.save(tmp_path / "book.npy", BOOK)
    report = genprobe.evaluate_posteriors(
        {"index": INDEX, "classes": 4}, codebook=str(tmp_path / "book.npy")
    )
    assert report.tokens.duplicates == ((0, 2),)
    assert "codebook-duplicates" in [w.code for w in report.warnings]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (BOOK[0], r"float32 of shape \(2,\)"),
        ([["a", "b"]], "not the vectors"),
        ("no-such-file.npy", "does not read"),
        (BOOK[:3], "3 vectors, and the codes are of 4 classes"),
    ],
)
def test_what_is_no_codebook_is_refused_in_a_sentence(given, words):
    with pytest.raises(ModelError, match=words):
        genprobe.evaluate_posteriors({"index": INDEX, "classes": 4}, codebook=given)
