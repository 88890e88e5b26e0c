"""Reference data: customers, products, categories, sellers, places, and prices of other shops."""

from __future__ import annotations

from shopwright.contracts.events import MAX_PRICE, MAX_TIMESTAMP, MIN_TIMESTAMP
from shopwright.contracts.schema import Column, Entity, Kind

VALID_FROM = Column(
    "valid_from",
    Kind.TIMESTAMP,
    "From when this version is valid, according to the source; empty where the source does not say.",
    unit="UTC",
    minimum=MIN_TIMESTAMP,
    maximum=MAX_TIMESTAMP,
)

PROPERTIES = Column(
    "properties", Kind.JSON, "All other fields of the source, as one JSON object.", is_personal=True
)

CUSTOMERS = Entity(
    name="customers",
    grain="one version of a customer",
    key=("customer_id", "valid_from"),
    time_column="valid_from",
    columns=(
        Column(
            "customer_id",
            Kind.PERSON_ID,
            "The customer; the same id as `user_id` of events.",
            required=True,
            is_personal=True,
        ),
        Column(
            "person_id",
            Kind.PERSON_ID,
            "The person behind the customer, where the source creates a new customer for each order.",
            is_personal=True,
        ),
        VALID_FROM,
        Column(
            "signed_up_at",
            Kind.TIMESTAMP,
            "When the account was created.",
            unit="UTC",
            minimum=MIN_TIMESTAMP,
            maximum=MAX_TIMESTAMP,
        ),
        Column("country", Kind.TEXT, "Country of residence, as the source writes it."),
        Column("region", Kind.TEXT, "State or region."),
        Column("city", Kind.TEXT, "City.", is_personal=True),
        Column(
            "zip_prefix",
            Kind.TEXT,
            "Leading part of the postal code; text, since it may start with 0.",
            is_personal=True,
        ),
        Column("segment", Kind.TEXT, "Segment or plan that the shop assigned."),
        Column("is_subscribed", Kind.BOOLEAN, "Whether the customer agreed to marketing messages."),
        PROPERTIES,
    ),
)

CONSENT_CHANNELS = ("email", "sms", "push", "post", "ads", "analytics")

CONSENTS = Entity(
    name="consents",
    grain="one statement of a customer about a channel",
    key=("customer_id", "channel", "changed_at"),
    time_column="changed_at",
    columns=(
        Column("customer_id", Kind.PERSON_ID, "The customer.", required=True, is_personal=True),
        Column(
            "channel",
            Kind.TEXT,
            "What for: messages by one of these ways, advertising by others, or measuring behavior.",
            required=True,
            allowed=CONSENT_CHANNELS,
        ),
        Column(
            "is_given",
            Kind.BOOLEAN,
            "Whether the customer agreed; false where it was withdrawn.",
            required=True,
        ),
        Column(
            "changed_at",
            Kind.TIMESTAMP,
            "When it was given or withdrawn; the latest statement counts. Empty where the source does not say: then the last "
            "one to arrive.",
            unit="UTC",
            minimum=MIN_TIMESTAMP,
            maximum=MAX_TIMESTAMP,
        ),
        PROPERTIES,
    ),
)

PRODUCTS = Entity(
    name="products",
    grain="one version of a product",
    key=("product_id", "valid_from"),
    time_column="valid_from",
    columns=(
        Column("product_id", Kind.ID, "The product; the same id as in events.", required=True),
        VALID_FROM,
        Column("name", Kind.TEXT, "Name that shoppers see."),
        Column("category_id", Kind.ID, "Category id."),
        Column("category", Kind.TEXT, "Category path, with levels separated by dots."),
        Column("brand", Kind.TEXT, "Brand."),
        Column(
            "price",
            Kind.MONEY,
            "List price of one unit from `valid_from` on.",
            unit="`currency`",
            minimum="0",
            maximum=MAX_PRICE,
        ),
        Column("currency", Kind.CURRENCY, "ISO 4217 code; empty means the shop's currency."),
        Column(
            "unit_cost",
            Kind.PRICE,
            "What one unit costs the shop from `valid_from` on.",
            unit="`currency`",
            minimum="0",
            maximum=MAX_PRICE,
        ),
        Column(
            "stock_quantity",
            Kind.QUANTITY,
            "Units in stock at `valid_from`; negative where more was sold than there was.",
            unit="units",
            minimum="-1000000000",
            maximum="1000000000",
        ),
        Column("status", Kind.TEXT, "Status as the source writes it, such as active, draft or archived."),
        Column("tags", Kind.TEXT, "Tags as the source writes them, such as separated by commas."),
        PROPERTIES,
    ),
)

CATEGORIES = Entity(
    name="categories",
    grain="one name of a category",
    key=("category",),
    columns=(
        Column("category", Kind.TEXT, "Category as in `products`.", required=True),
        Column("name", Kind.TEXT, "Name that reports show instead.", required=True),
    ),
)

SELLERS = Entity(
    name="sellers",
    grain="one version of a seller",
    key=("seller_id", "valid_from"),
    time_column="valid_from",
    columns=(
        Column("seller_id", Kind.ID, "The seller.", required=True),
        VALID_FROM,
        Column(
            "zip_prefix",
            Kind.TEXT,
            "Leading part of the postal code; text, since it may start with 0.",
            is_personal=True,
        ),
        Column("city", Kind.TEXT, "City.", is_personal=True),
        Column("region", Kind.TEXT, "State or region."),
        Column("country", Kind.TEXT, "Country."),
        PROPERTIES,
    ),
)

PLACES = Entity(
    name="places",
    grain="one location of a postal code",
    key=("zip_prefix", "latitude", "longitude"),
    is_list=True,
    columns=(
        Column("zip_prefix", Kind.TEXT, "Leading part of the postal code.", required=True),
        Column("latitude", Kind.NUMBER, "Latitude.", unit="degrees", minimum="-90", maximum="90"),
        Column("longitude", Kind.NUMBER, "Longitude.", unit="degrees", minimum="-180", maximum="180"),
        Column("city", Kind.TEXT, "City."),
        Column("region", Kind.TEXT, "State or region."),
        Column("country", Kind.TEXT, "Country."),
    ),
)

COMPETITOR_PRICES = Entity(
    name="competitor_prices",
    grain="one price observed at another shop",
    key=("seen_at", "site", "product_reference"),
    time_column="seen_at",
    columns=(
        Column(
            "seen_at",
            Kind.TIMESTAMP,
            "When the price was observed.",
            unit="UTC",
            required=True,
            minimum=MIN_TIMESTAMP,
            maximum=MAX_TIMESTAMP,
        ),
        Column("site", Kind.TEXT, "The other shop.", required=True),
        Column("product_reference", Kind.TEXT, "The other shop's name of the product.", required=True),
        Column(
            "price",
            Kind.MONEY,
            "The price observed.",
            unit="`currency`",
            required=True,
            minimum="0",
            maximum=MAX_PRICE,
        ),
        Column("currency", Kind.CURRENCY, "ISO 4217 code; empty means the shop's currency."),
        PROPERTIES,
    ),
)
