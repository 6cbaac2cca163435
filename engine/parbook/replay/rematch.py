"""Mode match: play a log's commands through a market, with and without the curve.

The market without a curve always runs: its fills are compared with the log's, and what it leaves unfilled is
the demand that the curve could meet. With a curve a second market gets the same commands and the anchors.
From then on the log may name orders that have already traded with the curve: such commands are refused by the
market and counted as diverged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from parbook._market import Market
from parbook.codes import CancelReason, CommandKind, EventKind, RejectCode, Side, Source
from parbook.errors import MisuseError
from parbook.instrument import Instrument
from parbook.interface import MarketProtocol
from parbook.messages import Event, Rejected, SetCurve
from parbook.records import COMMAND, Records, command_numbers
from parbook.replay.anchors import Anchor, AnchorSource
from parbook.replay.measure import CurveMeter, TakerMeter
from parbook.replay.result import Check, CurveReport, Findings
from parbook.replay.timeline import DEPTH_LEVELS, Sample, Timeline
from parbook.replay.translate import ACCOUNT_AGGRESSOR, Block, Group, Print

MakeMarket = Callable[[Instrument], MarketProtocol]

_TRADE = int(EventKind.TRADE)
_Fills = dict[int, list[tuple[int, int, int]]]


def default_market(instrument: Instrument) -> MarketProtocol:
    """Return the compiled market."""
    return Market(instrument)


class Joint(NamedTuple):
    """The market with the curve, where its anchors come from and who keeps its accounts."""

    market: MarketProtocol
    anchors: AnchorSource
    meter: CurveMeter


class Rematch:
    """Plays blocks of commands and compares fills. Holds the ids of resting orders, and a bounded timeline."""

    def __init__(
        self,
        instrument: Instrument,
        findings: Findings,
        *,
        exact_sequence: bool,
        curve: SetCurve | None = None,
        anchors: AnchorSource | None = None,
        make_market: MakeMarket = default_market,
    ) -> None:
        """`exact_sequence` says that the log shows every order's priority, so that fills must come in its order.

        MisuseError when the market refuses the curve.
        """
        self.timeline = Timeline()
        self.findings = findings
        self.alone = make_market(instrument)
        self.joint: Joint | None = None
        if curve is not None and anchors is not None:
            market = make_market(instrument)
            self._set_curve(market, curve)
            self.joint = Joint(market, anchors, CurveMeter(curve.params.budget_notional))
        self._exact_sequence = exact_sequence
        self._takers = TakerMeter()
        self._client_of: dict[int, int] = {}
        self._commands = 0
        self._now_ns = 0
        self._diverged = 0
        self._groups = 0
        self._totals_good = 0
        self._sequence_good = 0
        self._residual_filled = np.zeros(len(Side), np.int64)
        self._late_prints: list[Print] = []

    def play(self, block: Block, *, own_prints: bool = False) -> None:
        """Play one block. With `own_prints` the trades of the market without curve serve as the log's prints."""
        prints = self._late_prints + block.prints
        self._late_prints = []
        if not len(block.commands):
            self._late_prints = [item._replace(after=0) for item in prints]
            return
        groups = iter(block.groups)
        pending = next(groups, None)
        start, printed = 0, 0
        while start < len(block.commands):
            end = min(start + max(self.timeline.due - self._commands, 1), len(block.commands))
            here: list[Group] = []
            while pending is not None and pending.command < end:
                here.append(pending)
                pending = next(groups, None)
            first = printed
            while printed < len(prints) and prints[printed].after <= end:
                printed += 1
            mine = [item._replace(after=item.after - start) for item in prints[first:printed]]
            self._slice(block.commands[start:end], here, start, mine, own_prints)
            start = end

    def close(self) -> None:
        """Verify every invariant of the markets and take the last sample. InvariantError when one is broken."""
        self.alone.check()
        if self.joint is not None:
            self.joint.market.check()
            self.joint.meter.check(self.joint.market.curve)
        self.timeline.close(self._commands, self._sample)

    @property
    def market(self) -> MarketProtocol:
        """The market with the curve, if there is one, else the one without."""
        return self.alone if self.joint is None else self.joint.market

    def checks(self) -> list[Check]:
        """Return how many aggressors traded as the log says, of those whose resting orders are all known."""
        if not self._groups and not self._exact_sequence:
            return []
        return [
            Check(
                name="totals",
                what="aggressors traded the log's lots at every price",
                passed=self._totals_good,
                total=self._groups,
                required=True,
            ),
            Check(
                name="sequence",
                what="aggressors met the log's orders in the log's order",
                passed=self._sequence_good,
                total=self._groups,
                required=self._exact_sequence,
            ),
        ]

    def curve_report(self) -> CurveReport | None:
        """Return what the curve did, or None without one."""
        if self.joint is None:
            return None
        residual = self._residual_filled.tolist()
        return self.joint.meter.report(self._takers, residual, self._diverged, self.joint.anchors.name)

    # --- one slice ------------------------------------------------------------------------------

    def _slice(
        self, commands: Records, groups: Sequence[Group], start: int, prints: list[Print], own_prints: bool
    ) -> None:
        events = self.alone.apply_batch(commands)
        offsets = command_numbers(events)
        self._takers.feed(events)
        self._compare(events, offsets, groups, start)
        refused = events["kind"] == EventKind.REJECTED
        self._count_refusals(events[refused])
        times = np.maximum.accumulate(np.maximum(commands["ts_ns"], self._now_ns))
        self._now_ns = int(times[-1])
        if self.joint is not None:
            if own_prints:
                prints = _own_prints(events, offsets, times)
            left = _left_unfilled(events, offsets, len(commands))
            self._play_joint(self.joint, commands, times, prints, set(offsets[refused].tolist()), left)
        self._commands += len(commands)
        self.timeline.offer(self._commands, self._sample)

    def _play_joint(
        self,
        joint: Joint,
        commands: Records,
        times: npt.NDArray[np.int64],
        prints: list[Print],
        refused_alone: set[int],
        left_alone: npt.NDArray[np.int64],
    ) -> None:
        """Play a slice with its anchors; what the joint market refuses or fills beyond the other is counted."""
        count = len(commands)
        origin = np.arange(count)
        due = joint.anchors.due(times, prints)
        if joint.anchors.replaces_log:
            keep = commands["kind"] != CommandKind.PROPOSE_ANCHOR
            before = np.concatenate(([0], np.cumsum(keep)))
            due = [anchor._replace(before=int(before[anchor.before])) for anchor in due]
            commands, origin = commands[keep], origin[keep]
        if due:
            at = [anchor.before for anchor in due]
            commands = np.insert(commands, at, _anchor_commands(due))
            origin = np.insert(origin, at, -1)
        if not len(commands):
            return
        events = joint.market.apply_batch(commands)
        joint.meter.feed(events)
        origins = origin[command_numbers(events)]
        self._residual_filled += np.maximum(left_alone - _left_unfilled(events, origins, count), 0).sum(axis=0)
        refused = events["kind"] == EventKind.REJECTED
        if refused.any():
            places = origins[refused].tolist()
            self._diverged += len({place for place in places if place >= 0} - refused_alone)

    def _compare(self, events: Records, offsets: npt.NDArray[np.int64], groups: Sequence[Group], start: int) -> None:
        """Hold the fills of every aggressor whose resting orders are all known against the log's."""
        accepted = events[(events["kind"] == EventKind.ACCEPTED) & (events["account"] != ACCOUNT_AGGRESSOR)]
        if not groups and not len(self._client_of) and not len(accepted):
            return
        self._client_of.update(zip(accepted["order_id"].tolist(), accepted["other_id"].tolist(), strict=True))
        trades = events["kind"] == _TRADE
        fills: _Fills = {}
        columns = ("other_id", "price_ticks", "qty_lots", "leaves_lots")
        rows = zip(offsets[trades].tolist(), events[trades][list(columns)].tolist(), strict=True)
        for offset, (maker, price, lots, leaves) in rows:
            fills.setdefault(offset, []).append((self._client_of.get(maker, 0), price, lots))
            if not leaves:
                self._client_of.pop(maker, None)
        for gone in events["order_id"][events["kind"] == EventKind.CANCELLED].tolist():
            self._client_of.pop(gone, None)
        for group in groups:
            self._judge(group, fills.get(group.command - start, []))

    def _judge(self, group: Group, got: list[tuple[int, int, int]]) -> None:
        self.findings.count("aggressors")
        if not group.known:
            self.findings.count("aggressors_not_compared")
            return
        self._groups += 1
        where = f"place {group.place}"
        side = Side(group.side).name
        expected, traded = _totals(group.fills), _totals(got)
        same = expected == traded
        self._totals_good += same
        if not same:
            self.findings.mismatch(
                "totals", where, "an aggressor traded other lots at its prices", expected, traded, side
            )
        if got == group.fills:
            self._sequence_good += 1
        elif same and self._exact_sequence:
            reason = f"an aggressor met the orders in another order than {group.order_ids}"
            self.findings.mismatch("sequence", where, reason, group.fills, got, side)

    def _count_refusals(self, refused: Records) -> None:
        for code, count in zip(*np.unique(refused["code"], return_counts=True), strict=True):
            # A native log's own anchors mean nothing to the market without a curve.
            if code == RejectCode.NO_CURVE:
                continue
            self.findings.count(f"refused_{RejectCode(int(code)).name.lower()}", int(count))

    # --- small things ---------------------------------------------------------------------------

    @staticmethod
    def _set_curve(market: MarketProtocol, curve: SetCurve) -> None:
        events: list[Event] = market.apply(curve)
        for event in events:
            if isinstance(event, Rejected):
                raise MisuseError(f"the market refuses the curve: {event.code.doc}. Check {curve.params}.")

    def _sample(self) -> Sample:
        market = self.market
        depth = market.depth(DEPTH_LEVELS)
        parts = {
            (side, source): tuple(zip(rows["price_ticks"].tolist(), rows["qty_lots"].tolist(), strict=True))
            for side in (Side.BUY, Side.SELL)
            for source in (Source.BOOK, Source.CURVE)
            for rows in (depth[(depth["side"] == side) & (depth["source"] == source)],)
        }
        meter = None if self.joint is None else self.joint.meter
        takers = self._takers if meter is None else meter.takers
        return Sample(
            message=self._commands,
            ts_ns=self._now_ns,
            bids=parts[Side.BUY, Source.BOOK],
            asks=parts[Side.SELL, Source.BOOK],
            rung_bids=parts[Side.BUY, Source.CURVE],
            rung_asks=parts[Side.SELL, Source.CURVE],
            low_ticks=meter.low_ticks if meter else 0,
            high_ticks=meter.high_ticks if meter else 0,
            last_trade_ticks=market.last_trade_ticks,
            book_lots=sum(takers.book_lots),
            bought_lots=meter.bought_lots if meter else 0,
            sold_lots=meter.sold_lots if meter else 0,
            net_lots=meter.net_lots if meter else 0,
            cash_notional=meter.cash_notional if meter else 0,
        )


