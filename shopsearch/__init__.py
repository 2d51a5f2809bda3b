"""shopsearch: multimodal product search for shops, by words, by picture, or both.

The public surface of the library is small: `shopsearch.bootstrap.Services` wires everything from
`shopsearch.settings.Settings`; the nouns are in `shopsearch.domain`, the errors in
`shopsearch.errors`. Importing this package loads nothing heavy.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("shopsearch")
except PackageNotFoundError:  # a source tree that nobody installed
    __version__ = "0+unknown"

__all__ = ["__version__"]
