"""Which regions of a product's picture speak for words: the service, its answer, its colours."""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from shopsearch.bootstrap import Services
from shopsearch.domain import Product
from shopsearch.errors import PictureMissing, QueryError, RegionsUnavailable, UnknownProduct
from shopsearch.heatmaps import Heatmap, HeatmapService, Region
from shopsearch.heatmaps.overlay import colours, laid_over

from .conftest import listed


@pytest.fixture
def shop(services: Services, tmp_path: Path) -> Services:
    """A product that is red on the left and blue on the right, and one of words alone."""
    both = Image.new("RGB", (80, 40), (255, 0, 0))
    both.paste((0, 0, 255), (40, 0, 80, 40))
    both.save(tmp_path / "both.png")
    products = (
        Product(product_id="flag", title="Flag", images=(str(tmp_path / "both.png"),)),
        Product(product_id="words", title="Words alone"),
    )
    services.indexer.run(listed(*products), feed_name="shop")
    return services


@pytest.fixture
def heatmaps(shop: Services, colour_encoder) -> HeatmapService:
    return HeatmapService(
        preparer=shop.preparer, encoder=colour_encoder, store=shop.store, pictures=shop.pictures
    )


@pytest.mark.parametrize(
    ("words", "half", "other"),
    [("red", slice(0, 36), slice(44, 80)), ("blue", slice(44, 80), slice(0, 36))],
)
def test_the_half_that_has_the_colour_of_the_words_is_marked(
    heatmaps: HeatmapService, words: str, half: slice, other: slice
) -> None:
    drawn = heatmaps.draw("flag", words)

    assert drawn.has_evidence
    assert drawn.relevance.shape == (40, 80)
    assert drawn.relevance[:, half].min() > 0.9
    assert drawn.relevance[:, other].max() < 0.1


def test_the_cosine_is_that_of_picture_and_words_and_the_lift_what_lies_above_any_words(
    heatmaps: HeatmapService,
) -> None:
    drawn = heatmaps.draw("flag", "red")

    row = np.array([127.5, 0.0, 127.5, 40.0]) / np.linalg.norm([127.5, 0.0, 127.5, 40.0])
    assert drawn.cosine == pytest.approx(row[0], abs=0.01)
    assert drawn.lift == pytest.approx(row[0] - row[3], abs=0.01)


def test_words_that_fit_no_better_than_any_words_have_an_empty_map(
    heatmaps: HeatmapService,
) -> None:
    drawn = heatmaps.draw("flag", "green")

    assert drawn.lift < 0
    assert not drawn.has_evidence
    assert drawn.strongest(3) == ()
    np.testing.assert_array_equal(shown(drawn), np.asarray(drawn.picture))


def test_words_are_prepared_as_those_of_a_query_are(heatmaps: HeatmapService) -> None:
    assert heatmaps.draw("flag", " red \x00\n blue ").words == "red blue"


@pytest.mark.parametrize("words", ["", " \n\t "])
def test_no_words_are_refused(heatmaps: HeatmapService, words: str) -> None:
    with pytest.raises(QueryError, match="no words"):
        heatmaps.draw("flag", words)


def test_a_product_that_is_not_there_is_named(heatmaps: HeatmapService) -> None:
    with pytest.raises(UnknownProduct, match="'nothing'"):
        heatmaps.draw("nothing", "red")


def test_a_product_without_a_picture_says_what_to_do(heatmaps: HeatmapService) -> None:
    with pytest.raises(PictureMissing, match="'words' has no picture"):
        heatmaps.draw("words", "red")


def test_a_working_copy_that_is_gone_says_what_to_do(
    heatmaps: HeatmapService, shop: Services
) -> None:
    for copy in (shop.settings.home / "images").rglob("*.jpg"):
        copy.unlink()

    with pytest.raises(PictureMissing, match="index its feed again"):
        heatmaps.draw("flag", "red")


def test_the_composed_service_asks_the_encoder_in_use(shop: Services) -> None:
    with pytest.raises(RegionsUnavailable, match="hashing-128"):
        shop.heatmaps.draw("flag", "red")


def test_the_strongest_cells_come_first_as_fractions_of_the_picture() -> None:
    relevance = np.array([[0.0, 0.25, 0.0], [1.0, 0.0, 0.5]], dtype=np.float32)
    drawn = heatmap(relevance, Image.new("RGB", (30, 20)))

    assert drawn.strongest(2) == (
        Region(left=0.0, top=0.5, right=1 / 3, bottom=1.0, relevance=1.0),
        Region(left=2 / 3, top=0.5, right=1.0, bottom=1.0, relevance=0.5),
    )
    assert len(drawn.strongest(6)) == 3


def test_the_png_is_as_large_as_the_picture_and_brightest_where_relevance_is() -> None:
    relevance = np.zeros((4, 4), dtype=np.float32)
    relevance[3, 0] = 1.0
    drawn = heatmap(relevance, Image.new("RGB", (120, 90), (128, 128, 128)))

    luminance = np.asarray(Image.fromarray(shown(drawn)).convert("L"))

    assert luminance.shape == (90, 120)
    row, column = np.unravel_index(luminance.argmax(), luminance.shape)
    assert row > 66
    assert column < 31


def test_the_colours_are_those_of_viridis() -> None:
    shares = np.linspace(0, 1, 101, dtype=np.float32)
    theirs = mpl.colormaps["viridis"](shares)[:, :3] * 255

    np.testing.assert_allclose(colours(shares), theirs, atol=5.0)


def test_laying_over_leaves_the_picture_as_it_was() -> None:
    picture = Image.new("RGB", (12, 8), (200, 10, 10))

    laid_over(picture, np.ones((2, 3), dtype=np.float32))

    assert picture.getpixel((5, 5)) == (200, 10, 10)


def heatmap(relevance: np.ndarray, picture: Image.Image) -> Heatmap:
    return Heatmap(
        product_id="A1", words="red", relevance=relevance, cosine=0.3, lift=0.1, picture=picture
    )


def shown(drawn: Heatmap) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(drawn.png())).convert("RGB"))
