import contextlib
import shutil
import subprocess
import sys
from dataclasses import replace

import h5py
import numpy as np
import pytest
import torch

from genprobe.errors import StoreError
from genprobe.store.format import dump_header
from genprobe.store.read import open_store
from genprobe.store.sealed_file import SEAL_BYTES
from genprobe.store.write import StoreWriter

# Every child of the fork writes the store and is killed at its j-th call of the system; what it
# leaves is resumed. The last child is not killed, which ends the loop. A fresh run replaces a store
# of other numbers, and no segment that it finished is written again unless the run is done.
KILLED_EVERYWHERE = """
import os, shutil, signal, sys
from pathlib import Path
import torch
from genprobe.store.format import load_header
from genprobe.store.run_id import (
    awaits_report,
    clear_run_id,
    partial_folder,
    pending_run_id,
    stored_run_id,
)
from genprobe.store.write import StoreWriter

torch.set_num_threads(1)
fresh = sys.argv[2] == "fresh"
folder = Path(sys.argv[1])
header = load_header((folder / "header.json").read_bytes(), "")
columns = torch.load(folder / "columns.pt")

def cut(segment):
    part = slice(*header.span(segment))
    return {k: v[part] if k[:6] == "params" else v[:, part] for k, v in columns.items()}

def write(path):
    written = []
    if not (fresh and awaits_report(path)):
        with StoreWriter(path, header, fresh=fresh) as writer:
            for segment in writer.missing():
                writer.write(segment, cut(segment), None)
                written.append(f"{segment:08d}.h5")
            writer.finish({})
    clear_run_id(path)
    return written

def mortal(call, calls):
    def dies(*arguments, **options):
        if next(calls) == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **options)
    return dies

def write_until(path, last):
    calls = iter(range(last, -1, -1))
    for name in ("fsync", "replace", "unlink", "rmdir", "open", "mkdir"):
        setattr(os, name, mortal(getattr(os, name), calls))
    try:
        write(path)
    except StopIteration:
        pass
    os._exit(0)

killed = 0
while True:
    path = folder / f"{killed}.h5"
    if fresh:
        shutil.copy(folder / "old.h5", path)
    child = os.fork()
    if child == 0:
        write_until(path, killed)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        break
    if fresh:
        there = {segment.name for segment in partial_folder(path).glob("*.h5")}
        if not stored_run_id(path):
            assert path.read_bytes() == (folder / "old.h5").read_bytes()
        done = stored_run_id(path) and not pending_run_id(path)
        written = write(path)
        assert done or not there & {*written}, (killed, there, written)
        assert stored_run_id(path) and not pending_run_id(path)
    elif not path.exists():
        write(path)
    killed += 1
print(killed)
"""


