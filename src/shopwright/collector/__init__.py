"""The collector: events taken in batches, checked against their contract, and on disk before they are acknowledged.

Belongs here: how a body becomes records, what is wrong with each, how they get into segments and are told apart when they
are sent again. Does not belong here: HTTP (``service/routes/events``), the contract itself (``contracts``), the rules that
turn text into typed columns and how segments get into the lake (``ingest``).
"""

from shopwright.collector.spool import Receipt, Rejection, Spool

__all__ = ["Receipt", "Rejection", "Spool"]
