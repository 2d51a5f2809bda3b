"""Evaluation room: runs and judgments in, numbers out.

In:    a run (query id -> product ids, best first) and judgments (query id -> product id -> gain).
Out:   nDCG@k, recall@k, MRR@k, P@k and MAP, per query and as means; a report.
Fails: `EvaluationError` when files cannot be read or do not fit together.
More:  measures are in `measures.py`; each states its formula and its source.
"""
