"""The twelve kinds of products of the drawn shop, and how each is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from shopsearch.demo.patterns import COLOURS, cloth, darker
from shopsearch.demo.sketch import (
    FOLDS,
    FROM_ABOVE,
    ROUND,
    Rgb,
    Sketch,
    arc,
    blob,
    both,
    ellipse,
    inside,
    line,
    mirrored,
    polygon,
    rounded,
    smooth,
    soft,
    without,
)

_WOOD: Rgb = (166, 116, 70)
_METAL: Rgb = (176, 182, 190)
_DARK: Rgb = (52, 50, 56)
_SOLE: Rgb = (244, 242, 238)
_SEAM: Rgb = (20, 14, 28)
_GLOSS: Rgb = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Look:
    """What a product is made to look like."""

    colour: str
    pattern: str

    @property
    def cloth(self) -> Image.Image:
        """Its surface."""
        return cloth(self.colour, self.pattern)

    @property
    def shade(self) -> Rgb:
        """Its colour where no light falls."""
        return darker(COLOURS[self.colour], 0.42)

    @property
    def trim(self) -> Rgb:
        """Its colour, a little darker: hems, handles."""
        return darker(COLOURS[self.colour], 0.16)


def draw_mug(sketch: Sketch, look: Look) -> None:
    """A mug with its handle to the right."""
    sketch.shadow((20, 76, 84, 92))
    sketch.paint(arc((54, 36, 86, 70), 0, 360, 6.5), look.trim, ROUND)
    body = both(polygon([(20, 25), (68, 25), (65, 80), (23, 80)]), rounded((23, 60, 65, 86), 9))
    sketch.paint(body, look.cloth, ROUND)
    sketch.paint(ellipse((20, 18, 68, 32)), look.trim)
    sketch.paint(ellipse((22.5, 20, 65.5, 30.5)), look.shade, FROM_ABOVE, upright=True)
    sketch.paint(inside(ellipse((25, 24.5, 63, 34)), ellipse((22.5, 20, 65.5, 30.5))), (74, 44, 26))
    sketch.tint(line([(28, 38), (29, 72)], 2.4), _GLOSS, 0.35)


def draw_t_shirt(sketch: Sketch, look: Look) -> None:
    """A T-shirt, laid flat."""
    sketch.shadow((26, 84, 76, 94))
    half = [(59, 14), (70, 18), (93, 36), (82, 50), (73, 43), (74, 88)]
    shirt = polygon(mirrored(half))
    neck = ellipse((38, 4, 62, 24))
    sketch.paint(inside(ellipse((36.5, 8, 63.5, 27)), shirt), look.shade)
    sketch.paint(without(shirt, neck), look.cloth, FOLDS)
    collar = without(ellipse((35, 2, 65, 27)), neck)
    sketch.paint(inside(collar, shirt), look.trim)
    for left, right in (((27, 43), (30.5, 27)), ((73, 43), (69.5, 27))):
        sketch.tint(line([left, right], 0.7), _SEAM, 0.4)
    sketch.tint(line([(26.5, 85.5), (73.5, 85.5)], 0.6), _SEAM, 0.35)


def draw_dress(sketch: Sketch, look: Look) -> None:
    """A sleeveless dress with a wide skirt."""
    sketch.shadow((20, 88, 80, 97))
    skirt = blob(
        mirrored([(58, 46), (68, 64), (79, 88), (72, 92), (65, 89.5), (58, 93), (50.1, 90)])
    )
    bodice = polygon(mirrored([(53, 22), (60, 20), (63.5, 30), (58.5, 47.5)]))
    straps = both(line([(40.5, 22), (43, 7)], 3.4), line([(59.5, 22), (57, 7)], 3.4))
    sketch.paint(straps, look.trim)
    sketch.paint(skirt, look.cloth, FOLDS)
    for x, low in ((37, 80), (46, 84), (56, 84), (64, 80)):
        sketch.tint(line([(50 + (x - 50) * 0.45, 51), (x, low)], 0.7), _SEAM, 0.25)
    sketch.paint(bodice, look.cloth, ROUND)
    neck = blob([(42, 20), (50, 27), (58, 20), (50, 18)])
    sketch.paint(inside(neck, bodice), look.shade)
    sketch.paint(rounded((41, 45, 59, 49), 1.6), look.shade, ROUND)


def draw_sneaker(sketch: Sketch, look: Look) -> None:
    """A lace-up shoe from its side, the toe to the right."""
    sketch.shadow((6, 72, 96, 84))
    outline = [(10, 36), (16, 31), (24, 36), (34, 35), (41, 27), (48, 29), (62, 46), (80, 53)]
    outline += [(92, 61), (93, 72), (50, 74), (10, 73), (8, 54)]
    upper = blob(outline)
    sketch.paint(upper, look.cloth, FROM_ABOVE, upright=True)
    toe = inside(ellipse((74, 50, 104, 88)), upper)
    sketch.paint(toe, _SOLE, FROM_ABOVE, upright=True)
    heel = inside(ellipse((-6, 40, 20, 84)), upper)
    sketch.paint(heel, look.trim)
    sketch.paint(inside(ellipse((17, 27, 42, 41)), upper), look.shade)
    sketch.paint(polygon(smooth([(40, 28), (47, 29), (66, 49), (60, 56), (44, 42)])), look.trim)
    for step in range(4):
        x, y = 44 + 5.2 * step, 34 + 5.2 * step
        sketch.paint(line([(x - 3.5, y + 3.5), (x + 4, y - 2.5)], 1.9), _SOLE)
    sole = both(rounded((7, 69, 95, 79), 5), rounded((6, 66, 24, 79), 5))
    sketch.paint(sole, _SOLE, FROM_ABOVE, upright=True)
    sketch.tint(line([(9, 73.5), (93, 73.5)], 0.9), COLOURS[look.colour], 0.9)


def draw_backpack(sketch: Sketch, look: Look) -> None:
    """A backpack from its front."""
    sketch.shadow((20, 84, 80, 95))
    sketch.paint(arc((39, 5, 61, 27), 180, 360, 3.6), look.shade)
    for x in (20.5, 79.5):
        sketch.paint(line([(x, 42), (x, 78)], 5), look.shade)
    body = blob(mirrored([(56, 13), (71, 18), (77, 34), (78, 60), (77, 82), (66, 89), (56, 90)]))
    sketch.paint(body, look.cloth, ROUND)
    lid = arc((29, 21, 71, 62), 190, 350, 1.7)
    sketch.paint(inside(lid, body), _DARK)
    pocket = rounded((30, 56, 70, 84), 6)
    sketch.tint(rounded((29.2, 55.2, 70.8, 85.2), 6.6), _SEAM, 0.45)
    sketch.paint(pocket, look.trim, ROUND)
    sketch.paint(line([(33, 62), (67, 62)], 1.5), _DARK)
    sketch.paint(line([(62, 62), (62, 67)], 2.2), _METAL)
    sketch.paint(line([(64, 29), (67, 34)], 2.2), _METAL)


def draw_lamp(sketch: Sketch, look: Look) -> None:
    """A table lamp, switched on."""
    sketch.shadow((28, 84, 72, 94))
    sketch.paint(rounded((47.6, 48, 52.4, 86), 2), _METAL, ROUND)
    sketch.paint(ellipse((31, 82, 69, 92)), darker(_METAL), ROUND)
    sketch.paint(ellipse((31, 80, 69, 89.5)), _METAL, ROUND)
    sketch.paint(ellipse((22, 46, 78, 58)), (255, 236, 178))
    shade = both(polygon([(35, 12), (65, 12), (79, 51), (21, 51)]), ellipse((21, 46, 79, 56)))
    sketch.paint(shade, look.cloth, ROUND)
    sketch.tint(inside(soft((30, 30, 70, 60)), shade), (255, 240, 176), 0.5)
    sketch.paint(ellipse((35, 9.5, 65, 14.5)), look.shade)


def draw_armchair(sketch: Sketch, look: Look) -> None:
    """An armchair from its front, on wooden legs."""
    sketch.shadow((12, 84, 88, 95))
    for x, foot in ((22, 19), (78, 81)):
        sketch.paint(polygon([(x - 3, 80), (x + 3, 80), (foot + 1.6, 93), (foot - 1.6, 93)]), _WOOD)
    back = both(rounded((24, 12, 76, 70), 15), rounded((24, 40, 76, 70), 4))
    sketch.paint(back, look.cloth, ROUND)
    sketch.tint(without(back, rounded((27, 15, 73, 70), 13)), _SEAM, 0.16)
    seat = rounded((23, 55, 77, 72), 6)
    sketch.tint(rounded((22, 53.6, 78, 73), 6), _SEAM, 0.35)
    sketch.paint(seat, look.cloth, FROM_ABOVE, upright=True)
    sketch.paint(rounded((18, 70, 82, 83), 4), look.trim, ROUND)
    for box in ((10, 41, 28, 83), (72, 41, 90, 83)):
        left, top, right, bottom = box
        sketch.tint(rounded((left - 0.8, top - 0.8, right + 0.8, bottom), 8.6), _SEAM, 0.3)
        sketch.paint(rounded(box, 8), look.cloth, ROUND)


def draw_vase(sketch: Sketch, look: Look) -> None:
    """A bellied vase with two twigs."""
    sketch.shadow((28, 84, 74, 95))
    for tip, leaves in (((38, 4), -1), ((62, 7), 1)):
        sketch.paint(line([(50, 34), (50 + leaves * 4, 20), tip], 1.1), (86, 110, 62))
        for step in range(3):
            x, y = 50 + leaves * (3 + 3.2 * step), 21 - 5.5 * step
            for side in (-1, 1):
                leaf = smooth([(x, y), (x + side * 4, y - 3.6), (x + side * 7, y - 2)])
                sketch.paint(polygon(leaf), (96, 132, 76))
    half = [(57, 31), (56, 38), (61, 46), (72, 57), (73, 70), (66, 83), (59, 90)]
    body = blob(mirrored(half))
    sketch.paint(body, look.cloth, ROUND)
    sketch.tint(inside(ellipse((33, 55, 41, 77)), body), _GLOSS, 0.28)
    sketch.paint(ellipse((40.5, 28, 59.5, 35)), look.trim)
    sketch.paint(ellipse((43, 29.4, 57, 33.8)), look.shade)


def draw_cap(sketch: Sketch, look: Look) -> None:
    """A baseball cap, its peak to the right."""
    sketch.shadow((10, 68, 94, 82))
    dome = without(ellipse((12, 20, 72, 108)), rounded((0, 66, 100, 120), 0))
    sketch.paint(dome, look.cloth, ROUND)
    for seam in ((30, 20, 54, 112), (-6, 20, 44, 112)):
        sketch.tint(inside(arc(seam, 180, 360, 0.8), dome), _SEAM, 0.4)
    sketch.paint(ellipse((38.5, 17.5, 45.5, 22.5)), look.trim)
    peak = blob([(42, 64), (58, 58), (76, 60), (92, 67), (95, 72), (80, 71), (60, 70), (44, 71)])
    sketch.paint(peak, look.trim, FROM_ABOVE, upright=True)
    sketch.paint(line([(13, 66), (46, 67)], 2), look.shade)
    sketch.tint(arc((46, 61.5, 96, 84), 215, 330, 0.6), _GLOSS, 0.35)


def draw_umbrella(sketch: Sketch, look: Look) -> None:
    """An open umbrella."""
    sketch.shadow((30, 88, 66, 96))
    sketch.paint(line([(50, 10), (50, 84)], 2.2), _WOOD)
    sketch.paint(arc((37.9, 76, 52.1, 92), 0, 180, 2.2), _WOOD)
    top = without(ellipse((7, 14, 93, 100)), rounded((0, 57, 100, 120), 0))
    edge = [ellipse((7 + 17.2 * n, 51, 24.2 + 17.2 * n, 63)) for n in range(5)]
    canopy = top
    for scallop in edge:
        canopy = without(canopy, scallop)
    sketch.paint(canopy, look.cloth, ROUND)
    for left, right in ((24.2, 75.8), (41.4, 58.6)):
        rib = arc((left, 14, right, 98), 180, 360, 0.8)
        sketch.tint(inside(rib, canopy), _SEAM, 0.4)
    sketch.paint(line([(50, 9), (50, 15)], 1.8), _DARK)


def draw_cushion(sketch: Sketch, look: Look) -> None:
    """A plump square cushion."""
    sketch.shadow((14, 82, 88, 95))
    outline = [(11, 14), (30, 18), (50, 19), (70, 18), (89, 14), (86, 32), (85, 51), (86, 70)]
    outline += [(89, 88), (70, 85), (50, 84), (30, 85), (11, 88), (14, 70), (15, 51), (14, 32)]
    sketch.paint(blob(outline), look.trim)
    inner = [(50 + (x - 50) * 0.955, 51 + (y - 51) * 0.955) for x, y in outline]
    cover = blob(inner)
    sketch.paint(cover, look.cloth, ROUND)
    sketch.paint(inside(cover, rounded((0, 60, 100, 100), 0)), look.cloth, ROUND)
    sketch.tint(inside(soft((26, 26, 58, 52)), cover), _GLOSS, 0.2)
    for corner in ((21, 23), (79, 23), (21, 79), (79, 79)):
        middle = (50 + (corner[0] - 50) * 0.76, 51 + (corner[1] - 51) * 0.76)
        sketch.tint(line([corner, middle], 0.9), _SEAM, 0.22)


def draw_bottle(sketch: Sketch, look: Look) -> None:
    """A drinking bottle with a metal cap."""
    sketch.shadow((30, 85, 70, 95))
    sketch.paint(rounded((42.5, 6, 57.5, 19), 2.4), _METAL, ROUND)
    for y in (10, 13, 16):
        sketch.tint(line([(43, y), (57, y)], 0.6), _SEAM, 0.35)
    sketch.paint(rounded((44, 18, 56, 24), 1), darker(_METAL), ROUND)
    shoulder = polygon(mirrored([(55, 22), (60, 24.4), (64, 28.6), (66, 34.5), (66, 60)]))
    body = both(shoulder, rounded((34, 40, 66, 91), 6))
    sketch.paint(body, look.cloth, ROUND)
    sketch.paint(inside(rounded((30, 85, 70, 95), 0), body), _METAL, ROUND)
    sketch.tint(inside(rounded((38, 34, 41, 80), 1.5), body), _GLOSS, 0.34)


DRAWINGS: dict[str, Callable[[Sketch, Look], None]] = {
    "mug": draw_mug,
    "t-shirt": draw_t_shirt,
    "dress": draw_dress,
    "sneaker": draw_sneaker,
    "backpack": draw_backpack,
    "lamp": draw_lamp,
    "armchair": draw_armchair,
    "vase": draw_vase,
    "cap": draw_cap,
    "umbrella": draw_umbrella,
    "cushion": draw_cushion,
    "bottle": draw_bottle,
}


def draw(kind: str, look: Look, ground: int = 0) -> Image.Image:
    """The picture of a product."""
    sketch = Sketch(ground)
    DRAWINGS[kind](sketch, look)
    return sketch.finished()
