"""Demo room: catalogs to try shopsearch with.

In:    an empty folder.
Out:   a feed in it, with pictures: the drawn shop (`drawn.py`), the project's own, whose truth is
       known; or the Vendure demo catalog (`vendure.py`), real photos from an npm package.
Fails: `DemoUnavailable` where npm is missing or the package cannot be had.
More:  a kind of product in the drawn shop is a function in `kinds.py` and an entry in `wording.py`.
"""
