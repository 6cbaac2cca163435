"""listing.toml -> Setup.

    [venue]      quote, as_of, max_fee
    [pool]       name, manager, originator, planned, fee, buffer
    [pool.eligibility]   kinds, groups, months_max, days_past_due_max, balance_min, balance_max, pd_max
    [pool.limits]        obligor, counterparty, hhi
    [tape]       assets, curve, groups: files, relative to this one
    [feed]       arbiter, sources, and the feed's terms
    [[tranche]]  name, rate, minimum_subordination, holders; then of this tranche:
    [tranche.market], [tranche.treasury], [tranche.curve], [tranche.desk], [tranche.queue]
    [[order]]    tranche, account, side, price, quantity
    [report]     insurance, backing, and the terms of the run

Shares are fractions ("0.05"), times have a unit ("26h"); whatever has decimals is text. Keys of terms are the names of
their fields without the unit; docs/listing.md lists them.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

from parbook.assets.kinds import AssetKind
from parbook.codes import AnchorMove, CurveShape, Side
from parbook.curve.shapes import curve_parameter_error
from parbook.errors import AssetError, ConversionError, ListingError, MisuseError
from parbook.instrument import Instrument
from parbook.listing import MAX_FEE_PPM_MAX, Asset
from parbook.messages import CurveParams
from parbook.oracle.terms import FeedTerms
from parbook.pools.amounts import E12, MONEY_MICRO_MAX
from parbook.pools.limits import Eligibility, Limits
from parbook.pools.pool import PoolTerms, TrancheTerms
from parbook.redemption.desk import DeskTerms
from parbook.redemption.queue_state import QueueTerms
from parbook.setup.terms import FeedSetup, OrderTerms, RunTerms, Setup, TapeFiles, TrancheSetup, TreasurySetup
from parbook.setup.text import Section, read_toml
from parbook.treasury.terms import TreasuryTerms
from parbook.units import CURVE_LOTS_MAX, CURVE_PRICE_TICKS_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX, RESERVED_ACCOUNT

_ACCOUNT_MAX: Final = RESERVED_ACCOUNT - 1
_PPM: Final = Decimal("0.000001")
_FIRST_DAY: Final = date(1971, 1, 1)
_LAST_DAY: Final = date(2200, 1, 1)


def load_setup(path: str | Path) -> Setup:
    """Read and check a description. ListingError names file, section, key, value and remedy. Tapes are not read yet."""
    path = Path(path)
    file = Section(str(path), "", read_toml(path))
    venue, pool, tape = (_required(file, name) for name in ("venue", "pool", "tape"))
    feed = _feed(_required(file, "feed"))
    tables = file.sections("tranche")
    tranches = tuple(_tranche(table) for table in tables)
    if not tranches:
        raise ListingError(str(path), "there is no [[tranche]]", "Add one; the last of them gets the rest.")
    orders = tuple(_order(table, tranches) for table in file.sections("order"))
    report = file.section("report") or Section(str(path), "report", {})
    quote = venue.text("quote")
    as_of = venue.day("as_of")
    if not _FIRST_DAY <= as_of <= _LAST_DAY:
        venue.refuse("as_of", f"{as_of} is outside {_FIRST_DAY}..{_LAST_DAY}", "Give the day of valuation.")
    max_fee = venue.scaled("max_fee", _PPM, "ppm", 0, MAX_FEE_PPM_MAX, 10_000)
    insurance = report.amount("insurance", 0)
    backing = report.share("backing", 0, 100 * E12) if "backing" in report.values else None
    report.known.append("backing")
    run = report.terms(RunTerms)
    files = TapeFiles(
        assets=_file(path, tape, "assets"),
        curve=_file(path, tape, "curve"),
        groups=_file(path, tape, "groups") if "groups" in tape.values else None,
    )
    tape.known.append("groups")
    originator = _account(pool, "originator")
    terms = _pool(pool, tables)
    for section in (venue, pool, tape, report, file):
        section.done()
    try:
        Asset(name=quote, decimals=6)
        return Setup(
            path=str(path),
            quote=quote,
            as_of=as_of,
            max_fee_ppm=max_fee,
            pool=terms,
            originator=originator,
            tape=files,
            tranches=tranches,
            feed=feed,
            orders=orders,
            insurance_micro=insurance,
            backing_e12=backing,
            run=run,
        )
    except (AssetError, MisuseError) as error:
        raise ListingError(str(path), str(error).rstrip("."), "Mend it; examples/listing shows every key.") from None


def _required(parent: Section, name: str) -> Section:
    section = parent.section(name, required=True)
    assert section is not None, "else it was refused"
    return section


def _account(section: Section, key: str) -> int:
    return section.whole(key, 1, _ACCOUNT_MAX)


def _file(path: Path, section: Section, key: str) -> Path:
    return path.parent / str(section.text(key))


# --- the pool -----------------------------------------------------------------------------------


def _pool(section: Section, tables: list[Section]) -> PoolTerms:
    eligibility, limits = section.section("eligibility"), section.section("limits")
    limit_terms = Limits()
    if limits is not None:
        limit_terms = limits.terms(Limits)
        limits.done()
    try:
        return PoolTerms(
            name=section.text("name"),
            manager=_account(section, "manager"),
            tranches=tuple(_tranche_terms(table) for table in tables),
            eligibility=_eligibility(eligibility) if eligibility is not None else Eligibility(),
            limits=limit_terms,
            planned_micro=section.amount("planned", 0),
            fee_e12=section.share("fee", 0),
            buffer_e12=section.share("buffer", 0),
        )
    except AssetError as error:
        section.refuse("", f"{error.where}: {error.reason}", error.remedy)


def _eligibility(section: Section) -> Eligibility:
    names = section.texts("kinds")
    known = [kind.name.lower() for kind in AssetKind]
    for name in names:
        if name not in known:
            section.refuse("kinds", f"{name!r} is none of {', '.join(known)}", "Write kinds that the tape knows.")
    rules = Eligibility(
        kinds=frozenset(int(AssetKind[name.upper()]) for name in names),
        groups=frozenset(section.texts("groups")),
        months_max=section.whole("months_max", 1, 1200, 1200),
        days_past_due_max=section.whole("days_past_due_max", 0, 36_500, 0),
        balance_micro_min=section.amount("balance_min", 1, 1),
        balance_micro_max=section.amount("balance_max", 2**53, 1),
        pd_e12_max=section.share("pd_max", E12),
    )
    section.done()
    return rules


# --- tranches -----------------------------------------------------------------------------------


def _tranche_terms(section: Section) -> TrancheTerms:
    try:
        return TrancheTerms(
            name=section.text("name"),
            rate_e12=section.share("rate", 0, 10 * E12),
            minimum_subordination_e12=section.share("minimum_subordination", 0),
        )
    except AssetError as error:
        section.refuse("", f"{error.where}: {error.reason}", error.remedy)


def _tranche(section: Section) -> TrancheSetup:
    name = section.text("name")
    rows = section.sections("holders")
    holders = []
    for row in rows:
        holders.append((_account(row, "account"), row.amount("amount", low=1)))
        row.done()
    if len({account for account, _ in holders}) < len(holders):
        section.refuse("holders", "an account is there twice", "Give each holder once.")
    market, treasury, curve = (section.section(key) for key in ("market", "treasury", "curve"))
    desk, queue = section.section("desk"), section.section("queue")
    instrument = None if market is None else _instrument(market)
    if (treasury is None) != (curve is None):
        missing = "treasury" if treasury is None else "curve"
        section.refuse(missing, "it is missing", "A curve needs a treasury, and a treasury a curve: give both.")
    held = None
    if treasury is not None and curve is not None:
        if instrument is None:
            section.refuse("market", "it is missing", "A curve needs an instrument: add [tranche.market].")
        held = _treasury(treasury, curve, instrument)
    out = TrancheSetup(
        name=name,
        holders=tuple(holders),
        market=instrument,
        treasury=held,
        desk=None if desk is None else desk.terms(DeskTerms),
        queue=None if queue is None else queue.terms(QueueTerms),
    )
    for table in (desk, queue):
        if table is not None:
            table.done()
    section.known += ["rate", "minimum_subordination"]
    section.done()
    return out


def _instrument(section: Section) -> Instrument:
    symbol, tick, lot = section.text("symbol"), section.decimal("tick"), section.decimal("lot")
    section.done()
    try:
        return Instrument(symbol=symbol, tick=tick, lot=lot)
    except (MisuseError, ConversionError) as error:
        section.refuse("", str(error).rstrip("."), "Give a symbol of 1 to 32 characters, and positive steps.")


def _treasury(section: Section, curve: Section, instrument: Instrument) -> TreasurySetup:
    out = TreasurySetup(
        guardian=_account(section, "guardian"),
        governor=_account(section, "governor"),
        founder=_account(section, "founder"),
        reserve_micro=section.amount("reserve", low=1),
        terms=section.terms(TreasuryTerms),
        params=_curve(curve, instrument),
    )
    section.done()
    return out


def _curve(section: Section, instrument: Instrument) -> CurveParams:
    """Return a curve whose depths are units of the tranche; it has no budget and no delay of its own."""
    lot = instrument.lot

    def lots(key: str, low: int, default: int | None = None) -> int:
        if default is None:
            return section.scaled(key, lot, "lot", low, CURVE_LOTS_MAX)
        return section.scaled(key, lot, "lot", low, CURVE_LOTS_MAX, default)

    depth = lots("depth", 1)
    params = CurveParams(
        shape=section.choice("shape", CurveShape),
        quote_depth_lots=depth,
        base_depth_lots=lots("base_depth", 1, depth),
        budget_notional=0,
        k_ppm=section.scaled("k", _PPM, "ppm", 0, 10**6, 500_000),
        spread_ppm=section.scaled("spread", _PPM, "ppm", 0, 500_000, 0),
        rung_ticks=section.scaled("rung", instrument.tick, "tick", 1, CURVE_PRICE_TICKS_MAX, 1),
        par_lots=lots("par", 0, 0),
        drop_ppm=section.scaled("drop", _PPM, "ppm", 0, 999_999, 0),
        max_net_lots=lots("max_net", 0, CURVE_LOTS_MAX),
        anchor_move=section.choice("anchor_move", AnchorMove, AnchorMove.CLIP),
        lift_max_lots=lots("lift_max", 0, 0),
    )
    section.done()
    reason = curve_parameter_error(params)
    if reason is not None:
        section.refuse("", reason, "Change that; shares of the curve are fractions, depths are units.")
    return params


# --- feed and orders ----------------------------------------------------------------------------


def _feed(section: Section) -> FeedSetup:
    rows = section.sections("sources")
    members = []
    for row in rows:
        members.append((row.whole("source", 1, 2**32 - 1), str(row.text("key"))))
        row.done()
    arbiter = _account(section, "arbiter")
    terms = section.terms(FeedTerms)
    section.done()
    if not terms.quorum <= len(members) < 2 * terms.quorum:
        section.refuse(
            "sources",
            f"there are {len(members)} for a quorum of {terms.quorum}",
            "A quorum is a majority of the sources, and no more than there are.",
        )
    return FeedSetup(terms=terms, arbiter=arbiter, members=tuple(members))


def _order(section: Section, tranches: tuple[TrancheSetup, ...]) -> OrderTerms:
    name = section.text("tranche")
    number = next((n for n, tranche in enumerate(tranches) if tranche.name == name), None)
    market = tranches[number].market if number is not None else None
    if number is None or market is None:
        names = ", ".join(tranche.name for tranche in tranches if tranche.market is not None)
        section.refuse("tranche", f"{name!r} is no tranche that trades", f"These do: {names or 'none'}.")
    out = OrderTerms(
        tranche=number,
        account=_account(section, "account"),
        side=section.choice("side", Side),
        price_ticks=section.scaled("price", market.tick, "tick", 1, PRICE_TICKS_MAX),
        qty_lots=section.scaled("quantity", market.lot, "lot", 1, QTY_LOTS_MAX),
    )
    section.done()
    if out.price_ticks * out.qty_lots > MONEY_MICRO_MAX:
        section.refuse("quantity", "price x quantity is beyond all money", "Make the order smaller.")
    return out
