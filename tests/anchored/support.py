"""An anchored token on its way: every operation planned, tested for changing nothing, carried out, checked."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec

from parbook.anchored import basket, token
from parbook.anchored.basket import Quote
from parbook.anchored.state import Token, check, opened
from parbook.anchored.terms import HOUR_NS, LegTerms, ThrottleTerms, TokenTerms
from parbook.pools.amounts import E12, MICRO, NANO
from parbook.refusals import Refusal
from tests.support.shared import shared_path

TOKEN, NATIVE, CASH, LOANS = 1, 2, 10, 11
START_NS = 1_000_000 * 10**9
WIDE = ThrottleTerms(amount_micro=10**17, share_e12=0)
WIDER = ThrottleTerms(amount_micro=10**18, share_e12=1)


def vectors(name: str) -> Any:
    """Return a file of published numbers; skip when it is absent."""
    return json.loads(shared_path("vectors", f"{name}.json").read_text())


def scaled(text: object, one: int) -> int:
    """Return a decimal text in units of 1 / `one`, exactly; floor of what is finer."""
    return int(Decimal(str(text)) * one)


def encoded(state: Any) -> bytes:
    return msgspec.json.encode(state, order="deterministic")


def reread(state: Any) -> Any:
    """Return the state after it was written and read; it must be equal."""
    again = msgspec.json.decode(encoded(state), type=type(state))
    assert again == state
    assert encoded(again) == encoded(state)
    return again


def do(state: Any, plan: Any, carry_out: Any, checked: Any, *args: Any, now: int, **options: Any) -> Any:
    """Plan, see that planning changed nothing, carry out, check. Return the plan, or the refusal."""
    before = encoded(state)
    planned = plan(state, *args, now, **options)
    assert encoded(state) == before, "planning changed the state"
    if not isinstance(planned, Refusal):
        carry_out(state, planned, now)
        checked(state)
    return planned


def terms(**changes: Any) -> TokenTerms:
    plain = {
        "token_asset": TOKEN,
        "native_asset": NATIVE,
        "cash_leg": CASH,
        "drift_e12": E12,
        "redeem_fee_e12": 0,
        "issuance": WIDE,
        "redemption": WIDER,
    }
    return TokenTerms(**(plain | changes))


class Case:
    """A token, and the time it is at."""

    def __init__(self, settings: TokenTerms | None = None) -> None:
        self.state: Token = opened(settings or terms(), START_NS)
        self.now = START_NS

    def wait(self, ns: int) -> Case:
        self.now += ns
        return self

    def _do(self, plan: Any, carry_out: Any, *args: Any, **options: Any) -> Any:
        return do(self.state, plan, carry_out, check, *args, now=self.now, **options)

    def observe(self, prices: dict[int, int], age_ns: int = 0) -> Any:
        quotes = {asset: Quote(low_nano=nano, age_ns=age_ns) for asset, nano in prices.items()}
        return self._do(basket.plan_observe, basket.observe, quotes)

    def add(self, asset: int, haircut_e12: int = 0, claims: dict[int, tuple[int, ...]] | None = None) -> Any:
        leg = LegTerms(asset=asset, haircut_e12=haircut_e12, claims=claims or {})
        return self._do(basket.plan_add_leg, basket.add_leg, leg)

    def drop(self, asset: int) -> Any:
        return self._do(basket.plan_drop_leg, basket.drop_leg, asset)

    def reweight(self, weights: dict[int, int]) -> Any:
        return self._do(basket.plan_reweight, basket.reweight, weights)

    def endow(self, asset: int, quantity: int) -> Any:
        return self._do(basket.plan_endow, basket.endow, asset, quantity)

    def release(self, asset: int, quantity: int) -> Any:
        return self._do(basket.plan_release, basket.release, asset, quantity)

    def mint(self, asset: int, quantity: int) -> Any:
        return self._do(token.plan_mint, token.mint, asset, quantity)

    def redeem(self, tokens: int, *, in_kind: bool = False) -> Any:
        return self._do(token.plan_redeem, token.redeem, tokens, in_kind=in_kind)

    def haircut(self, holders: int = 1) -> Any:
        return self._do(basket.plan_haircut, basket.set_haircut, holders)

    def lift(self) -> Any:
        return self._do(basket.plan_lift, basket.set_haircut)

    def due(self) -> Any:
        return self._do(basket.plan_due, basket.due)

    def fork(self) -> Case:
        """Return a case of its own in the same state, by way of the serialised form."""
        other = Case.__new__(Case)
        other.state, other.now = reread(self.state), self.now
        return other


def standing(
    settings: TokenTerms | None = None,
    *,
    supply: int = 1000 * MICRO,
    buffer: int = 100 * MICRO,
    loans_haircut_e12: int = 0,
) -> Case:
    """Return a SOUND token: half cash, half loans, all at par; `buffer` is the protocol's own cash."""
    case = Case(settings)
    case.add(CASH)
    case.add(LOANS, loans_haircut_e12)
    case.reweight({CASH: E12 // 2, LOANS: E12 // 2})
    case.observe({CASH: NANO, LOANS: NANO})
    case.wait(HOUR_NS)
    case.endow(CASH, buffer)
    for asset in (CASH, LOANS):
        planned = case.mint(asset, supply // 2)
        assert not isinstance(planned, Refusal), planned
    return case
