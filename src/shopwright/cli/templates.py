"""The commented ``shopwright.toml`` that ``init`` writes."""

from __future__ import annotations

import json

from shopwright.settings import Settings

_HEAD = """\
# The settings of one shop. Everything commented out shows its default.

[shop]
name = {name}
# currency = "{shop.currency}"        # ISO 4217 code of amounts that state none
# timezone = "{shop.timezone}"        # the zone in which a day begins and ends
"""

_TAIL = """
# [ingest]
# max_record_bytes = {ingest.max_record_bytes}   # longer records go to quarantine
# max_future_hours = {ingest.max_future_hours}        # how far ahead of the clock a time may lie

# [sessions]
# gap_minutes = {sessions.gap_minutes}             # minutes without an event after which a new session begins

# [bots]                        # such sessions are flagged and kept out of rates
# min_events = {bots.min_events}              # shorter sessions are never flagged
# max_mean_gap_seconds = {bots.max_mean_gap_seconds}   # faster than this on average is no shopper
# min_views_without_cart = {bots.min_views_without_cart} # so many product views and nothing in the cart is no shopper

# [experiment]
# assignment = "{experiment.assignment}"         # "stated" by the events, "md5_parity" of the user id, or "none"

# [engine]
# threads = 2                   # all cores where not given
# memory_limit = "{engine.memory_limit}"          # beyond it the engine spills to disk
"""

_EVENT_STREAM = """
# Product-analytics events as JSON lines, JSON arrays or Parquet (.gz, .zst and .zip too); files named catalog*
# and users* hold product and user versions.
[[sources]]
name = "clicks"
adapter = "event_stream"
path = {path}                   # file, folder or glob; relative to this file's folder
"""

_REES46 = """
# Monthly CSV files with the columns of the REES46 data sets.
[[sources]]
name = "clicks"
adapter = "rees46"
path = {path}                   # file, folder or glob; relative to this file's folder
"""

_MAPPED = """
# Any other CSV, JSON or Parquet file, by its column names; here a file without a header line.
# [[sources]]
# name = "more_clicks"
# adapter = "mapped"
# path = "more/*.csv"
# header = false
# columns = ["event_time", "event_type", "product_id", "category_id", "category_code", "brand", "price",
#            "user_id", "user_session"]
# timestamp_formats = ["%Y-%m-%d %H:%M:%S UTC"]
# [sources.map]                 # canonical column = column of the file, or {{ value = ".." }} or {{ sql = ".." }}
# event_at = "event_time"
# event_type = "event_type"
# user_id = "user_id"
# session_hint = "user_session"
# product_id = "product_id"
# category = "category_code"
# brand = "brand"
# price = "price"
# [sources.event_types]         # the file's event types = canonical ones
# view = "product_view"
# cart = "add_to_cart"
"""

_SOURCES = {"event_stream": _EVENT_STREAM + _MAPPED, "rees46": _REES46 + _MAPPED, "blank": _MAPPED}


def render(*, name: str, path: str, kind: str) -> str:
    """The text of ``shopwright.toml``.

    Args:
        name: the shop's name.
        path: where the files of its source lie.
        kind: ``event_stream``, ``rees46`` or ``blank``.
    """
    defaults = Settings()
    # a JSON string is a TOML string
    text = _HEAD + _SOURCES[kind] + _TAIL
    return text.format(
        name=json.dumps(name, ensure_ascii=False),
        path=json.dumps(path, ensure_ascii=False),
        **{section: getattr(defaults, section) for section in type(defaults).model_fields},
    )
