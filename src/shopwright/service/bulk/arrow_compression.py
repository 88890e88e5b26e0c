"""What the messages of an Arrow stream say of themselves, before their buffers are unpacked.

A message's metadata is a FlatBuffer of Arrow's ``Message.fbs``. The Python package unpacks compressed buffers, whatever they
grow to, before it says that they were compressed; so the one field that tells is looked up here.
"""

from __future__ import annotations

import struct
from typing import IO

import pyarrow as pa

_HEADER_KIND, _HEADER = 1, 2
"""Fields of ``Message``."""
_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3
"""Kinds of header."""
_DATA = 1
"""Field of ``DictionaryBatch``: the record batch with its values."""
_COMPRESSION = 3
"""Field of ``RecordBatch``."""


def is_compressed(stream: IO[bytes]) -> bool:
    """Whether any batch of a stream has compressed buffers; reads it to its end.

    Raises:
        ArrowInvalid: it is no stream.
    """
    messages = pa.ipc.MessageReader.open_stream(stream)
    return any(_has_compression(message.metadata.to_pybytes()) for message in messages)


def _has_compression(metadata: bytes) -> bool:
    try:
        message = struct.unpack_from("<I", metadata)[0]
        kind = _field(metadata, message, _HEADER_KIND)
        header = _field(metadata, message, _HEADER)
        if not kind or not header:
            return False
        table = _follow(metadata, header)
        if metadata[kind] == _DICTIONARY_BATCH and (data := _field(metadata, table, _DATA)):
            table = _follow(metadata, data)
        elif metadata[kind] != _RECORD_BATCH:
            return False
        return bool(_field(metadata, table, _COMPRESSION))
    except (struct.error, IndexError):
        raise pa.ArrowInvalid("a message's metadata is cut off") from None


def _field(buffer: bytes, table: int, number: int) -> int:
    """Where a field of a table lies; 0 where it is left out."""
    directory = table - struct.unpack_from("<i", buffer, table)[0]
    length = struct.unpack_from("<H", buffer, directory)[0]
    entry = 4 + 2 * number
    if entry + 2 > length:
        return 0
    offset = struct.unpack_from("<H", buffer, directory + entry)[0]
    return table + offset if offset else 0


def _follow(buffer: bytes, at: int) -> int:
    """Where the table lies to which a field points."""
    return int(at + struct.unpack_from("<I", buffer, at)[0])
