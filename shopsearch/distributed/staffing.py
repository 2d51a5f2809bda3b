"""How many workers a cluster carries, and what each of them takes up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shopsearch.errors import WorkersUnavailable

CORES_OF_A_WORKER = 2  # more gain little: see docs/decisions/0050-ray.md
CORES_BESIDE_A_GPU = 8  # that decode for it, at most

Node = Mapping[str, float]  # what a machine has: "CPU", "GPU"


@dataclass(frozen=True, slots=True)
class Staffing:
    """How many workers, with how many cores and GPUs each."""

    n_workers: int
    cores: int
    gpus: int


def staffing(nodes: Sequence[Node], *, workers: int, threads: int, device: str) -> Staffing:
    """One worker for each GPU, where any may be used; else as many as the cores carry.

    `workers` and `threads`, where they are not 0, are what the settings want: workers that find no
    room wait for it. Raises `WorkersUnavailable` where there is room for none.
    """
    gpu_nodes = [node for node in nodes if node.get("GPU", 0) >= 1]
    if device in ("auto", "cuda") and gpu_nodes:
        beside = min(int(node.get("CPU", 0) // node["GPU"]) for node in gpu_nodes)
        cores = threads or min(max(1, beside), CORES_BESIDE_A_GPU)
        return Staffing(workers or sum(int(node["GPU"]) for node in gpu_nodes), cores, 1)
    cores_of = [int(node.get("CPU", 0)) for node in nodes]
    total, largest = sum(cores_of), max(cores_of, default=0)
    if not total:
        raise WorkersUnavailable(
            "the Ray cluster has no cores for workers; add a machine with `ray start "
            "--address=HEAD:6379`, without --num-cpus=0"
        )
    share = max(1, total // workers) if workers else CORES_OF_A_WORKER
    cores = min(threads or share, largest)
    return Staffing(workers or sum(n // cores for n in cores_of), cores, 0)
