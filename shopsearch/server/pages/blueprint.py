"""The blueprint of all pages: one, so that endpoints are `pages.NAME` wherever they are written."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("pages", __name__)
