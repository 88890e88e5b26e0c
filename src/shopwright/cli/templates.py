"""Templates of the commented ``shopwright.toml`` that ``init`` writes, one for each kind of shop."""

from __future__ import annotations

import json
from dataclasses import dataclass

from shopwright.core.errors import ConfigurationError, near_match
from shopwright.ingest.adapters.olist import FILES as OLIST_FILES
from shopwright.settings import Settings, ShopSettings


@dataclass(frozen=True, slots=True)
class Template:
    """Initial settings of a new project."""

    name: str
    """Value of the option ``--template``."""
    purpose: str
    """Which files it is for, in a few words."""
    sources: str
    """TOML of its sources; ``{path}`` stands for the path of the files, other braces are doubled."""
    adapter: str | None
    """Adapter of its first source."""
    currency: str | None = None
    timezone: str | None = None
    """Currency and time zone of the shop, where the data set determines them."""
    complete_through: str | None = None
    """Last date with complete orders, where the data set ends with a few stray ones."""
    is_data_set: bool = False
    """Whether it is for a published data set; ``init`` then warns if files are missing."""
    files: tuple[str, ...] = ()
    """Names of the data set's required files, without compression."""


_MAPPED = """
# Any other CSV, JSON or Parquet file, by its column names. This example has no header line.
# [[sources]]
# name = "more_clicks"
# adapter = "mapped"
# path = "more/*.csv"
# header = false
# columns = ["event_time", "event_type", "product_id", "category_id", "category_code", "brand", "price",
#            "user_id", "user_session"]
# timestamp_formats = ["%Y-%m-%d %H:%M:%S UTC"]
# [sources.map]                 # canonical column = column of the file, {{ value = ".." }} or {{ sql = ".." }}
# event_at = "event_time"
# event_type = "event_type"
# user_id = "user_id"
# session_hint = "user_session"
# product_id = "product_id"
# category = "category_code"
# brand = "brand"
# price = "price"
# [sources.privacy]             # what is dropped or hashed before it is stored; everything is kept by default
# user_id = "hash"
# [sources.event_types]         # event type in the file = canonical event type
# view = "product_view"
# cart = "add_to_cart"
"""

