"""The collector: receives batches of events, validates them, and has them on disk before it acknowledges them.

Belongs here: how a body becomes records, which rules they violate, how they are written to segments, and how repeated events
are recognized. Does not belong here: HTTP (``service/routes/events``), the contract itself (``contracts``), the rules that turn
text into typed columns and how segments are loaded into the lake (``ingest``).
"""

from shopwright.collector.spool import Receipt, Rejection, Spool

__all__ = ["Receipt", "Rejection", "Spool"]
