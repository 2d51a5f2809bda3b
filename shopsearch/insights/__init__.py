"""Insights: logged searches and clicks in, figures, a report, and judgments out.

In:    `ClickedSearch`es, as the search log gives them.
Out:   `Insights` (what was searched for, found and clicked on, and how fast), as JSON or as an HTML
       report; `Judgments` that `shopsearch evaluate` and `train ranking` read.
Fails: `InsightsError` where the log is too small to carry judgments, or they cannot be written;
       `EvaluationError` where the report cannot be.
More:  a figure is one more in `summary.py`, and its drawing one more in `plots.py`.
"""
