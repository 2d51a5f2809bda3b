"""Print constraints.txt: the versions installed now, which the tests have passed with."""

from __future__ import annotations

from importlib.metadata import distributions

NOT_OURS = {"pip", "setuptools", "shopsearch"}

HEADER = """\
# The versions that the tests have passed with, so that an install today equals one in a year.
# `make lock` writes this file from what is installed. torch stands without the suffix of a build
# (+cpu, +cu130): any build of that version will do. torchvision must fit torch, which pip alone
# does not see to.
"""


def main() -> None:
    """Print the file."""
    versions = {
        dist.metadata["Name"]: dist.version.split("+")[0]
        for dist in distributions()
        if dist.metadata["Name"].lower() not in NOT_OURS
    }
    print(HEADER, end="")  # noqa: T201 - the file is what this prints
    for name in sorted(versions, key=str.lower):
        print(f"{name}=={versions[name]}")  # noqa: T201


if __name__ == "__main__":
    main()
