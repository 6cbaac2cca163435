"""The venue's side: what is listed, the curve, the fair price, sessions, limits, the clock."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from enum import IntEnum
from typing import Any, Final

from parbook.codes import AccountField, Allocation, Denial, OrderType, SessionState, StpMode, TimeInForce
from parbook.errors import ConversionError, MisuseError, shown
from parbook.instrument import Instrument
from parbook.listing import Asset
from parbook.messages import (
    Advance,
    CurveParams,
    Event,
    FundCurve,
    ProposeAnchor,
    SetAccount,
    SetCurve,
    SetState,
    WithdrawAnchors,
    WithdrawCurve,
)
from parbook.units import BUDGET_NOTIONAL_MAX, checked_int, parse_decimal, to_units
from parbook.venue.base import AssetLike, Base, InstrumentLike, named
from parbook.venue.choices import chosen, mask_of
from parbook.venue.curves import Curve
from parbook.venue.grid import AssetHandle, Exact, InstrumentHandle, listing_of, ppm_of
from parbook.venue.results import Outcome, own_events, refusal_in

_DOWN: Final = Context(prec=200, rounding=ROUND_FLOOR)
_UP: Final = Context(prec=200, rounding=ROUND_CEILING)
_CHOICES: Final[dict[str, type[IntEnum]]] = {
    "allocation": Allocation,
    "stp": StpMode,
    "initial_state": SessionState,
    "breach_state": SessionState,
}
_QUANTITIES: Final = {
    "position": AccountField.POSITION_LOTS,
    "max_long": AccountField.MAX_LONG_LOTS,
    "max_short": AccountField.MAX_SHORT_LOTS,
    "max_order": AccountField.MAX_ORDER_LOTS,
    "protection": AccountField.PROTECTION_LOTS,
}
_MASKS: Final[dict[AccountField, tuple[type[IntEnum], bool]]] = {
    AccountField.ALLOWED_TYPES: (OrderType, True),
    AccountField.ALLOWED_TIFS: (TimeInForce, True),
    AccountField.DENIED: (Denial, False),
}
_FIELDS: Final = {field.name.lower(): field for field in AccountField}


class Markets(Base):
    """Listing and running instruments."""

    def add_asset(self, name: str, *, decimals: int = 0) -> AssetHandle:
        """Add something that is owned, in atoms of 10**-decimals, 0..18. MisuseError when the name is taken."""
        self._guard()
        if not isinstance(name, str):
            raise MisuseError(f"asset name={shown(name)}: give 1 to 32 printable characters.")
        asset = Asset(name=name, decimals=checked_int(decimals, f"asset {shown(name)}: decimals", 0, 18))
        handle = AssetHandle(self._core.add_asset(asset), asset)
        self._assets.append(handle)
        return handle

    def add_instrument(
        self,
        symbol: str,
        *,
        base: AssetLike,
        quote: AssetLike,
        tick: Exact = "1",
        lot: Exact = "1",
        max_fee_bps: Exact = 100,
        treasury: int = 0,
        curve: Curve | CurveParams | None = None,
        **rules: Any,
    ) -> InstrumentHandle:
        """List `base` against `quote`; prices are multiples of `tick`, quantities of `lot`.

        A lot must be whole atoms of the base, a tick of one lot whole atoms of the quote: ConversionError says which is
        not. `max_fee_bps` is the most that any fee tier may take; holds reckon with it. `curve` trades for the account
        `treasury`, which must own the curve's budget by now: deposit first, or list without a curve and call
        set_curve() later. `rules` are the fields of `parbook.Instrument`, choices also as text ("cancel_oldest"),
        shares also in bps (collar_bps=500). MisuseError for anything else; nothing is added then.
        """
        self._guard()
        fields = dict(map(_rule, rules.items()))
        instrument = Instrument(symbol=symbol, tick=tick, lot=lot, **fields)
        base, quote = self.asset(base), self.asset(quote)
        max_fee_ppm = ppm_of(max_fee_bps, f"{symbol} max_fee_bps")
        listing = listing_of(instrument, base, quote, max_fee_ppm, checked_int(treasury, "treasury", 0, 2**32 - 1))
        handle = InstrumentHandle(len(self._instruments), listing, base, quote)
        params = None if curve is None else self._funded(handle, curve)
        self._core.add_instrument(listing)
        self._instruments.append(handle)
        if params is not None:
            self.set_curve(handle, params).raise_for_refusal()
        return handle

    def _funded(self, handle: InstrumentHandle, curve: Curve | CurveParams) -> CurveParams:
        """Return the parameters of a curve whose treasury can pay for it; MisuseError says what is missing."""
        params = _params(handle, curve)
        treasury = _treasury_of(handle)
        listing = handle.listing
        for asset, needed in (
            (handle.quote, params.budget_notional * listing.tick_atoms),
            (handle.base, -params.min_net_lots * listing.lot_atoms),
        ):
            available = self._core.available(treasury, int(asset))
            if needed > available:
                raise MisuseError(
                    f"{handle.name}: the curve needs {asset.amount(needed)} {asset.name} of its treasury, account "
                    f"{treasury}, which has {asset.amount(available)} available; nothing was added. Deposit the rest "
                    "first, or list without curve= and call set_curve() once it is there."
                )
        return params

    # --- the curve and its fair price -----------------------------------------------------------

    def set_curve(self, instrument: InstrumentLike, curve: Curve | CurveParams, *, ts: int = 0) -> Outcome:
        """Give an instrument a curve, or replace it: its cursor at 0, its whole budget in hand. O(rungs).

        CURVE_UNFUNDED when the treasury has less available than the budget, or than the lots it may sell.
        """
        handle = self.instrument(instrument)
        _treasury_of(handle)
        params = _params(handle, curve)
        return self._outcome(f"set_curve on {handle.name}", SetCurve(params=params, ts_ns=ts, instrument=int(handle)))

    def fund_curve(self, instrument: InstrumentLike, budget: Exact, *, ts: int = 0) -> Outcome:
        """Set the cash the curve has left, in the quote asset; what it has bought since its target stays bought.

        CURVE_UNFUNDED when the treasury has less, the curve's present cash included.
        """
        handle = self.instrument(instrument)
        what = f"fund_curve on {handle.name}"
        cash = to_units(budget, handle.value_step, f"{what}: budget", "tick x lot", 0, BUDGET_NOTIONAL_MAX)
        return self._outcome(what, FundCurve(cash_notional=cash, ts_ns=ts, instrument=int(handle)))

    def withdraw_curve(self, instrument: InstrumentLike, *, ts: int = 0) -> Outcome:
        """Stop quoting the curve until the next anchor activates."""
        handle = self.instrument(instrument)
        return self._outcome(f"withdraw_curve on {handle.name}", WithdrawCurve(ts_ns=ts, instrument=int(handle)))

    def observe(
        self, instrument: InstrumentLike, *, price: Exact, conf: Exact = 0, source: str = "", ts: int = 0
    ) -> Outcome:
        """Say what the asset is worth: price, give or take `conf`.

        Proposes the anchor price - conf, rounded down to a tick, to price + conf, rounded up: the curve never bids
        above the one nor asks below the other. It activates with the first command at or after the curve's activation
        delay; until then withdraw_anchors() takes it back. `source` names who says so in errors; no command carries it.
        """
        handle = self.instrument(instrument)
        if not isinstance(source, str):
            raise MisuseError(f"observe {handle.name}: source={shown(source)} must be text.")
        what = f"observe {handle.name}{f' from {source[:80]}' if source else ''}"
        middle, reach = parse_decimal(price, f"{what}: price"), parse_decimal(conf, f"{what}: conf")
        if reach < 0 or middle <= reach:
            raise ConversionError(f"{what}: price={shown(price)}, conf={shown(conf)}. Give 0 <= conf < price.")
        tick = handle.instrument.tick
        low = int(_DOWN.divide(_DOWN.subtract(middle, reach), tick).to_integral_value(ROUND_FLOOR))
        high = int(_UP.divide(_UP.add(middle, reach), tick).to_integral_value(ROUND_CEILING))
        command = ProposeAnchor(low_ticks=low, high_ticks=high, ts_ns=ts, instrument=int(handle))
        return self._outcome(what, command)

    def withdraw_anchors(self, instrument: InstrumentLike, *, ts: int = 0) -> Outcome:
        """Take back every proposed anchor that has not activated."""
        handle = self.instrument(instrument)
        return self._outcome(f"withdraw_anchors on {handle.name}", WithdrawAnchors(ts_ns=ts, instrument=int(handle)))

    # --- time, sessions, limits -----------------------------------------------------------------

    def advance(self, instrument: InstrumentLike | None = None, *, ts: int) -> Outcome:
        """Move the clock: what falls due happens, in every instrument or in one. TIME_REVERSED for a past `ts`."""
        index, where = self._scope(instrument)
        return self._outcome(f"advance of {where}", Advance(ts_ns=ts, instrument=index))

    def set_state(self, instrument: InstrumentLike, state: SessionState | str, *, ts: int = 0) -> Outcome:
        """Move an instrument's session; which moves exist: `parbook.sessions.TRANSITIONS`."""
        handle = self.instrument(instrument)
        move = SetState(state=chosen(SessionState, state, "state"), ts_ns=ts, instrument=int(handle))
        return self._outcome(f"set_state of {handle.name}", move)

    def set_account(self, instrument: InstrumentLike, account: int, *, ts: int = 0, **limits: object) -> Outcome:
        """Set limits of an account in an instrument; those that are not named stay. The first call registers it.

        Names are those of AccountField, lower case, as integers; quantities also without _lots, in units
        (max_long="500", position, max_short, max_order, protection); max_order_value in the quote asset; allowed_types,
        allowed_tifs and denied as lists of names. Each is a command of its own, in the order given; after a refusal
        none follows.
        """
        handle = self.instrument(instrument)
        what = f"set_account of {named(account)} on {handle.name}"
        if not limits:
            raise MisuseError(f"{what}: name a limit to set: {', '.join(_FIELDS)}.")
        wanted = [_limit(handle, name, value) for name, value in limits.items()]
        events: list[Event] = []
        code = None
        for field, value in wanted:
            command = SetAccount(account=account, field=field, value=value, ts_ns=ts, instrument=int(handle))
            caused = self._run(command)
            events += caused
            code = refusal_in(own_events(caused))
            if code:
                break
        return Outcome(what=what, code=code, events=tuple(events))


