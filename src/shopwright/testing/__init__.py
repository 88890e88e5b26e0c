"""Test helpers for extensions: small shops, and the contract suite that every adapter must pass.

Belongs here: builders, settings of sources that several tests use, and contract suites for all implementations. Does not
belong here: tests of one implementation (``tests``), or anything that the product itself calls.
"""

from shopwright.testing.adapters import AdapterContract
from shopwright.testing.shops import NOW, Shop

__all__ = ["NOW", "AdapterContract", "Shop"]
