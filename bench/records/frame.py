"""Records as a pandas frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.records.record import Record

if TYPE_CHECKING:
    import pandas as pd


def as_frame(records: Sequence[Record]) -> pd.DataFrame:
    """One row a record, in their order, with its id as the index.

    What is nested stands in columns named by its path with dots (`conditions.host.cpu`), empty
    where a record has no such field; lists, such as samples, stay lists. `time` is in UTC.
    """
    import pandas as pd

    if not records:
        return pd.DataFrame({"id": [], "time": pd.to_datetime([], utc=True)}).set_index("id")
    frame = pd.json_normalize(list(records))
    return frame.assign(time=pd.to_datetime(frame["time"], utc=True)).set_index("id")
