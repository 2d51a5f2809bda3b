"""Prices as shops write them: `19.99 USD`, `$19.99`, `1.299,00 EUR`, `INR 1,29,900`."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from shopsearch.domain import Price
from shopsearch.errors import ProductRejected

# ISO 4217, active codes of money that is used to pay.
_CODES = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN "
    "BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD "
    "FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY "
    "KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP "
    "MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR "
    "RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT "
    "TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER "
    "ZAR ZMW ZWG"  # codespell:ignore zar
)
CURRENCIES = frozenset(_CODES.split())

_SYMBOLS = {
    "$": "USD",
    "US$": "USD",
    "C$": "CAD",
    "CA$": "CAD",
    "A$": "AUD",
    "AU$": "AUD",
    "NZ$": "NZD",
    "HK$": "HKD",
    "S$": "SGD",
    "R$": "BRL",
    "€": "EUR",
    "£": "GBP",
    "¥": "JPY",
    "₹": "INR",
    "RS": "INR",
    "RS.": "INR",
    "₩": "KRW",
    "₽": "RUB",
    "₺": "TRY",
    "₴": "UAH",
    "₫": "VND",
    "฿": "THB",
    "ZŁ": "PLN",
    "KČ": "CZK",
}
_DOLLARS = """
    ARS AUD BBD BMD BND BSD BZD CAD CLP COP FJD GYD HKD JMD KYD LRD MXN NAD NZD SBD SGD SRD TTD TWD
    USD UYU XCD
"""
_RUPEES = {"INR", "LKR", "MUR", "NPR", "PKR", "SCR"}
_SHARED_SYMBOLS = {
    "$": frozenset(_DOLLARS.split()),
    "£": frozenset({"EGP", "FKP", "GBP", "GIP", "LBP", "SDG", "SHP", "SSP", "SYP"}),
    "¥": frozenset({"CNY", "JPY"}),
    "RS": frozenset(_RUPEES),
    "RS.": frozenset(_RUPEES),
    "KR": frozenset({"DKK", "ISK", "NOK", "SEK"}),
}
_MAX_CHARS = 60
_MAX_AMOUNT = Decimal(1_000_000_000_000)
_PRICE = re.compile(
    r"(?P<before>(?:[^\d\s.,+-]+\.?)?)\s*(?P<number>[+-]?[\d.,].*?)\s*(?P<after>(?:[^\d\s.,]+\.?)?)"
)
_GAPS = re.compile(r"[\s'\u2019_]")  # "1 299.00", "1'299.00"
_PLAIN = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,2})?")


def parse_price(text: str, currency: str | None) -> Price | None:
    """The price that a text tells; `currency` is that of a bare number. None for "".

    A comma before exactly three last digits parts thousands; a lone point parts cents. Raises
    `ProductRejected`.
    """
    text = text.strip()
    if not text:
        return None
    match = _PRICE.fullmatch(text) if len(text) <= _MAX_CHARS else None
    if match is None:
        raise _unreadable(text)
    amount = _amount(match["number"], text)
    units = [unit for unit in (match["before"], match["after"]) if unit]
    found = {_currency(unit, currency, text) for unit in units}
    if len(found) > 1:
        raise ProductRejected(f"the price {text!r} names two currencies; give one of them")
    code = next(iter(found), currency)
    if code is None:
        raise ProductRejected(
            f"the price {text!r} names no currency; write it as `19.99 USD`, or say which "
            f"currency bare numbers have with --currency"
        )
    return Price.of(amount, code)


def amount_of(number: str) -> Decimal:
    """A number as people write amounts, as `parse_price` reads it. Raises `ProductRejected`."""
    return _amount(number, number)


def currencies_of(sign: str) -> frozenset[str]:
    """The ISO 4217 codes that a code or sign such as `$` may stand for; none for other words."""
    sign = sign.upper()
    if sign in CURRENCIES:
        return frozenset({sign})
    own = {_SYMBOLS[sign]} if sign in _SYMBOLS else set()
    return _SHARED_SYMBOLS.get(sign, frozenset()) | own


def is_currency(code: str) -> bool:
    """Whether it is an ISO 4217 code, in any case."""
    return code.upper() in CURRENCIES


def _currency(unit: str, fallback: str | None, text: str) -> str:
    unit = unit.upper()
    if unit in CURRENCIES:
        return unit
    if fallback is not None and fallback.upper() in _SHARED_SYMBOLS.get(unit, ()):
        return fallback
    if unit in _SYMBOLS:
        return _SYMBOLS[unit]
    raise ProductRejected(
        f"the price {text!r} has {unit!r} for a currency, which is no ISO 4217 code; "
        f"write it as `19.99 USD`"
    )


def _amount(number: str, text: str) -> Decimal:
    plain = _with_point(_GAPS.sub("", number))
    if not _PLAIN.fullmatch(plain):
        raise _unreadable(text)
    try:
        amount = Decimal(plain)
    except InvalidOperation as error:
        raise _unreadable(text) from error
    if amount < 0:
        raise ProductRejected(f"the price {text!r} is negative; correct it, or leave it empty")
    if amount > _MAX_AMOUNT:
        raise ProductRejected(
            f"the price {text[:60]!r} is over {_MAX_AMOUNT:,}: no price; correct it"
        )
    return amount


def _with_point(number: str) -> str:
    """The number with a decimal point and nothing between its thousands."""
    comma, point = number.rfind(","), number.rfind(".")
    if comma >= 0 and point >= 0:
        last, other = (",", ".") if comma > point else (".", ",")
        return number.replace(other, "").replace(last, ".") if number.count(last) == 1 else number
    if comma >= 0:
        if number.count(",") > 1 or re.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}", number):
            return number.replace(",", "")
        return number.replace(",", ".")
    if number.count(".") > 1:
        return number.replace(".", "")
    return f"0{number}" if point == 0 else number.removesuffix(".")


def _unreadable(text: str) -> ProductRejected:
    return ProductRejected(
        f"the price {text[:60]!r} cannot be read; write it as `19.99 USD`, or leave it empty"
    )
