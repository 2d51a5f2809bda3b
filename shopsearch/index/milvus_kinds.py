"""What can be chosen of an index on Milvus. The settings read it too, so it imports nothing."""

from __future__ import annotations

from typing import Literal, get_args

Kind = Literal[
    "auto", "flat", "hnsw", "hnsw-sq8", "ivf-flat", "ivf-sq8", "scann", "diskann", "autoindex"
]
KINDS: tuple[Kind, ...] = get_args(Kind)

Consistency = Literal["Strong", "Session", "Bounded", "Eventually"]