def content(path):
    """Every array in a file by its path, and its attributes."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: found.update(
                {name: item[...] if isinstance(item, h5py.Dataset) else dict(item.attrs)}
            )
        )
        return found | dict(file.attrs)


def test_what_is_written_is_what_h5py_reads(path, write_store, columns, prior, notice):
    found = content(write_store(path))
    for name, values in columns.items():
        np.testing.assert_array_equal(found[name], values.numpy(), strict=True)
    for name, values in prior.items():
        np.testing.assert_array_equal(found[f"prior/{name}"], values.numpy(), strict=True)
    expected = {"message": notice.message, "remedy": notice.remedy}
    assert found["notices/bernoulli-on-grey"] == expected


def test_nothing_but_the_store_stays(path, write_store):
    write_store(path)
    assert list(path.parent.iterdir()) == [path]


def test_every_array_over_examples_is_checksummed_in_chunks_of_segment_and_draw(
    path, write_store, columns, header
):
    with h5py.File(write_store(path)) as file:
        for name, values in columns.items():
            assert file[name].fletcher32
            if name.startswith("params"):
                assert file[name].chunks == (header.segment, *values.shape[1:])
            else:
                assert file[name].chunks == (1, header.segment, *values.shape[2:])
        assert file["prior/loc"].fletcher32


def test_a_broken_run_resumes_with_what_is_missing(path, write_store, cut, header):
    with StoreWriter(path, header) as writer:
        assert writer.missing() == [0, 1, 2]
        writer.write(1, cut(1), None)
    with StoreWriter(path, header) as writer:
        assert writer.missing() == [0, 2]
    assert not path.exists()
    write_store(path)
    other = write_store(path.with_name("unbroken.h5"))
    names = {*content(path), *content(other)} - {"notices", "notices/bernoulli-on-grey"}
    for name in names:
        np.testing.assert_array_equal(content(path)[name], content(other)[name])


@pytest.mark.parametrize("fresh", ["", "fresh"])
def test_a_run_killed_at_any_instant_resumes_to_the_same_arrays(
    path, columns, header, write_store, fresh
):
    folder = path.parent
    (folder / "header.json").write_text(dump_header(header))
    torch.save({k: v + 1 for k, v in columns.items()} if fresh else columns, folder / "columns.pt")
    write_store(folder / "old.h5")
    if fresh:
        columns = {k: v + 1 for k, v in columns.items()}
    child = subprocess.run(
        [sys.executable, "-c", KILLED_EVERYWHERE, str(folder), fresh],
        capture_output=True,
        text=True,
    )
    assert child.returncode == 0, child.stderr
    assert int(child.stdout) > 3 * (header.segments + 2)
    for killed in range(int(child.stdout)):
        found = content(folder / f"{killed}.h5")
        for name, values in columns.items():
            np.testing.assert_array_equal(found[name], values.numpy())
        assert not (folder / f"{killed}.h5.writing").exists()


def test_a_run_without_a_finished_segment_leaves_nothing(path, header):
    with pytest.raises(ZeroDivisionError), StoreWriter(path, header):
        raise ZeroDivisionError
    assert not list(path.parent.iterdir())


def test_a_run_that_fails_keeps_its_finished_segments_only(path, header, cut):
    with contextlib.suppress(ZeroDivisionError), StoreWriter(path, header) as writer:
        writer.write(0, cut(0), None)
        raise ZeroDivisionError
    left = {p.name for p in (path.parent / "store.h5.partial").iterdir()}
    assert left == {"00000000.h5", "header.json"}


def test_fresh_discards_the_finished_segments(path, header, cut):
    for other in (header, replace(header, seed=1)):
        with StoreWriter(path, header) as writer:
            writer.write(0, cut(0), None)
        with StoreWriter(path, other, fresh=True) as writer:
            assert writer.missing() == [0, 1, 2]


def test_a_partial_store_of_another_run_is_refused_and_kept(path, header, cut):
    with StoreWriter(path, header) as writer:
        writer.write(0, cut(0), None)
    with pytest.raises(StoreError, match="another seed"):
        StoreWriter(path, replace(header, seed=1))
    with StoreWriter(path, header) as writer:
        assert writer.missing() == [1, 2]


def test_a_second_writer_is_refused_and_the_first_goes_on(path, header, cut, write_store):
    with StoreWriter(path, header) as writer:
        writer.write(0, cut(0), None)
        for fresh in (False, True):
            with pytest.raises(StoreError, match=r"Another process is writing .*store\.h5\.\nWait"):
                StoreWriter(path, header, fresh=fresh)
        assert writer.missing() == [1, 2]
    assert open_store(write_store(path)).header == header


def cut_short(path):
    path.write_bytes(path.read_bytes()[:1000])


def flip_a_bit(path):
    with h5py.File(path) as file:
        offset = file["draws/z"].id.get_chunk_info(0).byte_offset
    damaged = bytearray(path.read_bytes())
    damaged[offset] ^= 1
    path.write_bytes(damaged)


def swap(path):
    shutil.copy(path.with_name("00000000.h5"), path)


def unseal(path):
    path.write_bytes(path.read_bytes()[:-SEAL_BYTES])


@pytest.mark.parametrize("damage", [cut_short, flip_a_bit, swap, unseal])
def test_a_damaged_segment_is_encoded_again(path, header, cut, prior, columns, damage, caplog):
    with StoreWriter(path, header) as writer:
        for segment in range(2):
            writer.write(segment, cut(segment), None)
    damage(path.parent / "store.h5.partial" / "00000001.h5")
    with StoreWriter(path, header) as writer:
        assert writer.absent == [1, 2]
        assert "00000001.h5 is encoded again" in caplog.text
        for segment in writer.absent:
            writer.write(segment, cut(segment), None)
        writer.finish(prior)
    torch.testing.assert_close(open_store(path).column("draws/z"), columns["draws/z"].double())


def test_a_segment_of_another_run_is_encoded_again(path, header, cut):
    other = path.with_name("other.h5")
    for place, seed in ((path, 0), (other, 1)):
        with StoreWriter(place, replace(header, seed=seed)) as writer:
            writer.write(0, cut(0), None)
    shutil.copy(*(p.parent / f"{p.name}.partial" / "00000000.h5" for p in (other, path)))
    with StoreWriter(path, header) as writer:
        assert writer.absent == [0, 1, 2]


def test_nothing_but_its_own_is_deleted_in_the_folder_of_segments(path, header, cut, write_store):
    partial = path.parent / "store.h5.partial"
    partial.mkdir()
    mine = {"notes.txt", "mine.h5", "x.writing", "segments", "1.h5"}
    for name in mine - {"segments"}:
        (partial / name).write_text("mine")
    (partial / "segments").symlink_to(path.parent)
    with StoreWriter(path, header) as writer:
        writer.write(0, cut(0), None)
    write_store(path)
    with StoreWriter(path, replace(header, seed=1), fresh=True) as writer:
        writer.write(0, cut(0), None)
    write_store(path, replace(header, seed=1))
    assert {p.name for p in partial.iterdir()} >= mine
    assert path.exists()


def test_a_folder_of_segments_that_is_a_link_is_refused(path, header, tmp_path):
    elsewhere = tmp_path / "mine"
    elsewhere.mkdir()
    (elsewhere / "00000000.h5").write_text("mine")
    (path.parent / "store.h5.partial").symlink_to(elsewhere)
    for fresh in (False, True):
        with pytest.raises(StoreError, match=r"store\.h5\.partial is a symbolic link.*\nRemove"):
            StoreWriter(path, header, fresh=fresh)
    assert [p.read_text() for p in elsewhere.iterdir()] == ["mine"]


@pytest.mark.parametrize("place", ["file/store.h5", "file/deeper/store.h5"])
def test_a_place_below_a_file_is_told(tmp_path, header, place):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot be written at .*\n.*--store"):
        StoreWriter(tmp_path / place, header)


def test_missing_folders_are_made(tmp_path, write_store):
    assert open_store(write_store(tmp_path / "a" / "b" / "store.h5")).header.n == 10


# Two ranks that would write one store, the second with another seed; then both with the same.
DIFFERENT = """
import sys
from dataclasses import replace
from pathlib import Path
from genprobe.errors import OtherRankError, StoreError
from genprobe.runtime.ranks import process_group
from genprobe.store.format import load_header
from genprobe.store.write import StoreWriter

folder = Path(sys.argv[1])
header = load_header((folder / "header.json").read_bytes(), "")
with process_group("cpu") as ranks:
    try:
        StoreWriter(folder / "s.h5", replace(header, seed=ranks.rank), ranks=ranks)
    except OtherRankError:
        assert ranks.rank == 0
    except StoreError as error:
        assert ranks.rank == 1
        assert "Rank 1 and rank 0 do not have the same inputs" in str(error)
    else:
        raise AssertionError
    assert ranks.rank or not (folder / "s.h5.partial").exists()  # rank 0 cleans up
    with StoreWriter(folder / "s.h5", header, ranks=ranks) as writer:
        assert writer.absent == [0, 1, 2]
        assert writer.mine == ([0], [1, 2])[ranks.rank]
"""


def test_ranks_share_one_writer_if_their_inputs_are_the_same(tmp_path, header):
    (tmp_path / "header.json").write_text(dump_header(header))
    (tmp_path / "different.py").write_text(DIFFERENT)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
    command += ["2", str(tmp_path / "different.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.glob("s.h5*"))
