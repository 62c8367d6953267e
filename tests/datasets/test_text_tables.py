import gzip
import re

import numpy as np
import pytest

import genprobe
from genprobe.datasets.text_tables import open_text_column
from genprobe.errors import DataError

CELLS = 'id,cell type,batch,size\nx,T cell,1,0.5\ny,,2,\nz,"B, naive",10,2\n'


@pytest.fixture
def write(tmp_path):
    def to(name, content):
        path = tmp_path / name
        data = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return str(path)

    return to


def test_a_column_is_text_or_numbers(write):
    path = write("cells.csv", CELLS)
    assert open_text_column(f"{path}:cell type").tolist() == ["T cell", "", "B, naive"]
    assert open_text_column(f"{path}::batch").tolist() == [1, 2, 10]
    np.testing.assert_array_equal(open_text_column(f"{path}:size"), [0.5, np.nan, 2])


OTHERS = {
    "a.tsv": CELLS.replace(",", "\t").replace("B\t", "B,"),
    "a.csv": CELLS.replace(",", ";").replace("B;", "B:"),
    "tabs.csv": CELLS.replace(",", "\t").replace("B\t", "B:"),
    "a.csv.gz": CELLS,
    "mark.csv": "\ufeff" + CELLS,
    "lines.CSV": CELLS.replace("\n", "\r\n"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_separators_packing_and_ends_of_lines(write, name):
    path = write(name, OTHERS[name])
    assert open_text_column(f"{path}:batch").tolist() == [1, 2, 10]
    assert open_text_column(f"{path}:id").tolist() == ["x", "y", "z"]


def test_one_column_needs_no_name_and_an_empty_line_is_a_row_of_it(write):
    assert open_text_column(write("y.csv", "kind\na\n\nb\n")).tolist() == ["a", "", "b"]


def test_blanks_around_the_names_of_columns_do_not_hide_them(write):
    path = write("a.csv", "id , kind,kind\n1,a,b\n")
    assert open_text_column(f"{path}:id").tolist() == [1]
    assert open_text_column(f"{path}:kind").tolist() == ["b"]


FAULTS = {
    "2 columns called 'id'": ("a.csv", "id,id\n1,2\n", ":id"),
    "Row 3 of .* has 3 cells, and its first row names 2": (
        "a.csv",
        "kind,id\na,1\nb, naive,2\n",
        ":id",
    ),
    "no column 'bach'.*Did you mean batch": ("a.csv", CELLS, ":bach"),
    "4 columns; it has id, cell type": ("a.csv", CELLS, ""),
    "has 0 columns": ("a.csv", "", ""),
    "does not read as a table of text": ("a.csv", b"id\n\xff\xfe\n", ""),
    "cut short|does not read": ("a.csv", 'id\n"open\n', ""),
}


@pytest.mark.parametrize("words", FAULTS)
def test_a_fault_of_a_table_is_one_line(write, words):
    name, content, column = FAULTS[words]
    with pytest.raises(DataError) as fault:
        open_text_column(write(name, content) + column)
    assert re.search(words, str(fault.value).replace("\n", " "))


def test_a_column_can_be_a_covariate(write):
    data = genprobe.open_dataset(
        np.zeros((3, 2)), covariates={"b": write("a.csv", CELLS) + ":batch"}
    )
    assert data.covariates(0, 3)["b"].tolist() == [1, 2, 10]
