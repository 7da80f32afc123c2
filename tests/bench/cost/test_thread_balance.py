"""A balance is 1 where all threads have as much to do, and 1 / threads where one has all."""

from __future__ import annotations

import pytest

from bench.cost.thread_balance import balance_of


def test_the_balance_is_that_of_each_kernel_weighed_by_its_busiest_thread() -> None:
    found = balance_of([{"even": 50.0, "serial": 40.0}, {"even": 50.0}])
    assert [kernel.name for kernel in found.kernels] == ["serial", "even"]
    assert [kernel.balance for kernel in found.kernels] == [0.5, 1.0]
    assert found.balance == pytest.approx(140 / (2 * (50 + 40)))
    assert found.to_dict()["kernels"][0]["instructions"] == (40.0, 0.0)
