"""What sqlfluff needs of dbt's ``exceptions``."""


def raise_compiler_error(_message: str) -> str:
    """Nothing: variables have no values while linting, so a check of them would always fail."""
    return "null"