CLICKSTREAM = Template(
    "clickstream",
    "event files (JSON or Parquet), or CSV files of REES46",
    """
# Product-analytics events as JSON lines, JSON arrays or Parquet (also .gz, .zst and .zip). Files named catalog* and
# users* contain products and users.
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
    "events and orders (JSON or Parquet)",
    """
# JSON lines, JSON arrays or Parquet (also .gz, .zst and .zip). A file's name says what it contains: catalog*, users*,
# orders*, order_items*, payments*, reviews*, sellers*, categories*; all other files contain events.
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
# The nine CSV files of the Brazilian marketplace data set (also .gz, .zst and .zip), identified by their names.
[[sources]]
name = "marketplace"
adapter = "olist"
path = {path}                   # file, folder or glob; relative to this file's folder
timezone = "America/Sao_Paulo"  # zone of the files' times, which state none; use the shop's, so that days match
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
# Invoice lines of the UCI data sets "Online Retail" and "Online Retail II": CSV (also .gz, .zst and .zip) or XLSX,
# which needs the extra "excel". A CSV file that is not UTF-8 is read as Latin-1.
[[sources]]
name = "invoices"
adapter = "online_retail"
path = {path}                   # file, folder or glob; relative to this file's folder
timezone = "Europe/London"      # zone of the files' times, which state none; use the shop's, so that days match
"""
    + _MAPPED,
    adapter="online_retail",
    currency="GBP",
    timezone="Europe/London",
    is_data_set=True,
)

BLANK = Template("blank", "no source yet", _MAPPED, adapter=None)

TEMPLATES: tuple[Template, ...] = (CLICKSTREAM, REES46, MARKETPLACE, OLIST, ONLINE_RETAIL, BLANK)
"""All templates, in the order of the help."""

BY_NAME = {template.name: template for template in TEMPLATES}

if len(BY_NAME) != len(TEMPLATES):
    raise RuntimeError("two templates share a name")

_HEAD = """\
# Settings of one shop. Lines that are commented out show the defaults.

[shop]
name = {name}
"""

_TAIL = """
# [ingest]
# max_record_bytes = {ingest.max_record_bytes}   # longer records are quarantined
# max_future_hours = {ingest.max_future_hours}        # rows with times further in the future are quarantined

# [sessions]
# gap_minutes = {sessions.gap_minutes}             # minutes without an event after which a new session starts

# [bots]                        # sessions of bots are flagged and excluded from rates
# min_events = {bots.min_events}              # sessions with fewer events are never flagged
# max_mean_gap_seconds = {bots.max_mean_gap_seconds}   # seconds between events, on average; faster sessions are flagged
# min_views_without_cart = {bots.min_views_without_cart} # product views; sessions with as many and no add-to-cart are flagged

{orders_head}
# canceled_statuses = {canceled_statuses}

# [experiment]
# assignment = "{experiment.assignment}"         # "stated" in the events, "md5_parity" of the user id, or "none"

# [[experiments]]               # one section for each experiment; see `shopwright experiment --help`
# name = "checkout"
# hypothesis = "A one-page checkout makes more users buy"
# start = 2025-03-01
# end = 2025-03-31
# variants = {{ control = 1, treatment = 1 }}
# primary_metric = "conversion_rate"
# guardrails = [{{ metric = "cart_abandonment_rate", worst_change = 0.03 }}]

# [models]                      # `shopwright models list` lists them
# run = []                      # models that `shopwright run` trains and scores with, such as ["churn"]
# trials = {models.trials}                  # hyperparameter settings to try for each candidate

# [service]                     # of `shopwright serve`; see its guide for other limits
# medium_risk = {service.medium_risk}             # a cart with at least this probability has medium risk
# high_risk = {service.high_risk}               # a cart with at least this probability has high risk
# requests_per_second = {service.requests_per_second}   # limit per key
# cors_origins = []             # pages that may call it from a browser, such as ["https://shop.example.com"]

# [collector]
# keep_days = 30                # delete collected segments this long after they were ingested; without it they are kept

# [engine]
# threads = 2                   # without it, all cores
# memory_limit = "{engine.memory_limit}"          # beyond it the engine spills to disk
"""


def find_template(name: str) -> Template:
    """Return the template with this name.

    Raises:
        ConfigurationError: there is none; the message lists the available ones.
    """
    if name not in BY_NAME:
        raise ConfigurationError(
            f"no template '{name}'{near_match(name, BY_NAME)} (available: {', '.join(BY_NAME)})"
        )
    return BY_NAME[name]


def render(template: Template, *, name: str, path: str) -> str:
    """Return the text of ``shopwright.toml``.

    Args:
        template: what the project starts from.
        name: the shop's name.
        path: path of its source's files.
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
    """Return the shop's currency and time zone, commented out if they are the defaults."""
    default = ShopSettings()
    currency = _setting("currency", template.currency, default.currency)
    timezone = _setting("timezone", template.timezone, default.timezone)
    return (
        f"{currency}  # ISO 4217 code of amounts without a currency\n"
        f"{timezone}  # time zone in which days begin and end\n"
    )


def _orders_head(template: Template) -> str:
    """Return the head of the section on orders, with the last date on which the data set is complete."""
    if template.complete_through is None:
        return "# [orders]                      # set complete_through if the last days of an export are incomplete"
    return f"[orders]\ncomplete_through = {template.complete_through}   # only a few stray orders are later"


def _setting(name: str, value: str | None, default: str) -> str:
    line = f"{name} = {json.dumps(value or default)}"
    return f"{line if value else '# ' + line:<30}"
