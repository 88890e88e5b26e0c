"""What shoppers do: events and experiment exposures."""

from __future__ import annotations

from shopwright.contracts.schema import Column, Entity, Kind, Rule

EVENT_TYPES = (
    "page_view",
    "product_view",
    "search",
    "add_to_cart",
    "remove_from_cart",
    "begin_checkout",
    "purchase",
)

MIN_TIMESTAMP, MAX_TIMESTAMP = "2000-01-01 00:00:00", "2099-12-31 23:59:59"
"""No online shop's event is older or younger; a date outside is a broken clock or an unset field."""

MAX_PRICE = "1000000"
"""Above this a unit price is taken for an error of the export."""

_EVENT_ID = (
    "coalesce(source_event_id, md5(concat_ws(chr(31), epoch_us(event_at), event_type, user_id, "
    "coalesce(session_hint, ''), coalesce(product_id, ''), coalesce(price::varchar, ''), "
    "coalesce(quantity::varchar, ''), coalesce(order_id, ''), coalesce(category_id, ''), "
    "coalesce(category, ''), coalesce(brand, ''), coalesce(properties, ''))))"
)

EVENTS = Entity(
    name="events",
    grain="one action of a shopper",
    key=("event_id",),
    time_column="event_at",
    columns=(
        Column(
            "event_id",
            Kind.TEXT,
            "Identifies the event: the source's own id or, where it has none, the MD5 of what the event says. "
            "Computed on read: stored, it would double the lake.",
            derived=_EVENT_ID,
        ),
        Column("source_event_id", Kind.TEXT, "The event's id as the source states it."),
        Column(
            "event_at",
            Kind.TIMESTAMP,
            "When it happened.",
            unit="UTC",
            required=True,
            minimum=MIN_TIMESTAMP,
            maximum=MAX_TIMESTAMP,
        ),
        Column("event_type", Kind.TEXT, "What was done.", required=True, allowed=EVENT_TYPES),
        Column("user_id", Kind.TEXT, "Who did it: a customer, or a visitor's cookie.", required=True),
        Column(
            "session_hint",
            Kind.TEXT,
            "The source's own session id. Kept for reference; sessions are derived from gaps in time.",
        ),
        Column("product_id", Kind.TEXT, "The product acted on."),
        Column("product_name", Kind.TEXT, "The product's name as stated with the event."),
        Column("category_id", Kind.TEXT, "The product's category id as stated with the event."),
        Column("category", Kind.TEXT, "The product's category path, levels separated by dots."),
        Column("brand", Kind.TEXT, "The product's brand as stated with the event."),
        Column(
            "price",
            Kind.MONEY,
            "Price of one unit. Zero is a price (a gift, a sample); empty is unknown.",
            unit="`currency`",
            minimum="0",
            maximum=MAX_PRICE,
        ),
        Column(
            "quantity", Kind.INTEGER, "Units; empty means one.", unit="units", minimum="1", maximum="1000000"
        ),
        Column("currency", Kind.TEXT, "ISO 4217 code; empty means the shop's currency."),
        Column("order_id", Kind.TEXT, "The order a purchase belongs to, where the source states one."),
        Column("experiment_group", Kind.TEXT, "The experiment variant the source stated with the event."),
        Column("device", Kind.TEXT, "Kind of device, such as desktop, mobile or tablet."),
        Column("country", Kind.TEXT, "Country of the shopper, as the source writes it."),
        Column("channel", Kind.TEXT, "Marketing channel the visit came through."),
        Column("page_url", Kind.TEXT, "Address of the page."),
        Column("search_query", Kind.TEXT, "What was searched for."),
        Column("properties", Kind.JSON, "Everything else the source stated, as one JSON object."),
    ),
    rules=(
        Rule(
            "product_id_missing",
            "event_type not in ('product_view', 'add_to_cart', 'remove_from_cart') or product_id is not null",
            "An event about a product names the product.",
        ),
        Rule(
            "price_missing",
            "event_type <> 'purchase' or price is not null",
            "A purchase has a price, which may be zero.",
        ),
    ),
)

EXPOSURES = Entity(
    name="exposures",
    grain="one unit seen by an experiment",
    key=("experiment", "unit_id", "variant", "exposed_at"),
    time_column="exposed_at",
    columns=(
        Column("experiment", Kind.TEXT, "Name of the experiment.", required=True),
        Column("unit_id", Kind.TEXT, "The user or session that was exposed.", required=True),
        Column("variant", Kind.TEXT, "The variant it saw.", required=True),
        Column(
            "exposed_at",
            Kind.TIMESTAMP,
            "When it first saw it.",
            unit="UTC",
            required=True,
            minimum=MIN_TIMESTAMP,
            maximum=MAX_TIMESTAMP,
        ),
        Column("properties", Kind.JSON, "Everything else the source stated, as one JSON object."),
    ),
)
