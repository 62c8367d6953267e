import json

import click
from click.testing import CliRunner

from genprobe.cli.json_text import print_json


def test_what_an_encoding_lacks_is_escaped_and_reads_as_the_same():
    text = json.dumps({"name": "β 中 😀 é"}, ensure_ascii=False)
    printed = click.Command("c", callback=lambda: print_json(text))
    for encoding in ("ascii", "latin-1", "cp1252", "utf-8"):
        written = CliRunner(charset=encoding).invoke(printed).stdout_bytes
        assert json.loads(written.decode(encoding)) == json.loads(text)
