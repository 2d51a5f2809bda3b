"""Ranking room: candidates in, ordered hits out.

In:    products with their cosines, the words of the query, and the order that was asked for.
Out:   a score for each, a weighted mean of named features; the candidates in order, stable.
Fails: `SettingsError` where a file of weights cannot be used; every order holds for every product.
More:  one module per concern: `words.py` reads queries, `features.py` holds the features of words
       and names them all, `offers.py` those of price, stock and popularity (a new one is a name
       and a number there; then train the weights anew), `ranker.py` weighs them, `remembered.py`
       keeps what was read out of products, `explain.py` takes scores and cosines apart, and
       `order.py` sorts by price and age.
"""
