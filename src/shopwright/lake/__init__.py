"""The lake: append-only Delta tables in one folder, and SQL that reads them.

Belongs here: the tables' columns, exactly-once commits, SQL that reads them back. Does not belong here: what is
written to them (``ingest``) and what is built from them (``warehouse``).
"""
