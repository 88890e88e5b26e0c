"""Erasure: removes people from a project everywhere, proves it with a receipt, and exports what is known of a person.

Belongs here: who a person is across sources, and how each store is cleaned. What keeps erased people from coming back is in
``tombstones``, which ingest and collector read. Taking a source's file out of the lake is something else, and is in
``ingest.mending``.
"""
