"""ISO 4217 as data: every currency with its decimals and, where it came or went since 2000, its period of validity.

Belongs here: the published list, and nothing that reads events. Does not belong here: countries (iso_codes), rates and
regions (dbt seeds), holding a payment against the list (parsing).

`EDITION` is the edition of list one (current currencies); what has been withdrawn since 2002 is taken from list three.
List three names the month of a withdrawal: a currency is valid to that month's end, or to its last day as legal tender
where the Unicode CLDR has a later one. First days are those of the amendments and of CLDR; `-` means: before 2000, or
still valid. `valid_to` is the first day after. Metals, funds without decimals and test codes are not money.
"""

EDITION = "2026-01-01"

_NO_DECIMALS = """
    BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF
""".split()
_TWO_DECIMALS = """
    AED ALL AMD AOA ARS AUD AWG BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BZD CAD CDF CHE CHF CHW CNY COP COU
    CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR
    JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MUR MVR MWK MXN MXV MYR NAD NGN
    NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RUB SAR SBD SCR SEK SGD SHP SOS SVC SYP SZL THB TOP TTD TWD TZS
    UAH USD USN UYU UZS WST XCD YER ZAR
""".split()
_THREE_DECIMALS = """
    BHD IQD JOD KWD LYD OMR TND
""".split()
_FOUR_DECIMALS = """
    CLF
""".split()

_DATED = """
    ADP 0 -          2003-08-01
    AFA 2 -          2003-02-01
    AFN 2 2002-10-07 -
    ANG 2 -          2025-07-01
    ATS 2 -          2002-04-01
    AZM 2 -          2007-01-01
    AZN 2 2006-01-01 -
    BEF 0 -          2002-04-01
    BGL 2 -          2003-12-01
    BGN 2 -          2026-02-01
    BYN 2 2016-07-01 -
    BYR 0 -          2017-02-01
    CSD 2 2002-05-15 2006-11-01
    CUC 2 -          2021-07-01
    CYP 2 -          2008-02-01
    DEM 2 -          2002-05-16
    EEK 2 -          2011-02-01
    ESP 0 -          2002-04-01
    FIM 2 -          2002-04-01
    FRF 2 -          2002-04-01
    GHC 2 -          2008-02-01
    GHS 2 2007-07-03 -
    GRD 0 -          2002-04-01
    HRK 2 -          2023-02-01
    IEP 2 -          2002-04-01
    ITL 0 -          2002-04-01
    LTL 2 -          2015-01-01
    LUF 0 -          2002-04-01
    LVL 2 -          2014-02-01
    MGF 0 -          2005-01-01
    MRO 2 -          2018-07-01
    MRU 2 2018-01-01 -
    MTL 2 -          2008-02-01
    MZM 2 -          2007-01-01
    MZN 2 2006-07-01 -
    NLG 2 -          2002-04-01
    PTE 0 -          2002-04-01
    ROL 2 -          2007-01-01
    RON 2 2005-07-01 -
    RSD 2 2006-10-25 -
    RUR 2 -          2004-02-01
    SDD 2 -          2007-08-01
    SDG 2 2007-01-10 -
    SIT 2 -          2007-02-01
    SKK 2 -          2009-02-01
    SLE 2 2022-04-01 -
    SLL 2 -          2024-01-01
    SRD 2 2004-01-01 -
    SRG 2 -          2004-01-01
    SSP 2 2011-07-18 -
    STD 2 -          2018-01-01
    STN 2 2018-01-01 -
    TJS 2 2000-10-26 -
    TMM 2 -          2009-02-01
    TMT 2 2009-01-01 -
    TPE 0 -          2002-12-01
    TRL 0 -          2006-01-01
    TRY 2 2005-01-01 -
    USS 2 -          2014-04-01
    UYW 4 2018-08-29 -
    VEB 2 -          2008-07-01
    VED 2 2021-10-01 -
    VEF 2 2008-01-01 2018-09-01
    VES 2 2018-08-20 -
    XAD 2 2025-05-12 -
    XCG 2 2025-03-31 -
    YUM 2 -          2003-08-01
    ZMK 2 -          2013-01-02
    ZMW 2 2013-01-01 -
    ZWD 2 -          2008-09-01
    ZWG 2 2024-06-25 -
    ZWL 2 2009-02-02 2024-10-01
    ZWN 2 -          2006-10-01
    ZWR 2 2008-08-01 2009-07-01
"""
"""Code, decimals, valid_from, valid_to."""

_ROWS = [line.split() for line in _DATED.split("\n") if line.strip()]

MINOR_UNITS: dict[str, int] = dict(
    sorted(
        (
            dict.fromkeys(_NO_DECIMALS, 0)
            | dict.fromkeys(_TWO_DECIMALS, 2)
            | dict.fromkeys(_THREE_DECIMALS, 3)
            | dict.fromkeys(_FOUR_DECIMALS, 4)
            | {code: int(decimals) for code, decimals, _, _ in _ROWS}
        ).items()
    )
)
"""Currency code to its number of decimals, withdrawn currencies among them."""

PERIODS: dict[str, tuple[str, str]] = {
    code: (valid_from.strip("-"), valid_to.strip("-")) for code, _, valid_from, valid_to in _ROWS
}
"""First day of validity and first day after it, as YYYY-MM-DD; an empty text where there is no such day since 2000."""
