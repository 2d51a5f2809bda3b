"""Heat maps: a product and words in, which regions of its picture speak for the words out.

In:    the id of a product of the catalog, and words as a shopper types them.
Out:   a `Heatmap`: relevance by region, the cosine, and the picture with both laid over it.
Fails: `UnknownProduct`, `PictureMissing` and `QueryError`; `RegionsUnavailable` where the encoder
       in use cannot tell.
More:  an encoder offers it by `RegionExplainer` (encoders/base.py).
"""

from shopsearch.heatmaps.service import Heatmap, HeatmapService, Region

__all__ = ["Heatmap", "HeatmapService", "Region"]
