"""Events that the service collected: segments of JSON lines, with the field names of an event stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopwright.contracts.events import EVENTS
from shopwright.ingest.adapters.event_stream import EVENT_FIELDS
from shopwright.ingest.adapters.mapping import EPOCH, ISO_8601, Adapter, FileKind, Mapping

if TYPE_CHECKING:
    from shopwright.settings import SourceSettings


def _mapping_for(source: SourceSettings, _: str) -> Mapping:
    return Mapping(
        entity=EVENTS,
        kind=FileKind.JSON,
        fields=EVENT_FIELDS,
        timestamp_formats=source.timestamp_formats or (ISO_8601, EPOCH),
        timezone=source.timezone,
        has_lines=True,  # what was sent may look like an array, and is one bad event
    )


COLLECTOR = Adapter(
    "collector",
    "events that the service collected, one JSON object a line",
    _mapping_for,
    entities=("events",),
)
