"""Detection of compressed buffers in an Arrow stream, without decompressing them (a guard against decompression bombs).

PyArrow cannot tell: ``MessageReader`` gives a message's type, body and raw metadata but not its compression, and
``read_record_batch`` and ``open_stream`` decompress every buffer, whatever it grows to; no option of ``IpcReadOptions`` forbids
that or limits the size. So the one field that says so is read from the metadata here, a FlatBuffer of Arrow's ``Message.fbs``.
"""

from __future__ import annotations

import struct
from typing import IO

import pyarrow as pa

_HEADER_KIND, _HEADER = 1, 2
"""Field numbers of ``Message``."""
_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3
"""Values of the header's kind."""
_DATA = 1
"""Field number of ``DictionaryBatch``: the record batch with its values."""
_COMPRESSION = 3
"""Field number of ``RecordBatch``."""


def is_compressed(stream: IO[bytes]) -> bool:
    """Return whether any batch of a stream has compressed buffers; reads the stream to its end.

    Raises:
        ArrowInvalid: it is not an Arrow stream.
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
        raise pa.ArrowInvalid("the metadata of a message is truncated") from None


def _field(buffer: bytes, table: int, number: int) -> int:
    """Return the offset of a table's field; 0 where the field is absent."""
    vtable = table - struct.unpack_from("<i", buffer, table)[0]
    length = struct.unpack_from("<H", buffer, vtable)[0]
    entry = 4 + 2 * number
    if entry + 2 > length:
        return 0
    offset = struct.unpack_from("<H", buffer, vtable + entry)[0]
    return table + offset if offset else 0


def _follow(buffer: bytes, field: int) -> int:
    """Return the offset of the table that a field points to."""
    return int(field + struct.unpack_from("<I", buffer, field)[0])
