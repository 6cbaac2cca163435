"""Seeded random streams of special orders: every type, time in force and term, mostly in combinations that are accepted.

The operations are those of `tests.parity.streams`; a special command is two neighbouring records of a batch.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np

from parbook.codes import Allocation, CommandKind, CurveShape, OrderType, Peg, SessionState, StpMode, TimeInForce
from parbook.instrument import Instrument
from parbook.interface import MarketProtocol
from parbook.messages import CurveParams, SetCurve
from parbook.records import COMMAND, TERMS, Records
from tests.parity.streams import Operation, resting_orders

LIMIT, MARKET, PEGGED = OrderType.LIMIT, OrderType.MARKET, OrderType.PEGGED
GATHERING = (TimeInForce.GTC, TimeInForce.GTC, TimeInForce.GTC, TimeInForce.GTD, TimeInForce.DAY)
IMMEDIATE = (TimeInForce.IOC, TimeInForce.FOK)
Fields = dict[str, int]


def instrument_of(seed: int) -> Instrument:
    """Return an instrument whose settings the seed draws; seed 0 has every default."""
    draw = random.Random(seed)
    if not seed:
        return Instrument(symbol="S0")
    return Instrument(
        symbol=f"S{seed}",
        stp=draw.choice([StpMode.OFF, StpMode.OFF, *(mode for mode in StpMode if mode is not StpMode.DEFAULT)]),
        allocation=draw.choice(list(Allocation)),
        reinsert_on_amend=draw.random() < 0.2,
        market_rests=draw.random() < 0.4,
        max_triggers=draw.choice([1, 2, 64]),
        stop_through_triggers=draw.random() < 0.5,
        static_band_ppm=draw.choice([0, 0, 10_000, 40_000]),
        dynamic_band_ppm=draw.choice([0, 0, 5_000, 30_000]),
        breach_rests=draw.random() < 0.5,
        price_reach_ppm=draw.choice([0, 0, 60_000]),
        max_order_lots=draw.choice([2**38 - 1, 60]),
        max_orders=draw.choice([2**24, 40]),
        client_id_window=draw.choice([0, 5, 1024]),
        collar_ppm=draw.choice([0, 20_000, 50_000]),
    )


class SpecialStream:
    """Draws operations around a price that walks, from one seed."""

    def __init__(self, seed: int, mid_ticks: int = 1000, spread_ticks: int = 12) -> None:
        self.draw = random.Random(seed)
        self.mid_ticks = mid_ticks
        self.spread_ticks = spread_ticks
        self.now_ns = 1
        self.curve = self.draw.random() < 0.5

    def next(self, market: MarketProtocol, size: int) -> list[Operation]:
        """Return the next operations, `size` commands among them, aimed at the market's live orders."""
        operations: list[Operation] = []
        if self.curve and self.draw.random() < 0.2:
            operations.append(SetCurve(params=self._curve_params()))
        live = resting_orders(market)
        commands = [command for _ in range(size) for command in self._command(live)]
        records = np.zeros(len(commands), COMMAND)
        terms = records.view(TERMS)
        for i, fields in enumerate(commands):
            target = terms if fields["kind"] == CommandKind.TERMS else records
            for name, value in fields.items():
                target[name][i] = value
        operations.append(records)
        return operations

    def _command(self, live: Records) -> list[Fields]:
        draw = self.draw
        if draw.random() < 0.3:
            self.now_ns += draw.choice([0, 1, 1, 5, 40])
        makers: list[tuple[float, Callable[[Records], list[Fields]]]] = [
            (0.24, self._plain),
            (0.42, self._special),
            (0.1, self._cancel),
            (0.14, self._amend),
            (0.06, self._anchor),
            (0.04, self._odd),
        ]
        make = draw.choices([m for _, m in makers], [p for p, _ in makers])[0]
        commands = make(live)
        if commands[0]["kind"] != CommandKind.TERMS:
            commands[0]["ts_ns"] = draw.choice([0, self.now_ns, self.now_ns])
        return commands

    def _price(self) -> int:
        draw = self.draw
        if draw.random() < 0.05:
            self.mid_ticks = max(1, self.mid_ticks + draw.choice([-4, -1, 1, 4]))
        return max(1, self.mid_ticks + draw.randint(-self.spread_ticks, self.spread_ticks))

    def _base(self, kind: CommandKind) -> Fields:
        draw = self.draw
        return {
            "kind": kind,
            "account": draw.randint(1, 4),
            "side": draw.randint(0, 1),
            "qty_lots": draw.randint(1, 30),
            "price_ticks": self._price(),
            "client_id": draw.randint(0, 40) if draw.random() < 0.3 else 0,
            "session": draw.randint(0, 3),
        }

    def _plain(self, _live: Records) -> list[Fields]:
        draw = self.draw
        order_type = draw.choices(list(OrderType)[:5], [20, 2, 2, 2, 2])[0]
        tifs = IMMEDIATE if order_type is MARKET else (*GATHERING, *IMMEDIATE) if order_type is LIMIT else GATHERING
        tif = draw.choice([t for t in tifs if t is not TimeInForce.GTD])
        if order_type is MARKET and draw.random() < 0.3:
            tif = TimeInForce.GTC
        return [self._base(CommandKind.NEW) | {"order_type": order_type, "tif": tif}]

    def _special(self, live: Records) -> list[Fields]:
        draw = self.draw
        command = self._base(CommandKind.NEW_SPECIAL)
        terms: Fields = {"kind": CommandKind.TERMS, "stp": draw.choice([0, 0, 0, 1, 2, 3, 4, 5])}
        draw.choice([self._iceberg, self._hidden, self._stop, self._stop, self._trailing, self._peg, self._amount,
                     self._minimum, self._timed, self._oco])(command, terms, live)
        command.setdefault("tif", draw.choice(GATHERING))
        if command["tif"] == TimeInForce.GTD:
            terms["expire_ns"] = self.now_ns + draw.choice([0, 1, 3, 50, 10**6])
        if draw.random() < 0.04:
            name = draw.choice([name for name in TERMS.names or () if name not in ("kind", "reserved", "oco_order_id")])
            terms[name] = draw.randint(0, 3)
        return [command] if draw.random() < 0.01 else [command, terms]

    def _iceberg(self, command: Fields, terms: Fields, _live: Records) -> None:
        terms["display_lots"] = self.draw.randint(1, max(1, command["qty_lots"] // 3))
        command["order_type"] = self.draw.choice([0, 0, 2, 3])

    def _hidden(self, command: Fields, terms: Fields, _live: Records) -> None:
        terms["hidden"] = 1
        command["order_type"] = self.draw.choice([0, 0, 0, 2, 3])

    def _stop(self, command: Fields, terms: Fields, _live: Records) -> None:
        draw = self.draw
        away = draw.randint(-2, self.spread_ticks)
        terms["stop_ticks"] = max(1, self.mid_ticks + (away if command["side"] == 0 else -away))
        terms["trigger"] = int(draw.random() < 0.2)
        self._stop_type(command)

    def _trailing(self, command: Fields, terms: Fields, _live: Records) -> None:
        if self.draw.random() < 0.5:
            terms["offset_ticks"] = self.draw.randint(1, 8)
        else:
            command["trail_ppm"] = self.draw.choice([1, 2_000, 9_000])
        terms["trigger"] = int(self.draw.random() < 0.3)
        self._stop_type(command)

    def _stop_type(self, command: Fields) -> None:
        command["order_type"] = self.draw.choice([LIMIT, MARKET])
        command["tif"] = self.draw.choice(IMMEDIATE if command["order_type"] == MARKET else (*GATHERING, *IMMEDIATE))

    def _peg(self, command: Fields, terms: Fields, _live: Records) -> None:
        command["order_type"] = PEGGED
        terms["peg"] = self.draw.choice([Peg.ANCHOR, Peg.MID, Peg.PRIMARY])
        terms["offset_ticks"] = self.draw.randint(-4, 4)
        worst = self.draw.randint(0, self.spread_ticks)
        command["price_ticks"] = max(1, self.mid_ticks + (worst if command["side"] == 0 else -worst))

    def _amount(self, command: Fields, terms: Fields, _live: Records) -> None:
        command.update(side=0, order_type=MARKET, tif=TimeInForce.IOC)
        terms["amount_notional"] = self.draw.randint(1, 30 * self.mid_ticks)

    def _minimum(self, command: Fields, terms: Fields, _live: Records) -> None:
        terms["min_lots"] = self.draw.randint(1, command["qty_lots"])
        command["tif"] = self.draw.choice([TimeInForce.GTC, TimeInForce.IOC, TimeInForce.DAY])

    def _timed(self, command: Fields, _terms: Fields, _live: Records) -> None:
        command["tif"] = self.draw.choice([TimeInForce.GTD, TimeInForce.GTD, TimeInForce.DAY])
        command["order_type"] = self.draw.choice([0, 0, 2, 3, 4])

    def _oco(self, command: Fields, terms: Fields, live: Records) -> None:
        if self.draw.random() < 0.6:
            self._stop(command, terms, live)
        if len(live):
            partner = live[self.draw.randrange(len(live))]
            terms["oco_order_id"] = int(partner["order_id"])
            command["account"] = int(partner["account"])
            if self.draw.random() < 0.7:
                command["side"] = 1 - int(partner["side"])

    def _cancel(self, live: Records) -> list[Fields]:
        command = self._base(self.draw.choice([CommandKind.CANCEL, CommandKind.REDUCE]))
        self._aim(command, live)
        command["qty_lots"] = self.draw.randint(1, 8)
        return [command]

    def _amend(self, live: Records) -> list[Fields]:
        draw = self.draw
        command = self._base(draw.choice([CommandKind.AMEND, CommandKind.AMEND_SPECIAL]))
        self._aim(command, live)
        if draw.random() < 0.4:
            command["price_ticks"] = 0
        if draw.random() < 0.3:
            command["qty_lots"] = 0
        if command["kind"] == CommandKind.AMEND:
            return [command]
        terms: Fields = {"kind": CommandKind.TERMS}
        if draw.random() < 0.6:
            terms["display_lots"] = draw.randint(1, 6)
        else:
            terms["stop_ticks"] = self._price()
        return [command, terms]

    def _aim(self, command: Fields, live: Records) -> None:
        if len(live) and self.draw.random() < 0.9:
            target = live[self.draw.randrange(len(live))]
            command.update(account=int(target["account"]), order_id=int(target["order_id"]), client_id=0)

    def _anchor(self, _live: Records) -> list[Fields]:
        draw = self.draw
        kind = draw.choices(
            [CommandKind.PROPOSE_ANCHOR, CommandKind.ADVANCE, CommandKind.WITHDRAW_CURVE, CommandKind.WITHDRAW_ANCHORS],
            [10, 8, 1, 1],
        )[0]
        low = self._price()
        return [{"kind": kind, "price_ticks": low, "high_ticks": low + draw.randint(0, 3)}]

    def _odd(self, _live: Records) -> list[Fields]:
        draw = self.draw
        fields = self._base(draw.choice([CommandKind.NEW, CommandKind.NEW_SPECIAL, CommandKind.TERMS]))
        if fields["kind"] == CommandKind.TERMS:
            return [{"kind": CommandKind.TERMS, "display_lots": fields["qty_lots"]}]
        fields[draw.choice(["order_type", "tif", "side", "qty_lots", "price_ticks"])] = draw.randint(0, 8)
        return [fields]

    def _curve_params(self) -> CurveParams:
        draw = self.draw
        return CurveParams(
            shape=CurveShape.PMM,
            base_depth_lots=draw.randint(1, 400),
            quote_depth_lots=draw.randint(1, 400),
            budget_notional=draw.choice([0, 10**4, 10**6]),
            k_ppm=draw.choice([0, 100_000, 10**6]),
            spread_ppm=draw.choice([0, 2_000, 20_000]),
            activation_delay_ns=draw.choice([0, 0, 20]),
            anchor_move=draw.choice([0, 1]),
            lift_max_lots=draw.choice([3, 50]),
        )


BREACH_STATES = (SessionState.CONTINUOUS, SessionState.HALTED, SessionState.AUCTION)
