"""Behavior of shoppers: events and exposures to experiments."""

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

OTHER = "other"
"""Type of an event whose own type is none of these: it is kept, and its column ``event_name`` says what it was."""

MIN_TIMESTAMP, MAX_TIMESTAMP = "1970-01-01 00:00:01", "2099-12-31 23:59:59"
"""Limits of all times, UTC, unless the settings narrow them. The first second of 1970 is how systems write an unset time."""

MAX_PRICE = "100000000"
"""Limit of an amount in currencies such as USD, and that many times the order of magnitude of others; above it, the amount is
treated as an error of the export."""

MAX_VALUE = "100000000"
"""Limit of an amount of a whole event, such as the total of an order."""

MAX_LINE_AMOUNT = "1000000000000"
"""Limit of price times quantity in any currency; dbt's macro ``largest_amount`` holds the same."""

LATER_COLUMNS = (
    "visitor_id",
    "referrer",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
    "gclid",
    "fbclid",
    "msclkid",
    "list_position",
    "value",
    "tax",
    "shipping",
    "coupon",
    "consent",
    "event_name",
)
"""Columns that the contract gained after the first events were loaded, in the order in which the event id names them."""

# Bronze computes it. Ids are compared with those of data loaded before, so it may not change: a later column is part of the
# id only where it has a value.
_EVENT_ID = (
    "coalesce(source_event_id, md5(concat_ws(chr(31), epoch_us(event_at), event_type, coalesce(user_id, ''), "
    "coalesce(session_hint, ''), coalesce(product_id, ''), coalesce(price::varchar, ''), "
    "coalesce(quantity::varchar, ''), coalesce(order_id, ''), coalesce(category_id, ''), "
    "coalesce(category, ''), coalesce(brand, ''), coalesce(properties, ''), "
    + ", ".join(f"'{name}=' || {name}::varchar" for name in LATER_COLUMNS)
    + ")))"
)

