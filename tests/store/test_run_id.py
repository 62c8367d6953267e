from dataclasses import replace

from genprobe.store.run_id import (
    awaits_report,
    can_resume,
    clear_run_id,
    partial_folder,
    stored_run_id,
)
from genprobe.store.write import StoreWriter


def test_a_fresh_run_that_was_interrupted_goes_on_and_one_of_another_run_does_not(
    path, header, cut, write_store
):
    write_store(path)
    old = path.read_bytes()
    with StoreWriter(path, header, fresh=True) as writer:
        writer.write(1, cut(1), None)
    assert can_resume(path)
    assert not awaits_report(path)
    with StoreWriter(path, header, fresh=True) as writer:
        assert writer.missing() == [0, 2]
    with StoreWriter(path, replace(header, seed=1), fresh=True) as writer:
        assert writer.missing() == [0, 1, 2]
        writer.write(0, cut(0), None)
    with StoreWriter(path, header, fresh=True) as writer:
        assert writer.missing() == [0, 1, 2]
    assert path.read_bytes() == old
    assert list(path.parent.iterdir()) == [path]


def test_a_fresh_run_is_not_done_until_it_is_concluded(path, header, cut, write_store):
    with StoreWriter(path, header, fresh=True) as writer:
        for segment in writer.missing():
            writer.write(segment, cut(segment), None)
        writer.finish({})
    assert awaits_report(path)
    assert not can_resume(path)
    assert [p.name for p in partial_folder(path).iterdir()] == ["fresh"]
    clear_run_id(path)
    assert list(path.parent.iterdir()) == [path]
    assert not awaits_report(path)
    with StoreWriter(path, header, fresh=True) as writer:
        assert writer.missing() == [0, 1, 2]
        writer.write(0, cut(0), None)
    clear_run_id(path)  # of the run that is done, not of the one that was interrupted
    assert can_resume(path)


def test_a_store_that_is_not_fresh_has_no_name(path, header, cut, write_store):
    assert stored_run_id(write_store(path)) == ""
    assert stored_run_id(path.with_name("absent.h5")) == ""
