"""A stand-in for dbt's ``target``."""

database = "warehouse"
