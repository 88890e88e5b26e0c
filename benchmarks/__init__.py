"""What is measured, how, and against what: ``make bench`` runs ``python -m benchmarks``."""
