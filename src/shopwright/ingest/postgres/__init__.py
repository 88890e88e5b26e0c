"""A table or query of a Postgres server as a source: read in one transaction, cut into files, loaded like any file.

Belongs here: everything that talks to the server. Which column becomes which is the adapter's business
(``shopwright.ingest.adapters.postgres``); validation, loading and the ledger are the same as for files.
"""

from shopwright.ingest.postgres.chunks import probe, read_chunks
from shopwright.ingest.postgres.session import check_source

__all__ = ["check_source", "probe", "read_chunks"]
