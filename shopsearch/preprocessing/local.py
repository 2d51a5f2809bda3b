"""Pictures in files, read with a bound."""

from __future__ import annotations

from pathlib import Path

from shopsearch.errors import PictureRejected


def read_picture(place: str, max_bytes: int) -> bytes:
    """The bytes of a picture file. Raises `PictureRejected` where it is missing or too large."""
    try:
        with Path(place).open("rb") as file:
            content = file.read(max_bytes + 1)
    except FileNotFoundError as error:
        raise PictureRejected(
            f"{place}: there is no such picture; put the file there, or correct the "
            f"product's image_link"
        ) from error
    except (OSError, ValueError) as error:
        raise PictureRejected(
            f"{place}: the picture cannot be read ({error}); check that it is a file that "
            f"may be read"
        ) from error
    check_bytes(len(content), max_bytes, place)
    return content


def check_bytes(n_bytes: int, max_bytes: int, place: str = "the picture") -> None:
    """Raises `PictureRejected` where a picture is larger than allowed."""
    if n_bytes > max_bytes:
        raise PictureRejected(
            f"{place}: more than {max_bytes:,} bytes; scale the picture down, or "
            f"raise the limit (max_image_bytes)"
        )
