"""Workforces on Ray, as the settings say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import shopsearch
from shopsearch.distributed.cluster import check_installed, connected, nodes
from shopsearch.distributed.parcels import WorkerPlan
from shopsearch.distributed.sent_out import Crew, PictureSource, SentOut
from shopsearch.distributed.staffing import staffing
from shopsearch.preprocessing.pictures import GRID_THUMBNAILS_PX
from shopsearch.settings import Settings
from shopsearch.store import EmbeddingCache


def ray_workforce(
    settings: Settings, *, encoder_id: str, cache: EmbeddingCache, pictures: PictureSource
) -> SentOut:
    """Workers of the cluster that the settings name. Raises `WorkersUnavailable`, here where Ray is
    not installed, and when the first batch is sent where no worker can be had.
    """
    check_installed()
    return SentOut(
        lambda: _hired(settings, encoder_id),
        encoder_id=encoder_id,
        cache=cache,
        pictures=pictures,
    )


@contextmanager
def _hired(settings: Settings, encoder_id: str) -> Iterator[Crew]:
    with connected(settings.ray_address):
        from shopsearch.distributed.crew import RayCrew

        staff = staffing(
            nodes(),
            workers=settings.ray_workers,
            threads=settings.threads,
            device=settings.device,
        )
        plan = WorkerPlan.of(
            settings,
            version=shopsearch.__version__,
            encoder_id=encoder_id,
            thumbnail_sizes_px=GRID_THUMBNAILS_PX,
            threads=staff.cores,
        )
        crew = RayCrew(plan, staff)
        try:
            yield crew
        finally:
            crew.dismiss()
