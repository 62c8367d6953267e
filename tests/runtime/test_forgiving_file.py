import errno

import pytest

from genprobe.runtime.forgiving_file import ForgivingFile


def test_what_was_not_written_reads_as_zeros(tmp_path):
    with ForgivingFile(tmp_path / "x", "w+") as file:
        file.error = OSError(errno.ENOSPC, "full")
        assert file.write(b"abc") == 3
        buffer = bytearray(b"????")
        assert file.readinto(buffer) == 4
        assert buffer == bytes(4)
        with pytest.raises(OSError, match="full"):
            file.require_written()
