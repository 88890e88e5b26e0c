"""A stand-in for dbt's ``exceptions``."""


def raise_compiler_error(_message: str) -> str:
    """Return null instead of raising: variables have no values while linting, so every check of them would fail."""
    return "null"
