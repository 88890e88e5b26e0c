"""Benchmark of read-outs: aggregates from the warehouse against rows of users; see ``__main__``."""
