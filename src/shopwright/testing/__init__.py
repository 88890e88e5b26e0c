"""What those who extend us build on when they test: small shops, and the suites that every adapter must pass.

Belongs here: builders, settings of sources that several tests read, and contract suites that hold for every
implementation. Does not belong here: tests of one implementation (``tests``), or anything that the product itself
calls.
"""

from shopwright.testing.adapters import AdapterContract
from shopwright.testing.shops import NOW, Shop

__all__ = ["NOW", "AdapterContract", "Shop"]
