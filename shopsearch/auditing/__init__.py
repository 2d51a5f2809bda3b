"""Auditing: a catalog that is indexed -> what is wrong with it, section by section.

In: a `CatalogSnapshot`, taken from the store, the embedding cache and the live generation. Nothing
is encoded, and nothing in the catalog is changed. Out: an `Audit`, one `Section` for each kind of
fault: how many products were checked, how many have it, and the list. A section that cannot check
anything says why. Fails with what the live generation raises where there is none or another encoder
made it, and with `AuditError` where a report or a map cannot be made.

To add a section, write a file with a function from a snapshot to a `Section`, and name it in
service.py; give it a table in templates/ if its rows are to look better than a plain table.
"""

from shopsearch.auditing.findings import Audit, Finding, Section
from shopsearch.auditing.service import Auditor
from shopsearch.auditing.snapshot import CatalogSnapshot

__all__ = ["Audit", "Auditor", "CatalogSnapshot", "Finding", "Section"]
