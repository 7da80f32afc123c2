from __future__ import annotations

from pathlib import Path

import pytest

from compile.tuning.journal import Journal, Measurement, Round
from depthbench.errors import InputError

ONE = Round(1.5, False, (Measurement("w", {"rows": "2"}, 10.0, 12.0, options={"rows": ["1"]}),))
TWO = Round(2.0, True, (Measurement("w", {"rows": "1"}, failed="does not fit"),))


def test_what_was_kept_is_there_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path, {"model": "a"})
    assert journal.rounds == []
    journal.add(ONE)
    journal.add(TWO)

    again = Journal(tmp_path, {"model": "a"})
    assert again.rounds == [ONE, TWO]
    assert again.seconds == 3.5
    assert Journal(tmp_path, {"model": "b"}).rounds == []


@pytest.mark.parametrize("lost", [1, 20, 60])
def test_a_line_cut_short_never_was(tmp_path: Path, lost: int) -> None:
    journal = Journal(tmp_path, {})
    journal.add(ONE)
    journal.add(TWO)
    content = journal.file.read_bytes()
    journal.file.write_bytes(content[:-lost])

    again = Journal(tmp_path, {})
    assert again.rounds == [ONE]
    again.add(TWO)
    assert Journal(tmp_path, {}).rounds == [ONE, TWO]


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    journal = Journal(tmp_path, {})
    journal.file.write_text(journal.file.read_text() + '{"what": 1}\n')
    with pytest.raises(InputError, match=r"damaged journal of tuning; delete it"):
        Journal(tmp_path, {})
