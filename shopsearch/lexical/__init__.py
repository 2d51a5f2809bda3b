"""Lexical road: words in, the keys of products that hold them out, from memory.

In:    products with their keys, at indexing; terms, at searching.
Out:   keys with scores (BM25 over weighted columns), how many products hold a term, and the hashed
       words of products, by which the ranking compares them.
Fails: never for what is asked; `ValueError` where files do not fit each other.
More:  `word_index.py` is the `LexicalIndex` of an index generation, `postings.py` how it is laid
       out; `stored.py` answers the same from the database, for generations that have no words of
       their own. A further one passes `tests/contracts/store/test_lexical_index.py`.
"""
