"""What leavers can take from those who stay, derived; and the observer that measures it at every exit.

K claim, N units, A* the pool's net assets at the *true* middle share, w = min(K, A*) / N: the true value of a unit. An
exit burns u units for c of the pool's cash and takes K u / N, rounded down, off the claim. Then

    w' >= w - max(0, c - u w) / (N - u)                                                            (1)

for nobody is paid more than min(K, what the feed makes of A) / N a unit, so c <= u K / N. If K <= A*: K' >= K (1 - u/N)
and A*' = A* - c >= K - u K/N, so w' >= K / N = w. If A* < K: either A*' is still the lesser, and w' = (A* - c)/(N - u),
which is (1) with equality where c >= u w; or K' is, and w' >= K / N > w. A sale in the market burns nothing and takes
no cash of the pool: w' = w. (1) is exact in whole numbers: no rounding goes against those who stay.

The desk, within an interval of length T, redeems at most theta (N + heat)(1 + T / day) units. The queue strikes at the
low band of a round that nothing held back, seen after the close: c <= u w wherever the sources tell the truth within
the width of the band, and otherwise it pays at most the free cash C there is, at p. So with k intervals in which the
desk pays more than w, T in all, by at most g a unit, and strikes j at prices above w,

    loss of a unit that stays  <=  [ theta N0 (k + T / day) g  +  sum_j C_j (p_j - w_j) / p_j ] / N_end         (2)

A silent oracle leaves the second sum empty: nothing is struck until three rounds in a row are good.
"""

from __future__ import annotations

from fractions import Fraction

import msgspec

from parbook.codes import DocumentedEnum
from parbook.errors import InvariantError
from parbook.pools.accrual import SECONDS_PER_YEAR, accrued, factor_e27
from parbook.pools.amounts import E12, NANO
from parbook.protocol.state import PoolEntry
from parbook.redemption.desk import DeskTerms
from parbook.simulate.rhythm import SECOND_NS


class Tier(DocumentedEnum):
    """How a holder left."""

    MARKET = 0, "sold to the book or the curve"
    DESK = 1, "redeemed at once"
    QUEUE = 2, "paid at the price of an epoch"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """The senior as it truly stands: what it claims, what is truly there for it and the junior, how many units."""

    claim_micro: int
    assets_micro: int
    supply_micro: int

    @property
    def worth(self) -> Fraction:
        """w, exact; 0 without units."""
        if not self.supply_micro:
            return Fraction(0)
        return Fraction(min(self.claim_micro, max(self.assets_micro, 0)), self.supply_micro)

    @property
    def worth_nano(self) -> int:
        """w, rounded down."""
        return int(self.worth * NANO)


def standing(entry: PoolEntry, share_nano: int, now_ns: int) -> Standing:
    """Return how a pool's senior stands at a share of what its assets count for, its claim and fees grown to now."""
    pool, tranche = entry.pool, entry.pool.tranches[0]
    seconds = max((now_ns - pool.accrued_ns) // SECOND_NS, 0)
    claim = accrued(tranche.claim_micro, factor_e27(pool.terms.tranches[0].rate_e12), seconds)
    kept = pool.book.sums.kept_micro
    fees = pool.fees_micro + (kept * pool.terms.fee_e12 * seconds + pool.fee_remainder) // (E12 * SECONDS_PER_YEAR)
    return Standing(
        claim_micro=claim,
        assets_micro=kept * share_nano // NANO + pool.cash_micro - fees,
        supply_micro=tranche.supply_micro,
    )


class Exit(msgspec.Struct, frozen=True, kw_only=True):
    """Units that left, for what, and what a unit was truly worth then. `mind_day`: when their owner decided to go."""

    ts_ns: int
    day: float
    mind_day: float
    tier: Tier
    account: int
    units_micro: int
    paid_micro: int
    true_nano: int
    quoted_nano: int
    """The low price that was quoted just before; 0: none was."""

    @property
    def gain_ppm(self) -> float:
        """What it brought beyond the true value, in ppm of that."""
        worth = self.units_micro * self.true_nano / NANO
        return (self.paid_micro - worth) * 1e6 / worth if worth else 0.0


class Observer:
    """Tests (1) at every exit and adds up what was lost, exactly; keeps what (2) is made of."""

    def __init__(self, terms: DeskTerms, supply_micro: int) -> None:
        self.terms = terms
        self.supply_micro = supply_micro
        self.lost = Fraction(0)
        """What a unit that stays lost, all exits together."""
        self.allowed = Fraction(0)
        """The sum of the right-hand sides of (1)."""
        self.gained = Fraction(0)
        """What it gained: leavers who took less than w."""
        self.exits = 0
        self.intervals = 0
        self.wrong_ns = 0
        self.excess = Fraction(0)
        self.struck = Fraction(0)
        """The second sum of (2)."""
        self._wrong_since_ns = -1

    def price(self, now_ns: int, paid_nano: int, before: Standing) -> None:
        """Note what the desk pays for a unit before its fee, 0 when it is shut; call it at least before each exit."""
        net = Fraction(paid_nano * (E12 - self.terms.base_e12), NANO * E12)
        if net <= before.worth:
            self._wrong_since_ns = -1
            return
        if self._wrong_since_ns < 0:
            self.intervals += 1
        else:
            self.wrong_ns += now_ns - self._wrong_since_ns
        self._wrong_since_ns = now_ns
        self.excess = max(self.excess, net - before.worth)

    def exit(self, before: Standing, after: Standing, paid_micro: int) -> Fraction:
        """Test (1) for one exit and return what a unit that stays lost; InvariantError when it lost more."""
        units = before.supply_micro - after.supply_micro
        if not after.supply_micro:
            return Fraction(0)
        allowed = max(paid_micro - units * before.worth, Fraction(0)) / after.supply_micro
        change = after.worth - before.worth
        if change < -allowed:
            raise InvariantError(
                f"an exit of {units} for {paid_micro} cost a unit {-change}, and {allowed} is possible"
            )
        self.exits += 1
        self.allowed += allowed
        self.lost += max(-change, Fraction(0))
        self.gained += max(change, Fraction(0))
        return max(-change, Fraction(0))

    def strike(self, cash_micro: int, price_nano: int, before: Standing) -> None:
        """Note the price of an epoch, and the free cash it was paid from."""
        price = Fraction(price_nano, NANO)
        self.struck += cash_micro * max(price - before.worth, Fraction(0)) / price

    def formula(self, left_micro: int) -> Fraction | None:
        """Return the right-hand side of (2) when so many units are left; None of none, because nobody stayed."""
        if not left_micro:
            return None
        share = Fraction(self.terms.throttle_e12, E12)
        times = self.intervals + Fraction(self.wrong_ns, self.terms.throttle_ns)
        return (share * self.supply_micro * times * self.excess + self.struck) / left_micro
