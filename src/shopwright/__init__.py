"""Shopwright takes an online shop's raw exports to a tested warehouse.

The package is divided into rooms by subject (see ``docs/explanation/architecture.md``). This module holds
the version and nothing else: importing ``shopwright`` must stay free of work and of heavy imports.
"""

__version__ = "0.1.0"
