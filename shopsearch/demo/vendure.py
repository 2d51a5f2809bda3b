"""The Vendure demo catalog: 54 real product photos and texts, fetched from npm, never shipped.

The package `@vendure/create` carries them for shops that are set up with it. It is fetched with
`npm pack`, compared with the checksum that was looked up when this was written, unpacked (nothing
in it is run), and converted to JSON lines.
"""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from shopsearch.catalog.base import FieldMapping
from shopsearch.errors import DemoUnavailable

PACKAGE, VERSION = "@vendure/create", "3.7.3"
SHA512 = (  # as the registry publishes it
    "f20a8c6a7e57f2b060c1704f77691ca3b18327bd221e65c89617c36de4b4e43e"
    "c982c682ed273e76c529b509e9837dda3e8713f76123ab7643e5328629dcc647"
)
_TARBALL = f"vendure-create-{VERSION}.tgz"
_PRODUCTS, _IMAGES = "package/assets/products.csv", "package/assets/images/"
_MANIFEST = "package/package.json"
_MAX_UNPACKED_BYTES = 100_000_000
_NPM_TIMEOUT_S = 180

_Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class DemoCatalog:
    """A catalog to try shopsearch with."""

    feed: Path
    mapping: FieldMapping
    source: str
    licence: str


def fetch_vendure(folder: Path) -> DemoCatalog:
    """The catalog, in a folder; what was fetched once is not fetched again.

    Raises `DemoUnavailable` where npm is missing, fails, or gives something else.
    """
    folder.mkdir(parents=True, exist_ok=True)
    feed = folder / "products.jsonl"
    try:
        if not feed.is_file():
            tarball = folder / _TARBALL
            if not tarball.is_file():
                _npm_pack(tarball)
            _check(tarball)
            _unpack(tarball, folder)
            _convert(folder, feed)
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, csv.Error, tarfile.TarError) as error:
        raise DemoUnavailable(
            f"the demo catalog in {folder} cannot be made ({type(error).__name__}: {error}); "
            f"delete the folder and try again"
        ) from error
    source = f"npm package {manifest['name']} {manifest['version']}"
    if url := manifest.get("repository", {}).get("url"):
        source += f", {url}"
    return DemoCatalog(feed, FieldMapping(), source, str(manifest.get("license", "not stated")))


def _npm_pack(tarball: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise DemoUnavailable("npm is not installed; install Node.js, or take the drawn shop")
    with TemporaryDirectory(dir=tarball.parent, prefix=".npm-") as beside:
        command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--pack-destination", beside]
        try:
            subprocess.run(
                command, check=True, capture_output=True, timeout=_NPM_TIMEOUT_S, cwd=beside
            )
        except subprocess.TimeoutExpired as error:
            raise DemoUnavailable(
                f"npm did not fetch {PACKAGE} within {_NPM_TIMEOUT_S} s; check the network"
            ) from error
        except subprocess.CalledProcessError as error:
            told = error.stderr.decode(errors="replace").strip().splitlines()
            raise DemoUnavailable(
                f"npm could not fetch {PACKAGE}@{VERSION} "
                f"({'; '.join(told[:3])[:300] or 'it does not say why'}); check the network"
            ) from error
        packed = next(Path(beside).glob("*.tgz"), None)
        if packed is None:
            raise DemoUnavailable(f"npm pack wrote no file for {PACKAGE}@{VERSION}; update npm")
        packed.replace(tarball)


def _check(tarball: Path) -> None:
    found = hashlib.sha512(tarball.read_bytes()).hexdigest()
    if found != SHA512:
        tarball.unlink()
        raise DemoUnavailable(
            f"{PACKAGE}@{VERSION} is not what it was: its SHA-512 is {found[:16]}..., not "
            f"{SHA512[:16]}...; nothing of it was used"
        )


def _unpack(tarball: Path, folder: Path) -> None:
    with tarfile.open(tarball) as archive:
        wanted = [
            member
            for member in archive
            if member.isfile()
            and (member.name in (_PRODUCTS, _MANIFEST) or member.name.startswith(_IMAGES))
        ]
        if (n_bytes := sum(member.size for member in wanted)) > _MAX_UNPACKED_BYTES:
            raise DemoUnavailable(f"{PACKAGE} holds {n_bytes:,} bytes of pictures: too many")
        for member in wanted:
            archive.extract(member, folder, filter="data")


def _convert(folder: Path, feed: Path) -> None:
    with (folder / _PRODUCTS).open(encoding="utf-8", newline="") as file:
        rows = [
            {name.strip(): value.strip() for name, value in row.items() if name and value}
            for row in csv.DictReader(file)
        ]
    products = [_product(folder, variants) for variants in _by_product(rows)]
    beside = feed.with_suffix(".part")
    with beside.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(product, ensure_ascii=False) + "\n" for product in products)
    beside.replace(feed)


def _by_product(rows: list[_Row]) -> Iterator[list[_Row]]:
    """A product's rows: the first has its name, the others are variants."""
    variants: list[_Row] = []
    for row in rows:
        if row.get("name") and variants:
            yield variants
            variants = []
        variants.append(row)
    if variants:
        yield variants


def _product(folder: Path, variants: list[_Row]) -> dict[str, str | list[str]]:
    first = variants[0]
    facets = _pairs(first.get("facets", ""))
    for variant in variants:
        facets += [pair for pair in _pairs(variant.get("variantFacets", "")) if pair not in facets]
    options = _options(variants)
    categories = [value for name, value in facets if name == "category"]
    images = [place for place in first.get("assets", "").split("|") if place]
    product: dict[str, str | list[str]] = {
        "id": first["slug"],
        "title": first["name"],
        "description": first.get("description", ""),
        "image_link": [_IMAGES + place for place in images if (folder / _IMAGES / place).is_file()],
        "price": f"{min(float(variant['price']) for variant in variants):.2f} USD",
        "product_type": " > ".join(categories),
        "availability": _availability(variants),
    }
    for name, value in [*facets, *options]:
        if name != "category":
            told = product.get(name)
            product[name] = f"{told}, {value}" if told else value
    return product


def _options(variants: list[_Row]) -> list[tuple[str, str]]:
    """What the variants differ in: ("storage", "32GB"), ("storage", "128GB")."""
    groups = [group.partition(":")[0] for group in variants[0].get("optionGroups", "").split("|")]
    found: list[tuple[str, str]] = []
    for variant in variants:
        for group, value in zip(groups, variant.get("optionValues", "").split("|"), strict=False):
            option = (group, value.removeprefix("Size "))
            if all(option) and option not in found:
                found.append(option)
    return found


def _pairs(facets: str) -> list[tuple[str, str]]:
    """`brand:Apple|color:blue` as pairs."""
    parts = (facet.partition(":") for facet in facets.split("|") if ":" in facet)
    return [(name.strip(), value.strip()) for name, _, value in parts]


def _availability(variants: list[_Row]) -> str:
    in_stock = any(int(variant.get("stockOnHand") or 0) > 0 for variant in variants)
    return "in_stock" if in_stock else "out_of_stock"
