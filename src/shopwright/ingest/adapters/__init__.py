"""The kinds of export that can be read, each a declarative mapping to the canonical entities.

An adapter does no parsing and no I/O: it says which columns of a file become which canonical columns. To add one, write
its module, list it in ``ADAPTERS`` and subclass the contract suite in ``shopwright.testing``.
"""

from shopwright.core.errors import ConfigurationError, near_match
from shopwright.ingest.adapters.collector import COLLECTOR
from shopwright.ingest.adapters.event_stream import EVENT_STREAM
from shopwright.ingest.adapters.mapped import MAPPED
from shopwright.ingest.adapters.mapping import Adapter, CsvShape, Field, FileKind, Mapping
from shopwright.ingest.adapters.olist import OLIST
from shopwright.ingest.adapters.online_retail import ONLINE_RETAIL
from shopwright.ingest.adapters.postgres import POSTGRES
from shopwright.ingest.adapters.rees46 import REES46

ADAPTERS: tuple[Adapter, ...] = (REES46, OLIST, ONLINE_RETAIL, EVENT_STREAM, MAPPED, POSTGRES, COLLECTOR)

BY_NAME = {adapter.name: adapter for adapter in ADAPTERS}


def find_adapter(name: str) -> Adapter:
    """Return the adapter with this name.

    Raises:
        ConfigurationError: there is none; the message lists the available ones.
    """
    if name not in BY_NAME:
        available = ", ".join(BY_NAME)
        raise ConfigurationError(f"no adapter '{name}'{near_match(name, BY_NAME)} (available: {available})")
    return BY_NAME[name]


__all__ = ["ADAPTERS", "Adapter", "CsvShape", "Field", "FileKind", "Mapping", "find_adapter"]
