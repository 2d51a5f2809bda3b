"""Evaluation room: runs and judgments in, numbers out.

In:    a run (query id -> product ids, best first) and judgments (query id -> product id -> gain).
Out:   nDCG@k, recall@k, MRR@k, P@k and MAP, per query and as means with intervals; slices, the
       comparison with an earlier run, a report.
Fails: `EvaluationError` when files cannot be read or do not fit together.
More:  a measure is one more in `measures.py`, with its formula and its source; a way to slice is
       one more in `groups.py`; a figure is one more in `figures.py` or `plots.py`.
"""
