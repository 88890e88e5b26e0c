"""The commented ``shopwright.toml`` that ``init`` writes, from one template for each kind of shop."""

from __future__ import annotations

import json
from dataclasses import dataclass

from shopwright.core.errors import ConfigurationError, near_match
from shopwright.ingest.adapters.olist import FILES as OLIST_FILES
from shopwright.settings import Settings, ShopSettings


@dataclass(frozen=True, slots=True)
class Template:
    """What a new project starts from."""

    name: str
    """What the user types."""
    purpose: str
    """Which files it is for, in a few words."""
    sources: str
    """TOML of its sources; ``{path}`` stands for where the files lie, other braces are doubled."""
    adapter: str | None
    """Adapter of its first source."""
    currency: str | None = None
    timezone: str | None = None
    """Those of the shop, where the data settles them."""
    complete_through: str | None = None
    """Last date up to which its orders are complete, where the data set ends with a few stray ones."""
    is_data_set: bool = False
    """Whether its files are there before the project is made; ``init`` says so where they are not."""
    files: tuple[str, ...] = ()
    """Names of files that all have to be there, without compression."""


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

CLICKSTREAM = Template(
    "clickstream",
    "event files (JSON or Parquet), or CSV files of REES46",
    """
# Product-analytics events as JSON lines, JSON arrays or Parquet (.gz, .zst and .zip too); files named catalog*
# and users* hold product and user versions.
[[sources]]
name = "clicks"
adapter = "event_stream"
path = {path}                   # file, folder or glob; relative to this file's folder
"""
    + _MAPPED,
    adapter="event_stream",
)

MARKETPLACE = Template(
    "marketplace",
    "events and orders of one shop (JSON or Parquet)",
    """
# JSON lines, JSON arrays or Parquet (.gz, .zst and .zip too). A file's name says what it holds: catalog*, users*,
# orders*, order_items*, payments*, reviews*, sellers*, categories*; any other name holds events.
[[sources]]
name = "shop"
adapter = "event_stream"
path = {path}                   # file, folder or glob; relative to this file's folder
"""
    + _MAPPED,
    adapter="event_stream",
)

REES46 = Template(
    "rees46",
    "clickstream CSV files of REES46",
    """
# Monthly CSV files with the columns of the REES46 data sets.
[[sources]]
name = "clicks"
adapter = "rees46"
path = {path}                   # file, folder or glob; relative to this file's folder
"""
    + _MAPPED,
    adapter="rees46",
)

OLIST = Template(
    "olist",
    "the nine CSV files of the Olist marketplace",
    """
# The nine CSV files of the Brazilian marketplace data set (.gz, .zst and .zip too), told apart by their names.
[[sources]]
name = "marketplace"
adapter = "olist"
path = {path}                   # file, folder or glob; relative to this file's folder
timezone = "America/Sao_Paulo"  # the files' times state no zone; the shop's own keeps their days
"""
    + _MAPPED,
    adapter="olist",
    currency="BRL",
    timezone="America/Sao_Paulo",
    complete_through="2018-08-31",
    is_data_set=True,
    files=tuple(OLIST_FILES),
)

ONLINE_RETAIL = Template(
    "online-retail",
    "invoices of the UCI data sets (CSV or XLSX)",
    """
# Invoice lines of the UCI data sets "Online Retail" and "Online Retail II": CSV (.gz, .zst and .zip too) or XLSX,
# which needs the extra "excel". A CSV that is no UTF-8 is read as Latin-1.
[[sources]]
name = "invoices"
adapter = "online_retail"
path = {path}                   # file, folder or glob; relative to this file's folder
timezone = "Europe/London"      # the files' times state no zone; the shop's own keeps their days
"""
    + _MAPPED,
    adapter="online_retail",
    currency="GBP",
    timezone="Europe/London",
    is_data_set=True,
)

BLANK = Template("blank", "a shop that names no source yet", _MAPPED, adapter=None)

TEMPLATES: tuple[Template, ...] = (CLICKSTREAM, REES46, MARKETPLACE, OLIST, ONLINE_RETAIL, BLANK)
"""Every template, in the order of the help."""

BY_NAME = {template.name: template for template in TEMPLATES}

if len(BY_NAME) != len(TEMPLATES):
    raise RuntimeError("two templates share a name")

_HEAD = """\
# The settings of one shop. Everything commented out shows its default.

[shop]
name = {name}
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

{orders_head}
# canceled_statuses = {canceled_statuses}

# [experiment]
# assignment = "{experiment.assignment}"         # "stated" by the events, "md5_parity" of the user id, or "none"

# [[experiments]]               # as many as there are; "shopwright experiment --help" tells what can be done with them
# name = "checkout"
# hypothesis = "A one-page checkout makes more visitors buy"
# start = 2025-03-01
# end = 2025-03-31
# variants = {{ control = 1, treatment = 1 }}
# primary_metric = "conversion_rate"
# guardrails = [{{ metric = "abandonment_rate", worst_change = 0.03 }}]

# [models]                      # "shopwright models list" tells which there are
# run = []                      # such as ["churn"]: those that "shopwright run" trains on new data, and scores with
# trials = {models.trials}                                   # settings tried for each candidate

# [service]                     # "shopwright serve"; its guide tells the other limits
# medium_risk = {service.medium_risk}             # probability from which on a cart's risk is medium, and high
# high_risk = {service.high_risk}
# requests_per_second = {service.requests_per_second}   # that one key may send
# cors_origins = []             # such as ["https://shop.example.com"]: pages that may call it from a browser

# [collector]
# keep_days = 30                # delete collected segments so long after they were ingested; kept for good where not given

# [engine]
# threads = 2                   # all cores where not given
# memory_limit = "{engine.memory_limit}"          # beyond it the engine spills to disk
"""


def find_template(name: str) -> Template:
    """The template of that name.

    Raises:
        ConfigurationError: there is none; the message lists what there is.
    """
    if name not in BY_NAME:
        raise ConfigurationError(
            f"no template '{name}'{near_match(name, BY_NAME)} (known: {', '.join(BY_NAME)})"
        )
    return BY_NAME[name]


def render(template: Template, *, name: str, path: str) -> str:
    """The text of ``shopwright.toml``.

    Args:
        template: what the project starts from.
        name: the shop's name.
        path: where the files of its source lie.
    """
    defaults = Settings()
    # a JSON string is a TOML string
    text = _HEAD + _shop(template) + template.sources + _TAIL
    return text.format(
        name=json.dumps(name, ensure_ascii=False),
        path=json.dumps(path, ensure_ascii=False),
        orders_head=_orders_head(template),
        canceled_statuses=json.dumps(list(defaults.orders.canceled_statuses)),
        **{section: getattr(defaults, section) for section in type(defaults).model_fields},
    )


def _shop(template: Template) -> str:
    """The shop's currency and zone, commented out where they are the defaults."""
    default = ShopSettings()
    currency = _setting("currency", template.currency, default.currency)
    timezone = _setting("timezone", template.timezone, default.timezone)
    return (
        f"{currency}  # ISO 4217 code of amounts that state none\n"
        f"{timezone}  # the zone in which a day begins and ends\n"
    )


def _orders_head(template: Template) -> str:
    """The head of the section on orders, with the date on which the data set ceases to be whole."""
    if template.complete_through is None:
        return (
            "# [orders]                      # also complete_through, for an export that thins out at its end"
        )
    return f"[orders]\ncomplete_through = {template.complete_through}   # what follows are a few stray orders"


def _setting(name: str, given: str | None, default: str) -> str:
    line = f"{name} = {json.dumps(given or default)}"
    return f"{line if given else '# ' + line:<30}"
