import pytest

from genprobe.errors import DataError, ModelError
from genprobe.loaders.user_function import user_function


def test_a_module_may_be_given_as_the_path_of_its_file(folder):
    (folder / "src").mkdir()
    (folder / "src" / "own_vae_7.py").write_text("def build():\n    return 7\n")
    for place in ("src/own_vae_7.py", folder / "src" / "own_vae_7.py"):
        assert user_function(f"{place}:build", "--factory", ModelError)() == 7


def test_a_near_name_is_suggested_else_what_there_is(folder):
    (folder / "own_vae_8.py").write_text("from math import pi\ndef build():\n    pass\n")
    with pytest.raises(ModelError, match=r"Did you mean own_vae_8:build\?"):
        user_function("own_vae_8:built", "--factory", ModelError)
    with pytest.raises(ModelError, match=r"It has: build\."):
        user_function("own_vae_8:network", "--factory", ModelError)
    with pytest.raises(DataError, match=r"Did you mean own_vae_8\?"):
        user_function("own_vea_8:build", "the data", DataError)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("absent_9.py", None, "There is no file absent_9.py"),
        ("json.py", "", "another module has the name json"),
        ("needs_9.py", "import nowhere_9", "Try: python -c 'import needs_9'"),
        ("wrong_9.py", "def (", "SyntaxError"),
    ],
)
def test_a_file_that_cannot_be_imported_is_told_in_two_lines(folder, name, content, words):
    if content is not None:
        (folder / name).write_text(content)
    with pytest.raises(ModelError) as told:
        user_function(f"{name}:build", "--factory", ModelError)
    assert words in str(told.value)
    assert len(str(told.value).splitlines()) <= 2
