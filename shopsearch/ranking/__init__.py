"""Ranking room: candidates in, ordered hits out.

In:    products with their scores, best first, and the order that was asked for.
Out:   the same candidates in that order; stable, ties broken by relevance and then by key.
Fails: nothing: every order is defined for every product.
More:  one module per concern: `order.py` sorts.
"""
