"""The hash that deals units out: MD5 buckets, and the parity of an MD5.

MD5 keeps no secret here. It is a good mixer that every database knows, so Python, SQL and a shop's own code agree; 60
bits modulo 10,000 favor no bucket by more than one in 10^14. The dbt macros of the same names are the rule in SQL, and
``tests/assignment/test_sql.py`` compares the two.

Source: Kohavi, Tang, Xu, "Trustworthy Online Controlled Experiments" (2020), chapter 4.
"""

from __future__ import annotations

import hashlib

BUCKET_COUNT = 10_000
_DIGITS = 15
"""Hexadecimal digits of the MD5 that count: 60 bits, which a signed number of 64 bits holds."""


def assign_bucket(salt: str, unit_id: str) -> int:
    """Return a unit's bucket under a salt.

    The bucket is the first 15 hexadecimal digits of the MD5 of ``salt:unit_id``, as a number, modulo 10,000. It depends
    on the two texts alone, so it is the same on every machine and never changes.

    Returns:
        A whole number from 0 to 9,999.

    Example:
        >>> assign_bucket("checkout", "541320447")
        7547
    """
    return int(_md5(f"{salt}:{unit_id}")[:_DIGITS], 16) % BUCKET_COUNT


def has_odd_md5(unit_id: str) -> bool:
    """Return whether the MD5 of a unit's id, read as a number, is odd.

    Without a salt: all experiments that split by parity have the same split.

    Example:
        >>> has_odd_md5("512345678")
        True
    """
    return int(_md5(unit_id), 16) % 2 == 1


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
