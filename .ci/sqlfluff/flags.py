"""A stand-in for dbt's ``flags``: a build without a full refresh."""

WHICH = "build"
FULL_REFRESH = False
