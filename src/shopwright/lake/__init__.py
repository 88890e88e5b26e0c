"""The lake: append-only Delta tables below one folder, and how to read them.

Belongs here: the tables' columns, exactly-once commits, SQL that reads them back. Does not belong here: what is
put into them (``ingest``) and what is made of them (``warehouse``).
"""
