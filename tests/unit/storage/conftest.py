"""The storages that tests run over.

S3 is one of them where `SHOPSEARCH_TEST_S3` is the address of a server that may be filled, such as
moto's (docs/scaling.md): s3fs needs another python-dateutil than the lock has, so that CI has none.
"""

from __future__ import annotations

import os
import secrets
from importlib.util import find_spec
from pathlib import Path

import pytest

S3 = os.environ.get("SHOPSEARCH_TEST_S3")
KINDS = [
    "file",
    "memory",
    pytest.param(
        "s3",
        marks=pytest.mark.skipif(
            S3 is None or find_spec("s3fs") is None,
            reason="no S3: it takes s3fs, and a server that SHOPSEARCH_TEST_S3 names",
        ),
    ),
]


@pytest.fixture(params=KINDS)
def storage_url(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The address of an empty storage."""
    if request.param == "s3":
        return _bucket(monkeypatch)
    urls = {"file": f"file://{tmp_path}/shared", "memory": f"memory://{secrets.token_hex(4)}"}
    return urls[request.param]


def _bucket(monkeypatch: pytest.MonkeyPatch) -> str:
    import s3fs

    told = {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "us-east-1"}
    for name, value in {**told, "ENDPOINT_URL": str(S3)}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    bucket = f"test-{secrets.token_hex(6)}"
    s3fs.S3FileSystem(skip_instance_cache=True).mkdir(bucket)
    return f"s3://{bucket}/shop"
