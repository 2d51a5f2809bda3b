"""shopsearch: multimodal product search for shops, by words, by picture, or both.

The public surface of the library is small: `shopsearch.bootstrap.Services` wires everything from
`shopsearch.settings.Settings`; the nouns are in `shopsearch.domain`, the errors in
`shopsearch.errors`. Importing this package loads nothing heavy.
"""


def __getattr__(name: str) -> str:
    """`__version__`, read when it is asked for: reading it takes longer than showing the help."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("shopsearch")
    except PackageNotFoundError:  # a source tree that nobody installed
        return "0+unknown"
