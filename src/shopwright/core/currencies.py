"""Orders of magnitude of currencies, for limits of amounts that hold in all of them."""

from __future__ import annotations

MAGNITUDES = {
    100: "ALL AMD AOA BDT CLP CRC DJF DZD ETB GYD HTG HUF ISK JMD JPY KES KMF KZT LKR NPR PKR RSD SDG SOS SSP XAF XOF XPF YER",
    1_000: "ARS BIF CDF COP IQD KHR KRW MGA MMK MNT MWK NGN PYG RWF TZS UGX",
    10_000: "GNF IDR IRR LAK LBP SLL STD SYP UZS VND",
}
"""Power of ten to the currencies of which one US dollar bought about that many units, or more, in 2025; 1 for all others.

The greatest is such that the amounts of an order add up in 64 bits even where each is at its limit.

Market rates move, and a limit of amounts needs no more than their order of magnitude.
"""

_BY_CURRENCY = {currency: size for size, names in MAGNITUDES.items() for currency in names.split()}


def magnitude(currency: str) -> int:
    """Return the order of magnitude of a currency's amounts.

    Args:
        currency: ISO 4217 code in capital letters.

    Example:
        >>> magnitude("EUR"), magnitude("VND")
        (1, 10000)
    """
    return _BY_CURRENCY.get(currency, 1)
