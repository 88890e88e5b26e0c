"""Invoices of the UCI data set "Online Retail" and its sequel: one line per product and invoice, CSV or XLSX.

Format: https://archive.ics.uci.edu/dataset/352/online+retail and /502/online+retail+ii. The copies in circulation
differ in encoding (UTF-8, Latin-1), dates (``2010-12-01 08:26:00``, ``12/1/2010 8:26``), column names
(``InvoiceNo`` or ``Invoice`` ...) and customer ids (``17850`` or ``17850.0``); all of them are read. Lines are not
numbered, and 5,268 of them equal another line of their invoice: they are kept as copies, since each was charged.
``invoice_rules`` decides the kind of a line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopwright.contracts import BY_NAME
from shopwright.ingest.adapters.invoice_rules import COLUMNS as RULE_COLUMNS
from shopwright.ingest.adapters.invoice_rules import kind_sql, rule_sql
from shopwright.ingest.adapters.mapping import (
    DATA_ENDINGS,
    WORKBOOK_ENDING,
    Adapter,
    CsvShape,
    Field,
    FileKind,
    Mapping,
    column,
    states_whole_orders,
)

if TYPE_CHECKING:
    from shopwright.settings import SourceSettings

COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)
SYNONYMS = {"Invoice": "InvoiceNo", "Price": "UnitPrice", "Customer ID": "CustomerID"}
"""Column names in the sequel, to those of the first data set."""

# the format with a two-digit year comes first: the other one would read such a year as the year 10
TIMESTAMP_FORMATS = ("%Y-%m-%d %H:%M:%S", "%m/%d/%y %H:%M", "%m/%d/%Y %H:%M")

FIELDS = {
    "order_id": column("InvoiceNo"),
    "product_id": column("StockCode"),
    "product_name": column("Description"),
    "kind": Field(columns=RULE_COLUMNS, sql=kind_sql()),
    "kind_rule": Field(columns=RULE_COLUMNS, sql=rule_sql()),
    "quantity": column("Quantity"),
    "unit_price": column("UnitPrice"),
    "ordered_at": column("InvoiceDate"),
    "customer_id": Field(columns=("CustomerID",), sql="regexp_replace(trim(CustomerID), '[.]0+$', '')"),
    "ship_country": column("Country"),
}


def _mapping_for(source: SourceSettings, file_name: str) -> Mapping:
    entity = BY_NAME["order_items"]
    return Mapping(
        entity=entity,
        kind=FileKind.XLSX if file_name.casefold().endswith(WORKBOOK_ENDING) else FileKind.CSV,
        fields=FIELDS,
        csv=CsvShape(synonyms=SYNONYMS),
        required_columns=COLUMNS,
        timestamp_formats=source.timestamp_formats or TIMESTAMP_FORMATS,
        timezone=source.timezone,
        encoding=source.encoding,
        fallback_encoding="latin-1",
        counts_copies=True,
        keeps_signs=True,
        states_whole_orders=states_whole_orders(source, entity, default=True),
    )


ONLINE_RETAIL = Adapter(
    "online_retail",
    "invoice lines of the UCI data sets, CSV or XLSX",
    _mapping_for,
    endings=(*DATA_ENDINGS, WORKBOOK_ENDING),
    has_events=False,
    entities=("order_items",),
)
