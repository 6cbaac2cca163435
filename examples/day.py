"""A venue's day: an opening auction, an iceberg and a bracket order, a halt at the collar, and who sees what."""

import parbook as pb
from parbook.feeds import BookBuilder, DropCopy, Publisher

loan = pb.Instrument(
    symbol="SME-A/USDx",
    stp=pb.StpMode.CANCEL_OLDEST,
    initial_state=pb.SessionState.PRE_OPEN,
    dynamic_band_ppm=50_000,  # no print further than 5 % from the last one ...
    breach_state=pb.SessionState.HALTED,  # ... without a halt first
)
market = pb.Market(loan)
publisher, reader, broker = Publisher(), BookBuilder(), DropCopy(account=2)
copies: list[pb.Event] = []


def do(*commands: pb.Command) -> None:
    """Apply commands; print their events, and let the feed's reader and account 2's broker follow."""
    for command in commands:
        first_seq = market.next_seq
        for event in market.apply(command):
            values = " ".join(f"{name}={value!s}" for name, value in describe(event).items())
            print(f"  {type(event).__name__:13} {values}")
        private = market.events(first_seq)
        copies.extend(pb.events_from_records(broker.copy(private)))
        reader.apply(publisher.publish(private, market.depth(1000)))


def describe(event: pb.Event) -> dict[str, object]:
    """Return what a person wants to read of an event."""
    what = ("order_id", "taker_order_id", "maker_order_id", "state", "place", "reason")
    how_much = ("price_ticks", "qty_lots", "paired_lots", "leaves_lots")
    found = {name: getattr(event, name) for name in (*what, *how_much) if hasattr(event, name)}
    return {name: getattr(value, "name", value) for name, value in found.items()}


def order(account: int, side: pb.Side, lots: int, price_ticks: int, **terms: object) -> pb.NewOrder:
    """Return a limit order, with terms if it has any."""
    return pb.NewOrder(account=account, side=side, qty_lots=lots, price_ticks=price_ticks, **terms)  # type: ignore[arg-type]


BUY, SELL, STATE = pb.Side.BUY, pb.Side.SELL, pb.SessionState

print("orders gather, an auction opens the day")
do(order(1, SELL, 500, 9_860), order(2, BUY, 300, 9_880), order(3, BUY, 400, 9_870))
do(pb.SetState(state=STATE.AUCTION), pb.SetState(state=STATE.CONTINUOUS))

print("an iceberg, a bracket of two orders that cancel each other, and a buyer")
do(order(4, SELL, 1_000, 9_900, display_lots=100))
do(order(2, SELL, 200, 9_950), order(2, SELL, 200, 9_700, stop_ticks=9_750, oco_order_id=5))
do(order(3, BUY, 250, 9_900))

print("a sale through the collar stops the market before it prints, and sets off nothing")
do(order(6, BUY, 50, 9_300), order(5, SELL, 400, 9_000, tif=pb.TimeInForce.IOC))

ours, theirs = (view[view["side"] == SELL][0] for view in (market.depth(1), reader.depth(1)))
print(f"best ask: {ours['qty_lots']} at {ours['price_ticks']}")
print(f"the feed: {theirs['qty_lots']} at {theirs['price_ticks']}")
print(f"account 2's broker got {len(copies)} of {market.next_seq - 1} events")