EVENTS = Entity(
    name="events",
    grain="one action of a shopper",
    key=("event_id",),
    optional_key="source_event_id",
    time_column="event_at",
    identifying=("user_id", "visitor_id"),
    columns=(
        Column(
            "event_id",
            Kind.TEXT,
            "Identifies the event: the source's own id or, without one, the MD5 of its other columns. "
            "Computed on read, since it would double the size of the lake.",
            derived=_EVENT_ID,
        ),
        Column("source_event_id", Kind.ID, "The event's id in the source."),
        Column(
            "event_at",
            Kind.TIMESTAMP,
            "When it happened.",
            unit="UTC",
            required=True,
            minimum=MIN_TIMESTAMP,
            maximum=MAX_TIMESTAMP,
        ),
        Column(
            "event_type",
            Kind.TEXT,
            "What the user did. Any other type of the source becomes `other`, and is kept in `event_name`.",
            required=True,
            allowed=(*EVENT_TYPES, OTHER),
            fallback=OTHER,
        ),
        Column(
            "event_name",
            Kind.TEXT,
            "The source's own type of an event whose `event_type` is `other`.",
        ),
        Column(
            "user_id",
            Kind.PERSON_ID,
            "The known user: a customer's id. Empty while the visitor is anonymous; then `visitor_id` has a value.",
            is_personal=True,
        ),
        Column(
            "visitor_id",
            Kind.PERSON_ID,
            "The device or browser: a cookie or an app's installation. Its anonymous events are given to the user who is "
            "known on it.",
            is_personal=True,
        ),
        Column(
            "session_hint",
            Kind.ID,
            "The source's own session id. For reference only; sessions are derived from gaps in time.",
            is_personal=True,
        ),
        Column("product_id", Kind.ID, "The product of the event."),
        Column("product_name", Kind.TEXT, "The product's name in the event."),
        Column("category_id", Kind.ID, "The product's category id in the event."),
        Column("category", Kind.TEXT, "The product's category path, with levels separated by dots."),
        Column("brand", Kind.TEXT, "The product's brand in the event."),
        Column(
            "price",
            Kind.MONEY,
            "Price of one unit. Zero is a valid price (a gift, a sample); empty means unknown.",
            unit="`currency`",
            minimum="0",
            maximum=MAX_PRICE,
        ),
        Column(
            "quantity", Kind.INTEGER, "Units; empty means one.", unit="units", minimum="1", maximum="1000000"
        ),
        Column("currency", Kind.CURRENCY, "ISO 4217 code; empty means the shop's currency."),
        Column("order_id", Kind.ORDER_ID, "The order of a purchase, where the source has one."),
        Column("experiment_group", Kind.TEXT, "The experiment variant in the event."),
        Column("device", Kind.TEXT, "Type of device, such as desktop, mobile or tablet."),
        Column("country", Kind.TEXT, "Country of the shopper, as the source writes it."),
        Column(
            "channel",
            Kind.TEXT,
            "Marketing channel of the session. Empty: the warehouse derives it from click ids and campaign parameters.",
        ),
        Column("page_url", Kind.TEXT, "URL of the page.", is_personal=True),
        Column("search_query", Kind.TEXT, "Text of the search.", is_personal=True),
        Column("referrer", Kind.TEXT, "URL of the page that the visitor came from.", is_personal=True),
        Column("utm_source", Kind.TEXT, "Campaign parameter `utm_source`."),
        Column("utm_medium", Kind.TEXT, "Campaign parameter `utm_medium`."),
        Column("utm_campaign", Kind.TEXT, "Campaign parameter `utm_campaign`."),
        Column("utm_term", Kind.TEXT, "Campaign parameter `utm_term`."),
        Column("utm_content", Kind.TEXT, "Campaign parameter `utm_content`."),
        Column("gclid", Kind.TEXT, "Click id of Google Ads.", is_personal=True),
        Column("fbclid", Kind.TEXT, "Click id of Meta.", is_personal=True),
        Column("msclkid", Kind.TEXT, "Click id of Microsoft Advertising.", is_personal=True),
        Column(
            "list_position",
            Kind.INTEGER,
            "Position of the product in the list that it was seen in.",
            minimum="0",
            maximum="1000000",
        ),
        Column(
            "value",
            Kind.MONEY,
            "Amount of the event, where the source states one: of a purchase that of its line, which counts before price "
            "times quantity. Filled in for a purchase whose price has more than four decimals, so that nothing is rounded "
            "before it is multiplied.",
            unit="`currency`",
            minimum="0",
            maximum=MAX_VALUE,
        ),
        Column("tax", Kind.MONEY, "Tax of a purchase.", unit="`currency`", minimum="0", maximum=MAX_VALUE),
        Column(
            "shipping",
            Kind.MONEY,
            "Shipping of a purchase.",
            unit="`currency`",
            minimum="0",
            maximum=MAX_VALUE,
        ),
        Column("coupon", Kind.TEXT, "Coupon code of the event."),
        Column("consent", Kind.TEXT, "What the visitor consented to, as the source writes it."),
        Column(
            "properties", Kind.JSON, "All other fields of the source, as one JSON object.", is_personal=True
        ),
    ),
    rules=(
        Rule(
            "user_id_missing",
            "user_id is not null or visitor_id is not null",
            "A `user_id` or a `visitor_id` says who it was.",
        ),
        Rule(
            "product_id_missing",
            "event_type not in ('product_view', 'add_to_cart', 'remove_from_cart') or product_id is not null",
            "An event about a product has a product id.",
        ),
        # few events have a quantity, so that the amount of most is never computed
        Rule(
            "amount_out_of_range",
            f"quantity is null or quantity = 1 or price::double * quantity <= {MAX_LINE_AMOUNT}",
            "`price` times `quantity` is at most 1,000,000,000,000 in any currency.",
            follows=("price", "quantity"),
        ),
    ),
)

EXPOSURES = Entity(
    name="exposures",
    grain="one exposure of a unit to a variant",
    key=("experiment", "unit_id", "variant", "exposed_at"),
    time_column="exposed_at",
    columns=(
        Column("experiment", Kind.TEXT, "Name of the experiment.", required=True),
        Column(
            "unit_id",
            Kind.PERSON_ID,
            "The user or session that was exposed.",
            required=True,
            is_personal=True,
        ),
        Column("variant", Kind.TEXT, "The variant that it was shown.", required=True),
        Column(
            "exposed_at",
            Kind.TIMESTAMP,
            "When it was first shown the variant.",
            unit="UTC",
            required=True,
            minimum=MIN_TIMESTAMP,
            maximum=MAX_TIMESTAMP,
        ),
        Column(
            "properties", Kind.JSON, "All other fields of the source, as one JSON object.", is_personal=True
        ),
    ),
)
