"""What sqlfluff needs of dbt's ``flags``: a command line without a full refresh."""

WHICH = "build"
FULL_REFRESH = False
