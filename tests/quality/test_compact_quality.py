"""What the shipped head must reach on real pictures. The figures are those of the benchmark."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from shopsearch.encoders.compact_head import CompactHead
from shopsearch.encoders.compact_id import SHIPPED_HEAD

pytestmark = [pytest.mark.quality, pytest.mark.slow]
BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "compact_quality.py"


@pytest.fixture(scope="module")
def quality() -> ModuleType:
    """benchmarks/compact_quality.py, which holds what is measured and how."""
    spec = importlib.util.spec_from_file_location("compact_quality", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARK.parent))
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def bench(quality: ModuleType, archives: Path, tmp_path_factory: pytest.TempPathFactory):
    """The towers over the real archives, with a cache for this run."""
    return quality.Bench(archives, tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def head() -> CompactHead:
    return CompactHead.load(SHIPPED_HEAD)


def test_names_find_unseen_fashion_products(quality, bench, head, monkeypatch):
    monkeypatch.setattr(quality, "GALLERY_SEEDS", (1,))
    recalls = quality.fashion_names(bench, head)
    assert recalls["compact"] >= 0.78
    assert recalls["compact"] > recalls["prior alone"]


@pytest.mark.parametrize("archive", ["catalog-tailwind", "catalog-oro"])
def test_views_find_their_product_as_well_as_by_the_tower_alone(quality, bench, head, archive):
    paths = quality.viewed_paths(bench, archive)
    found = quality.views_found(bench, head, archive, paths)
    assert sum(found["compact"]) >= sum(found["tower, centred"])


def test_words_find_words_as_well_as_by_minilm_alone(quality, bench, head):
    ndcg = quality.texts_by_texts(bench, head)
    assert ndcg["compact"] >= ndcg["MiniLM alone"] - 0.005
