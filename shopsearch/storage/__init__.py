"""Where several machines keep files together, and the copies that each of them has at hand.

Comes in: the address of a storage (`file:`, `memory:`, `s3:`, `gs:`), names and bytes. Goes out:
bytes, and paths of local copies. Fails: `StorageUnavailable` where it cannot be reached or refuses;
`SettingsError` for an address that cannot be used. One more kind of storage: one line in
`address.py`, where fsspec knows it.
"""

from shopsearch.storage.base import Storage, StoredName

__all__ = ["Storage", "StoredName"]
