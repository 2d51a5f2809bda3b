"""The structures that an index may have, by the names that settings and manifests give them.

No library is imported here: settings read this too.
"""

from __future__ import annotations

from typing import Literal, get_args

CodedKind = Literal["sq8", "hnsw-sq8", "ivf-sq8", "ivf-pq"]  # short codes; see `codes`
FaissKind = Literal["auto", "flat", "hnsw", CodedKind]
MilvusKind = Literal[
    "auto", "flat", "hnsw", "hnsw-sq8", "ivf-flat", "ivf-sq8", "scann", "diskann", "autoindex"
]

CODED_KINDS: tuple[CodedKind, ...] = get_args(CodedKind)
FAISS_KINDS: tuple[FaissKind, ...] = get_args(FaissKind)
MILVUS_KINDS: tuple[MilvusKind, ...] = get_args(MilvusKind)

Consistency = Literal["Strong", "Session", "Bounded", "Eventually"]  # of Milvus
