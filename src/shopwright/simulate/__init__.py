"""A synthetic shop with known truth, for demos, tests and proofs.

``simulate(config, out)`` invents a catalog, its shoppers and what they do, and writes it as the raw exports that the
adapters read, beside ``truth.json``: everything it was made from, so that a later step can prove it recovers it.

Belongs here: how shoppers behave, what the exports look like, and how exports go wrong (dirt). Does not belong
here: reading the exports (``ingest``), or any judgement on them (``warehouse``, ``experiments``, ``models``).

The middle is pure: ``catalog``, ``users``, ``visits``, ``journeys``, ``events``, ``shop`` and ``dirt`` turn values and
a random generator into arrays and never touch a file or a clock, and so does ``sales``, the order side. ``run`` drives them span by span, so memory follows
the busiest month and not the shop, and ``writers`` is the one place that writes files.

Layout of the output, by format::

    rees46          2025-Jan.csv, 2025-Feb.csv ...        one CSV a month, whole seconds
    event_stream    events/2025-01.jsonl ...              one file a month, milliseconds
                    catalog.jsonl                         one line per price of a product
                    users.jsonl                           one line per version of a profile
    marketplace     as event_stream, the same bytes, and
                    sellers.jsonl                         one line per seller
                    orders/orders-2025-01.jsonl ...       one file a month, as exported at its end: new orders,
                                                          and older ones again whose status has changed
                    orders/order_items-2025-01.jsonl ...  and payments, reviews: one file a month of what is new
    all             truth.json
                    truth/decisions.parquet               the true chance of buying of each session that ended with
                                                          something in the cart

With ``traits`` (what is ordinary in exports of real shops)::

    marketplace     orders/refunds-2025-01.jsonl ...      refunds of the month, with the trait refunds
                    exchange_rates.jsonl                  daily rates, with the trait currencies
    all             truth/persons.parquet ...             what is right about the export (``traits.truth_files``)

Text files end in ``.gz`` or ``.zst`` when asked; but for rees46, files can be Parquet instead of JSON lines.
The same configuration gives the same bytes.
"""

from shopwright.simulate.config import Dirt, SimulationConfig
from shopwright.simulate.run import Simulation, simulate

__all__ = ["Dirt", "Simulation", "SimulationConfig", "simulate"]
