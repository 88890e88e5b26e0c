"""Loads a shop's source files into the lake: typed, validated, each row exactly once.

Belongs here: finding and reading source files, adapters, validation, batches and their commits, the ledger and the
quarantine. Does not belong here: what the columns mean (``contracts``), how the lake stores them (``lake``) and what is
built from the loaded rows (``dbt``).
"""
