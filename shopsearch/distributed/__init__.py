"""Distributed room: batches of an indexing run are encoded by workers of a Ray cluster.

In:    records of products that are new or changed.
Out:   their embeddings in the cache, their pictures in the library; the run goes on from there.
Fails: `WorkersUnavailable` where no worker can be had, or it cannot encode as this process would.
More:  another cluster is a `Crew` of its own (`crew.py`); workers, parcels and the workforce that
       uses them know nothing of Ray.

Importing this package does not import ray; `cluster.py` and `crew.py` do, and nothing else.
"""
