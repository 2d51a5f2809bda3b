"""Server room: HTTP requests in, pages and JSON out.

In:    `Services`, from the composition root; nothing here builds one itself but `serving.py`.
Out:   `create_app(services)`: the shop's pages, `/api/v1`, pictures, `/healthz` and `/readyz`.
Fails: never out of a handler: `errors.py` is the one place where an error becomes a status.
More:  a handler reads the request, asks a service and shows the answer. What a search may ask is in
       `search_request.py`, whatever carries it; where things are is in `addresses.py`.
"""

from shopsearch.server.app import create_app

__all__ = ["create_app"]
