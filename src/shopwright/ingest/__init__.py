"""From a shop's files to the lake: type, validate, de-duplicate, land; nothing lost, nothing twice.

Belongs here: finding and reading source files, adapters, the checks at the door, the lake's commits, the ledger
and the quarantine. Does not belong here: what the columns mean (``contracts``) and what is made of the
landed rows (``dbt``).
"""
