"""Access: keys in, who may do what out; and the trail of who wrote.

In:    what a request carries as its key; a `KeyStore` and an `AuditLog`.
Out:   the `ApiKey` behind it, from memory for a few seconds; new keys, shown once.
Fails: `KeyRefused` where a key opens nothing, `KeyUnknown` where there is none of that id.
More:  how a key is spelt is in `spelling.py` alone. What an operation needs is said by the
       operation itself, and enforced in `server/access.py`.
"""
