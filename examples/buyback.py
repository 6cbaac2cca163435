"""From loans to a bid people can sell at: a pool, its oracle, a buyback, arrears, three ways to leave, a restart."""

import hashlib
import tempfile

import parbook as pb
from parbook.oracle import signing
from parbook.oracle.state import Observation
from parbook.oracle.terms import FeedTerms
from parbook.pools.limits import Limits
from parbook.pools.loans import LoanEntry
from parbook.pools.pool import PoolTerms, TrancheTerms
from parbook.pools.servicing import Action, ServiceRow
from parbook.protocol import commands as c
from parbook.redemption.desk import DeskTerms
from parbook.redemption.queue_state import QueueTerms
from parbook.treasury.terms import TreasuryTerms
from parbook.venue.acts import feed_domain

UNIT, SECOND, HOUR, DAY = 10**6, 10**9, 3600 * 10**9, 86_400 * 10**9
PERCENT = 10**10  # shares are in 1e-12
MANAGER, HOLDER, FOUNDER, GOVERNOR = 1, 7, 8, 9
KEYS = {source: hashlib.sha256(f"private key of source {source}".encode()).hexdigest() for source in (1, 2, 3)}


def do(ex: pb.Exchange, command: c.Order) -> None:
    """Carry a command out and say what the protocol said."""
    done = ex.act(command)
    for said in done.said:
        print(f"  {ex.now_ns / DAY:6.2f} d  {type(said).__name__:16} {shown(said)}")


def shown(said: object) -> str:
    """Return what matters of a saying."""
    names = (
        "code",
        "detail",
        "state",
        "paid_micro",
        "units_micro",
        "fee_micro",
        "price_nano",
        "till_micro",
        "kept_micro",
    )
    return "  ".join(
        f"{name}={getattr(said, name)}" for name in names if hasattr(said, name) and getattr(said, name) != ""
    )


def report(ex: pb.Exchange, share: str, ts: int, sequence: int) -> None:
    """Have three sources report, each with its signature, what the loans are worth of what still counts."""
    nano = int(float(share) * 10**9)
    for source, key in KEYS.items():
        seen = Observation(
            source=source,
            sequence=sequence,
            observed_ns=ts,
            low_nano=nano - 10**7,
            mid_nano=nano,
            high_nano=nano + 10**7,
            model_hash="0" * 64,
            input_hash="0" * 64,
        )
        signature = signing.sign(key, signing.Domain(exchange="example", feed=feed_domain(0)), seen)
        ex.report(0, seen, signature, exchange="example", ts=ts).raise_for_refusal()


def opened(ex: pb.Exchange) -> None:
    """Build the venue: a pool of ten loans behind a senior and a junior tranche, and what stands behind the senior."""
    usd = int(ex.add_asset("USD", decimals=6))
    for account in (HOLDER, FOUNDER):
        ex.deposit(account, usd, "2000")
    tranches = (
        TrancheTerms(name="S", rate_e12=6 * PERCENT, minimum_subordination_e12=20 * PERCENT),
        TrancheTerms(name="J"),
    )
    terms = PoolTerms(
        name="SME",
        manager=MANAGER,
        tranches=tranches,
        limits=Limits(obligor_e12=10 * PERCENT),
        planned_micro=1000 * UNIT,
    )
    do(
        ex,
        c.OpenPool(
            terms=terms, quote=usd, markets=(pb.Instrument(symbol="SME-S/USD", tick="0.0001", lot="0.01"), None)
        ),
    )
    for tranche, amount in ((1, 300), (0, 700)):
        do(ex, c.Invest(pool=0, tranche=tranche, account=HOLDER, amount_micro=amount * UNIT))
    loans = tuple(
        LoanEntry(
            asset_id=f"L{n}",
            kind=1,
            obligor=f"bakery {n}",
            seller="",
            group="A",
            legal_hash=hashlib.sha256(f"contract {n}".encode()).hexdigest(),
            principal_micro=80 * UNIT,
            months=12,
            pd_e12=3 * PERCENT,
        )
        for n in range(10)
    )
    do(ex, c.AddLoans(pool=0, account=MANAGER, originator=2, entries=loans))
    members = tuple((source, signing.public_key_of(key)) for source, key in KEYS.items())
    feed = FeedTerms(quorum=2, recovery_rounds=1, cap_ppm=50_000, cap_reference_ppm=100_000)
    do(ex, c.OpenFeed(pool=0, terms=feed, arbiter=GOVERNOR, bond_asset=usd, members=members))
    curve = pb.CurveParams(
        shape=pb.CurveShape.LINEAR,
        base_depth_lots=20_000,
        quote_depth_lots=10_000,
        budget_notional=0,
        par_lots=1_000,
        drop_ppm=100_000,
        spread_ppm=1_000,
        rung_ticks=10,
    )
    senior = {"pool": 0, "tranche": 0, "account": MANAGER}
    budget = TreasuryTerms(day_e12=5 * PERCENT, month_e12=20 * PERCENT)
    do(ex, c.OpenTreasury(**senior, terms=budget, params=curve, guardian=GOVERNOR, governor=GOVERNOR))
    do(ex, c.FundTreasury(pool=0, tranche=0, account=FOUNDER, amount_micro=500 * UNIT))
    do(ex, c.OpenDesk(**senior, terms=DeskTerms()))
    do(ex, c.OpenQueue(**senior, terms=QueueTerms()))


def quoted(ex: pb.Exchange, when: str) -> None:
    """Say what a sale of 20 units would bring."""
    seen = ex.preview(ex.instrument("SME-S/USD"), HOLDER, "sell", "20")
    print(f"{when}: 20 units would sell at {seen.avg_price} on average")


with tempfile.TemporaryDirectory() as place:
    with pb.open(place) as ex:
        print("a pool, a feed, and what stands behind the senior's units")
        opened(ex)
        report(ex, "0.98", SECOND, 1)
        do(ex, c.Tick(ts_ns=SECOND + HOUR))
        quoted(ex, "fair value in force")

        print("seven of ten loans run late; nobody has told the oracle yet")
        rows = [ServiceRow(f"L{n}", Action.BILL) for n in range(7)] + [
            ServiceRow(f"L{n}", Action.ARREARS, days=95) for n in range(7)
        ]
        do(ex, c.Service(pool=0, account=MANAGER, payer=FOUNDER, rows=tuple(rows)))
        quoted(ex, "the same moment")

        print("one holder, three ways to leave")
        sold = ex.place(ex.instrument("SME-S/USD"), HOLDER, "sell", qty="20", price="0.5", tif="ioc")
        print(f"  market: {sold.filled} units at {sold.avg_price}")
        do(ex, c.Redeem(pool=0, tranche=0, account=HOLDER, units_micro=5 * UNIT))
        do(ex, c.RequestExit(pool=0, tranche=0, account=HOLDER, units_micro=100 * UNIT))
        do(ex, c.Tick(ts_ns=DAY + SECOND))
        report(ex, "0.95", DAY + HOUR, 2)
        do(ex, c.Tick(ts_ns=DAY + 3 * HOUR))
        do(ex, c.ClaimExit(pool=0, tranche=0, account=HOLDER))
        ex.core.check()
        stood = ex.state_hash()
    with pb.open(place) as ex:
        print("reopened, everything is where it was:", ex.state_hash() == stood)