def _left_unfilled(events: Records, origins: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """Return the lots that each of `count` commands left unfilled, by side of the taker: shape (count, 2)."""
    left = np.zeros((count, len(Side)), np.int64)
    at = np.flatnonzero((events["kind"] == EventKind.CANCELLED) & (events["code"] == CancelReason.REMAINDER))
    left[origins[at], events["side"][at]] = events["qty_lots"][at]
    return left


def _own_prints(events: Records, offsets: npt.NDArray[np.int64], times: npt.NDArray[np.int64]) -> list[Print]:
    at = np.flatnonzero(events["kind"] == _TRADE)
    return [
        Print(offset + 1, int(times[offset]), price, lots)
        for offset, price, lots in zip(
            offsets[at].tolist(), events["price_ticks"][at].tolist(), events["qty_lots"][at].tolist(), strict=True
        )
    ]


def _anchor_commands(anchors: Sequence[Anchor]) -> Records:
    out = np.zeros(len(anchors), COMMAND)
    out["kind"] = CommandKind.PROPOSE_ANCHOR
    for row, anchor in zip(out, anchors, strict=True):
        row["ts_ns"], row["price_ticks"], row["high_ticks"] = anchor.ts_ns, anchor.low_ticks, anchor.high_ticks
    return out


def _totals(fills: Sequence[tuple[int, int, int]]) -> dict[int, int]:
    totals: dict[int, int] = {}
    for _, price, lots in fills:
        totals[price] = totals.get(price, 0) + lots
    return dict(sorted(totals.items()))
