"""Whether proposed regions are where the things of pictures are, and whether they help a search.

    python benchmarks/regions.py --data DIR [--photos N] [--scenes N] [--searched N]
        [--encoder-maps] [--seed N]

Scenes of 1 to 4 product photos of real catalogs on backgrounds of five kinds (`scenes.py`). Recall:
the share of the products whose box one of six proposals meets with an intersection over union of
0.5. `first`: the share of the scenes whose first proposal meets any product so. Time is that of one
thread, without decoding.

Searched: for each product of a scene, the rank of its own photo among all photos by the compact
encoder, asked with the whole scene, with the first proposal, with the proposal nearest to it (which
is the one that a shopper presses), and with its true box.

The baselines are boxes at fixed places, and what differs in colour from the border.
`--encoder-maps` adds the maps of the compact encoder's early stages in place of colours. The photos
must be unpacked: DIR/catalog-flipkart, catalog-luma, catalog-tailwind. What is shipped was chosen
on the scenes of seed 1.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scenes import GROUNDS, Box, Photo, Scene, overlap, photos, scenes

from shopsearch.domain import Region
from shopsearch.encoders.compact_onnx import OnnxCompactEncoder
from shopsearch.preprocessing.proposals import cells_of, propose, propose_in, propose_on

ARCHIVES = {"catalog-flipkart": 0.5, "catalog-luma": 0.3, "catalog-tailwind": 0.2}
MET = 0.5
TOP = 6
FIXED: tuple[Box, ...] = (
    (0.2, 0.2, 0.8, 0.8),
    (0.0, 0.0, 0.5, 0.5),
    (0.5, 0.0, 1.0, 0.5),
    (0.0, 0.5, 0.5, 1.0),
    (0.5, 0.5, 1.0, 1.0),
    (0.25, 0.25, 0.75, 0.75),
)

Method = Callable[[Image.Image], Sequence[Box]]


def shipped(picture: Image.Image) -> list[Box]:
    return [box_of(one.region) for one in propose(picture)]


def fixed(_: Image.Image) -> Sequence[Box]:
    return FIXED


def unlike_the_border(picture: Image.Image) -> list[Box]:
    """The same boxes of another map: how far each cell's colour is from the border's median."""
    cells = cells_of(picture)[..., :3]
    border = np.concatenate([cells[0], cells[-1], cells[:, 0], cells[:, -1]])
    apart = np.linalg.norm(cells - np.median(border, axis=0), axis=2)
    return [box_of(one.region) for one in propose_on(apart.astype(np.float32))]


def encoder_maps(side_px: int, stage: int) -> Method:
    """The maps of a stage of the compact encoder, each channel standardized, as cells."""
    import torch

    from shopsearch.encoders.compact import CompactEncoder

    torch.set_num_threads(1)
    network = CompactEncoder(device="cpu")._images.network

    @torch.inference_mode()
    def method(picture: Image.Image) -> list[Box]:
        square = np.array(picture.resize((side_px, side_px), Image.Resampling.BICUBIC))
        pixels = (torch.from_numpy(square).permute(2, 0, 1)[None].float() - 127) / 128
        maps = network.bn1(network.conv_stem(pixels))
        for block in network.blocks[: stage + 1]:
            maps = block(maps)
        cells = maps[0].permute(1, 2, 0).numpy()
        spread = cells.std(axis=(0, 1)) + 1e-6
        return [box_of(one.region) for one in propose_in((cells - cells.mean((0, 1))) / spread)]

    return method


def box_of(region: Region) -> Box:
    return (region.x, region.y, region.x + region.width, region.y + region.height)


def recall(name: str, method: Method, made: Sequence[Scene]) -> None:
    met: dict[str, list[bool]] = {ground: [] for ground in GROUNDS}
    first: list[bool] = []
    seconds: list[float] = []
    for scene in made:
        started = time.thread_time()
        boxes = list(method(scene.picture))[:TOP]
        seconds.append(time.thread_time() - started)
        truth = [one.box for one in scene.placed]
        met[scene.ground] += [any(overlap(box, true) >= MET for box in boxes) for true in truth]
        first.append(any(overlap(box, true) >= MET for box in boxes[:1] for true in truth))
    everything = [one for ones in met.values() for one in ones]
    error = 1.96 * np.std(everything) / np.sqrt(len(everything))
    grounds = "  ".join(f"{ground} {np.mean(ones):.2f}" for ground, ones in met.items())
    print(
        f"{name:<22} recall {np.mean(everything):.3f} +- {error:.3f}  first {np.mean(first):.3f}  "
        f"{grounds}  {np.median(seconds) * 1e3:.0f} ms, p95 {np.quantile(seconds, 0.95) * 1e3:.0f}",
        flush=True,
    )


def searched(made: Sequence[Scene], of: Sequence[Photo]) -> None:
    encoder = OnnxCompactEncoder()
    rows = encoder.encode_images([photo.whole for photo in of])
    place = {photo.path: number for number, photo in enumerate(of)}
    ranks: dict[str, list[int]] = {"whole": [], "first": [], "nearest": [], "true box": []}
    for scene in made:
        boxes = shipped(scene.picture)
        for one in scene.placed:
            nearest = max(boxes, key=lambda box: overlap(box, one.box), default=None)
            asked = {"whole": None, "first": next(iter(boxes), None), "nearest": nearest}
            for way, box in {**asked, "true box": one.box}.items():
                row = encoder.encode_images([cut(scene.picture, box)])[0]
                ranks[way].append(rank(rows @ row, place[one.path]))
    n = len(ranks["whole"])
    print(f"searched by {n} products of {len(made)} scenes among {len(of)} photos")
    for way, found in ranks.items():
        at_1, at_10 = np.mean(np.array(found) <= 1), np.mean(np.array(found) <= 10)
        print(f"  {way:<10} found first {at_1:.3f}, among ten {at_10:.3f}", flush=True)


def cut(picture: Image.Image, box: Box | None) -> Image.Image:
    if box is None:
        return picture
    width, height = picture.size
    return picture.crop(
        (
            int(box[0] * width),
            int(box[1] * height),
            max(int(box[0] * width) + 1, round(box[2] * width)),
            max(int(box[1] * height) + 1, round(box[3] * height)),
        )
    )


def rank(cosines: NDArray[np.float32], place: int) -> int:
    return 1 + int((cosines > cosines[place]).sum())


def main() -> None:
    given = arguments()
    print(f"{platform.machine()}, {os.cpu_count()} CPUs, seed {given.seed}")
    of = [
        photo
        for archive, share in ARCHIVES.items()
        for photo in photos(given.data / archive, round(share * given.photos))
    ]
    made = list(scenes(of, given.scenes, given.seed))
    print(f"{len(of)} photos, {len(made)} scenes, {sum(len(s.placed) for s in made)} products")
    recall("fixed boxes", fixed, made)
    recall("unlike the border", unlike_the_border, made)
    recall("shipped", shipped, made)
    if given.encoder_maps:
        for side_px, stage in ((224, 1), (448, 1), (448, 2)):
            recall(f"encoder {side_px} px, stage {stage}", encoder_maps(side_px, stage), made)
    searched(made[: given.searched], of)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--photos", type=int, default=140)
    parser.add_argument("--scenes", type=int, default=160)
    parser.add_argument("--searched", type=int, default=60)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--encoder-maps", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