def _params(handle: InstrumentHandle, curve: Curve | CurveParams) -> CurveParams:
    if isinstance(curve, CurveParams):
        return curve
    if not isinstance(curve, Curve):
        raise MisuseError(f"{handle.name}: curve={shown(curve)} is none. Give a LinearBuyback, Pmm or Redemption.")
    return curve.params(handle)


def _treasury_of(handle: InstrumentHandle) -> int:
    if not handle.listing.treasury:
        raise MisuseError(f"{handle.name} has no treasury to pay for a curve. Name one: add_instrument(treasury=...).")
    return handle.listing.treasury


def _rule(given: tuple[str, Any]) -> tuple[str, Any]:
    """Return an Instrument field and its value: text for choices, bps for ppm."""
    name, value = given
    if name in _CHOICES:
        return name, chosen(_CHOICES[name], value, name)
    if name.endswith("_bps") and f"{name[:-3]}ppm" in Instrument.__struct_fields__:
        return f"{name[:-3]}ppm", ppm_of(value, name)
    if name not in Instrument.__struct_fields__:
        names = ", ".join(Instrument.__struct_fields__[3:])
        raise MisuseError(f"{name}={shown(value)} is no rule of an instrument. There are {names}.")
    return name, value


def _limit(handle: InstrumentHandle, name: str, value: Any) -> tuple[AccountField, int]:
    """Return the field a limit sets, and its integer."""
    what = f"limit {name}"
    if name in _QUANTITIES:
        if name == "position":
            sign = -1 if parse_decimal(value, what) < 0 else 1
            return _QUANTITIES[name], sign * handle.qty_lots(abs(parse_decimal(value, what)), what, 0)
        return _QUANTITIES[name], handle.qty_lots(value, what, 0)
    if name == "max_order_value":
        return AccountField.MAX_ORDER_NOTIONAL, handle.notional(value, what)
    field = _FIELDS.get(name)
    if field is None:
        known = ", ".join((*_FIELDS, *_QUANTITIES, "max_order_value"))
        raise MisuseError(f"{name}={shown(value)} is no limit of an account. There are {known}.")
    if field in _MASKS:
        kind, by_bit = _MASKS[field]
        value = mask_of(kind, value, what, by_bit=by_bit)
    return field, int(value) if isinstance(value, bool) else checked_int(value, what, -(2**63), 2**63 - 1)
