"""How many workers a cluster carries."""

from __future__ import annotations

import pytest

from shopsearch.distributed.staffing import Staffing, staffing
from shopsearch.errors import WorkersUnavailable

PLAIN = {"CPU": 8.0}
WITH_GPUS = {"CPU": 32.0, "GPU": 4.0}


@pytest.mark.parametrize(
    ("nodes", "asked", "expected"),
    [
        ([{"CPU": 2.0}], {}, Staffing(1, 2, 0)),
        ([{"CPU": 1.0}], {}, Staffing(1, 1, 0)),
        ([PLAIN, PLAIN], {}, Staffing(8, 2, 0)),
        ([PLAIN, {"CPU": 0.0}], {}, Staffing(4, 2, 0)),
        ([{"CPU": 2.0}], {"workers": 2}, Staffing(2, 1, 0)),
        ([PLAIN, PLAIN], {"threads": 4}, Staffing(4, 4, 0)),
        ([PLAIN], {"threads": 64}, Staffing(1, 8, 0)),
        ([WITH_GPUS, PLAIN], {}, Staffing(4, 8, 1)),
        ([WITH_GPUS], {"threads": 3}, Staffing(4, 3, 1)),
        ([WITH_GPUS], {"workers": 2}, Staffing(2, 8, 1)),
        ([WITH_GPUS], {"device": "cpu"}, Staffing(16, 2, 0)),
    ],
)
def test_gpus_have_a_worker_each_and_else_cores_decide(
    nodes: list[dict[str, float]], asked: dict[str, object], expected: Staffing
) -> None:
    told = {"workers": 0, "threads": 0, "device": "auto", **asked}

    assert staffing(nodes, **told) == expected  # type: ignore[arg-type]


def test_a_cluster_without_cores_is_refused() -> None:
    with pytest.raises(WorkersUnavailable, match="no cores for workers"):
        staffing([{"CPU": 0.0}], workers=0, threads=0, device="auto")
