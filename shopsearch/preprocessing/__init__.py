"""Preprocessing room: a product or a query in, a `PreparedItem` out.

In:    a `Product` (its words and the places of its pictures) or the parts of a `Query`.
Out:   `PreparedItem`: one composed, clean text and one checked picture.
Fails: `PictureRejected` and `FetchRejected`, with the value and the remedy.
More:  what an encoder should see of a text is in `text.py`, of a picture in `images.py`.
"""
