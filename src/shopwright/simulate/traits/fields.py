"""Fields that traits add to the rows of an export, or write in another way."""

from __future__ import annotations

from shopwright.simulate.events import FIRST_ORDER
from shopwright.simulate.sales.records import METHODS, STATES
from shopwright.simulate.traits.money import FINE, PRODUCT_GROUPS
from shopwright.simulate.traits.records import CURRENCIES, PAYMENT_STATUSES, UNITS
from shopwright.simulate.users import COUNTRIES
from shopwright.simulate.writers.fields import Field, item, money, or_bad_timestamp, timestamp_field, unless

_IS_FINE = f"product % {PRODUCT_GROUPS} = {FINE}"
_FINE_PRICE = "(cents::DECIMAL(12, 0) * 0.00001::DECIMAL(6, 5))"
_MICRO_PRICE = "(micro::DECIMAL(18, 0) * 0.000001::DECIMAL(7, 6))"
_QUANTITY = "(milli::DECIMAL(15, 0) * 0.001::DECIMAL(4, 3))"
_FOREIGN = {"GB": "GBP", "US": "USD"}


def _number(name: str, value: str, text: str | None = None) -> Field:
    return Field(name, value, text, is_quoted=False)


def _decimal(column: str, exact: str, step: int, shortened: str) -> str:
    """Return SQL of a decimal as text, without zeros at its end where it is a multiple of a step."""
    return f"CASE WHEN {column} % {step} = 0 THEN ({shortened})::VARCHAR ELSE {exact}::VARCHAR END"


TRACKED_EVENT = (
    Field("visitor_id", "visitor_id"),
    Field("user_id", unless("missing_user", "NULL", "CASE WHEN is_known THEN 'u' || user_id END")),
)
FINE_PROPERTIES = {
    "price": f"(CASE WHEN {_IS_FINE} THEN {_FINE_PRICE}::VARCHAR ELSE {money('cents')}::VARCHAR END)",
    "quantity": f"CASE WHEN quantity >= 0 THEN quantity * CASE WHEN {_IS_FINE} THEN 1000 ELSE 1 END END",
}
FINE_PRODUCT = (
    _number(
        "price",
        f"CASE WHEN {_IS_FINE} THEN {_FINE_PRICE} ELSE {money('cents')} END",
        FINE_PROPERTIES["price"],
    ),
)
CURRENCY_PROPERTIES = {
    "currency": "CASE WHEN cents >= 0 THEN '\"' || "
    + item(tuple(_FOREIGN.get(name, CURRENCIES[0]) for name in COUNTRIES), "country")
    + " || '\"' END"
}
CURRENCY = (Field("currency", item(CURRENCIES, "currency")),)

LINE = (
    _number("quantity", _QUANTITY, _decimal("milli", _QUANTITY, 1_000, "milli // 1000")),
    Field("unit", f"nullif({item(UNITS, 'unit')}, '')"),
    _number(
        "unit_price",
        f"CASE WHEN has_price THEN {_MICRO_PRICE} END",
        f"CASE WHEN has_price THEN {_decimal('micro', _MICRO_PRICE, 10_000, money('(micro // 10000)'))} END",
    ),
    _number("line_amount", f"CASE WHEN has_amount THEN {money('amount')} END"),
)
"""Fields of lines that every trait of the order side needs."""
TAXED_LINE = (
    _number("tax_amount", money("tax")),
    _number("is_tax_included", "is_tax_included"),
)
GIFT_CARD_PAYMENT = (
    Field("method", item(tuple("gift_card" if name == "voucher" else name for name in METHODS), "method")),
)
TEST_ORDER = (
    Field("status", f"CASE WHEN is_voided THEN 'voided' ELSE {item(STATES, 'state')} END"),
    _number("is_test", "is_test"),
)
TEST_PAYMENT = (Field("status", item(PAYMENT_STATUSES, "status")),)
ORDER_TOTALS = (
    _number("subtotal_amount", money("subtotal")),
    _number("discount_amount", money("discount")),
    _number("shipping_amount", money("shipping")),
    _number("tax_amount", money("tax")),
    _number("is_tax_included", "is_tax_included"),
    _number("total_amount", money("total")),
)
REFUND = (
    Field("refund_id", f"'f' || (order_number + {FIRST_ORDER})"),
    Field("order_id", f"'o' || (order_number + {FIRST_ORDER})"),
    _number("line_number", "CASE WHEN line >= 0 THEN line END"),
    or_bad_timestamp(timestamp_field("refunded_at", "refunded"), "order_number"),
    Field("product_id", "CASE WHEN product >= 0 THEN product::VARCHAR END"),
    _number(
        "quantity",
        f"CASE WHEN line >= 0 THEN {_QUANTITY} END",
        f"CASE WHEN line >= 0 THEN {_decimal('milli', _QUANTITY, 1_000, 'milli // 1000')} END",
    ),
    _number("line_amount", money("amount")),
    _number("tax_amount", money("tax")),
    _number("shipping_amount", money("shipping")),
    _number("adjustment_amount", money("adjustment")),
)
EXCHANGE_RATE = (
    Field("rate_date", "(DATE '1970-01-01' + day::INTEGER)"),
    Field("currency", item(CURRENCIES, "currency")),
    _number("rate", "(rate::DECIMAL(12, 0) * 0.0001::DECIMAL(5, 4))"),
)


def with_fields(fields: list[Field], additions: tuple[Field, ...]) -> list[Field]:
    """Return fields with some replaced by those of the same name, and new ones at the end."""
    by_name = {field.name: field for field in fields} | {field.name: field for field in additions}
    return list(by_name.values())
