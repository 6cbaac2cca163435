"""Seeded random streams for an exchange: what markets are asked, woven together with money, statuses and time.

Every operation is drawn from the state of the exchange that is driven, through its views, so two implementations that
agree are asked the same. The operations are COMMAND arrays, and SetCurve between them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np

from parbook import messages as m
from parbook.codes import AccountField, CommandKind, Denial, EventKind, RejectCode, StpMode
from parbook.interface import ExchangeProtocol
from parbook.listing import Asset, Listing
from parbook.records import Records, command_records
from parbook.units import EVERY_INSTRUMENT
from tests.parity.profiles import PROFILES, Profile, instrument_of
from tests.parity.streams import Operation, Stream

ACCOUNTS = 6
TREASURY = 5
"""One of the accounts that trade: the curve's side and its own orders share one balance."""
WEALTH = ((5, 5, 6, 7, 9, 12, 5), (7,) * 7)
"""Decimal digits of what each account moves at most, by seed: rich ones and poor ones, or everybody short of money."""
BY_NAME = {profile.name: profile for profile in PROFILES}
MARKETS = ("everything-0", "curve-anchors", "busts", "everything-3")
"""The profiles that the instruments of a small exchange are drawn from, in turn; a large one takes all there are."""
MODES = (None, StpMode.CANCEL_OLDEST, StpMode.CANCEL_NEWEST, StpMode.CANCEL_BOTH, StpMode.DECREMENT)
"""How the instruments of a large exchange prevent self-trades, in turn; None: as their profile says."""
EVERYWHERE = (CommandKind.ADVANCE, CommandKind.MASS_CANCEL, CommandKind.KILL, CommandKind.DEADMAN)
REFERRED = (
    CommandKind.NEW,
    CommandKind.CANCEL,
    CommandKind.AMEND,
    CommandKind.REDUCE,
    CommandKind.NEW_SPECIAL,
    CommandKind.AMEND_SPECIAL,
)
ENTERING = (CommandKind.NEW, CommandKind.NEW_SPECIAL, CommandKind.QUOTE)
FIRST_OWN_KIND = EventKind.DEPOSITED

CODES_OF_EXCHANGES = {RejectCode.SIDE_DENIED} | {code for code in RejectCode if code >= RejectCode.UNKNOWN_ASSET}
KINDS_OF_EXCHANGES = {kind for kind in EventKind if kind >= FIRST_OWN_KIND}


class Coverage:
    """Which refusals and events of an exchange a run has seen."""

    def __init__(self) -> None:
        self.codes: Counter[int] = Counter()
        self.kinds: Counter[int] = Counter()

    def count(self, events: Records) -> None:
        """Count an answer."""
        kinds = events["kind"]
        self.kinds.update(kinds.tolist())
        self.codes.update(events["code"][kinds == EventKind.REJECTED].tolist())

    def missing(self) -> list[str]:
        """Return what no answer held, by name."""
        missing = [code.name for code in sorted(CODES_OF_EXCHANGES) if not self.codes[code]]
        return missing + [kind.name for kind in sorted(KINDS_OF_EXCHANGES) if not self.kinds[kind]]


def found(exchange: ExchangeProtocol, seed: int, instruments: int = 3, accounts: int = ACCOUNTS) -> None:
    """Give an empty exchange its assets and instruments: one quote asset for all, lots and ticks of any worth."""
    draw = np.random.Generator(np.random.PCG64([seed, 5]))
    quote = exchange.add_asset(Asset(name="QUOTE", decimals=6))
    for number in range(instruments):
        base = exchange.add_asset(Asset(name=f"BASE{number}"))
        profile = replace(profile_of(number, instruments), name=f"market {number}")
        instrument = instrument_of(profile, seed + number)
        mode = MODES[number % len(MODES)] if instruments > len(MARKETS) else None
        listing = Listing(
            instrument=instrument if mode is None else msgspec.structs.replace(instrument, stp=mode),
            base=base,
            quote=quote,
            lot_atoms=int(draw.choice([1, 10, 1000])),
            tick_atoms=int(draw.choice([1, 3, 100])),
            max_fee_ppm=int(draw.choice([2000, 50_000])),
            treasury=int(draw.choice([0, TREASURY, TREASURY])),
        )
        exchange.add_instrument(listing)
    if seed % 2 and instruments <= len(MARKETS):
        return  # everybody begins with nothing
    deposits = [
        m.Deposit(account=account, asset=asset, amount_atoms=10 ** WEALTH[0][(account - 1) % ACCOUNTS + 1])
        for account in range(1, accounts + 1)
        for asset in range(instruments + 1)
        # Of many instruments each account owns a tenth: to fund all would take longer than what follows.
        if asset == quote or instruments <= len(MARKETS) or (account + asset) % 10 == 0
    ]
    exchange.apply_batch(command_records(deposits))


def profile_of(number: int, instruments: int) -> Profile:
    """Return what an instrument's commands are drawn from."""
    if instruments > len(MARKETS):
        return PROFILES[number % len(PROFILES)]
    return BY_NAME[MARKETS[number % len(MARKETS)]]


class ExchangeStream:
    """Draws an exchange's operations from one seed."""

    def __init__(self, seed: int, instruments: int = 3, accounts: int = ACCOUNTS) -> None:
        self.random = np.random.Generator(np.random.PCG64([seed, 6]))
        self.markets = [Stream(profile_of(number, instruments), seed * 100 + number) for number in range(instruments)]
        self.accounts = accounts
        self.wealth = WEALTH[seed % 2]
        self.now_ns = 0
        self.refs: dict[int, int] = {}
        self.txns = 0

    def next(self, exchange: ExchangeProtocol, size: int) -> list[Operation]:
        """Return the next operations, about `size` commands, a third of them the exchange's own."""
        share = max(1, size * 2 // 3 // len(self.markets))
        queues: list[list[Operation]] = [self._split(command_records([self._money() for _ in range(size // 3)]))]
        for number, stream in enumerate(self.markets):
            stream.now_ns = self.now_ns
            queue: list[Operation] = []
            for operation in stream.next(exchange.market(number), share):
                sent = self._sent(operation, number)
                queue += [sent] if isinstance(sent, m.SetCurve) else self._split(sent)
            if exchange.market(number).curve is None:
                queue.insert(0, self._sent(stream.set_curve(), number))
            queues.append(queue)
        order = self.random.permutation(np.repeat(np.arange(len(queues)), [len(queue) for queue in queues]))
        woven = [queues[int(number)].pop(0) for number in order]
        return [self._timed(operation) for operation in _joined(woven)]

    def _split(self, records: Records) -> list[Operation]:
        """Cut commands into runs of a few, which others will come between; a special one keeps its terms."""
        starts = np.flatnonzero(_begins(records))
        lengths = self.random.integers(1, 6, len(starts))
        cuts = np.cumsum(lengths)
        return list(np.split(records, starts[cuts[cuts < len(starts)]]))

    def _sent(self, operation: Operation, number: int) -> Operation:
        """Address commands to their instrument, now and then to all or to none."""
        draw = self.random
        if isinstance(operation, m.SetCurve):
            return msgspec.structs.replace(operation, instrument=number if draw.random() < 0.98 else 9999)
        out = operation.copy()
        rows = np.flatnonzero(_begins(out))
        kinds = out["kind"][rows]
        out["instrument"][rows] = number
        odd = rows[draw.random(len(rows)) < 0.005]
        out["instrument"][odd] = draw.choice([777, EVERY_INSTRUMENT], len(odd))
        out["instrument"][rows[np.isin(kinds, EVERYWHERE) & (draw.random(len(rows)) < 0.2)]] = EVERY_INSTRUMENT
        if self.accounts > ACCOUNTS:
            # Changes name whose order they found; what enters may be anybody's.
            anybody = rows[np.isin(kinds, ENTERING) & (out["account"][rows] > 0)]
            bands = draw.integers(0, self.accounts // ACCOUNTS, len(anybody))
            out["account"][anybody] += (ACCOUNTS * bands).astype(np.uint32)
        return out

    def _timed(self, operation: Operation) -> Operation:
        """Give commands their times: none, the clock a little later, rarely one that has passed; and their numbers."""
        draw = self.random
        if isinstance(operation, m.SetCurve):
            return msgspec.structs.replace(operation, ts_ns=0 if draw.random() < 0.3 else self.now_ns)
        rows = np.flatnonzero(_begins(operation))
        steps = np.where(draw.random(len(rows)) < 0.2, draw.integers(0, 50, len(rows)), 0)
        times = self.now_ns + np.cumsum(steps)
        self.now_ns = int(times[-1])
        late = draw.random(len(rows)) < 0.003
        times[late] = np.maximum(times[late] - 1000, -5)
        operation["ts_ns"][rows] = np.where(draw.random(len(rows)) < 0.3, 0, times)
        sessions = operation["session"][rows]
        numbered = np.isin(operation["kind"][rows], REFERRED)
        numbered &= draw.random(len(rows)) < np.where(sessions > 0, 0.4, 0.01)
        for row, session in zip(rows[numbered].tolist(), sessions[numbered].tolist(), strict=True):
            operation["high_ticks"][row] = self._ref(session)
        return operation

    def _ref(self, session: int) -> int:
        """Return a session's next reference, or one that came before, or none that can be."""
        draw = self.random
        last = self.refs.get(session, 0)
        if draw.random() < 0.02:
            return -1
        if draw.random() < 0.2:
            return max(1, last - int(draw.integers(0, 30)))
        self.refs[session] = last + int(draw.choice([1, 1, 1, 1, 3]))
        return self.refs[session]

    def _money(self) -> m.Command:
        """Return one command that is the exchange's own, or one that denies an account a side."""
        draw = self.random
        names = ("deposit", "withdraw", "transfer", "fees", "tier", "status", "denial")
        name = str(draw.choice(names, p=[0.35, 0.17, 0.15, 0.08, 0.08, 0.11, 0.06]))
        command: m.Command = getattr(self, f"_{name}")()
        return command

    def _movement(self) -> dict[str, Any]:
        draw = self.random
        self.txns += 1
        txn_id = self.txns if draw.random() < 0.7 else int(draw.integers(0, self.txns + 1))
        account = int(draw.integers(1, self.accounts + 1)) if draw.random() < 0.98 else 0
        atoms = (
            int(10 ** draw.uniform(0, self.wealth[account % len(self.wealth)]))
            if draw.random() < 0.93
            else int(draw.choice([0, -1, 2**62]))
        )
        asset = int(draw.integers(0, len(self.markets) + 1)) if draw.random() < 0.98 else 600
        return {"account": account, "asset": asset, "amount_atoms": atoms, "txn_id": txn_id}

    def _deposit(self) -> m.Deposit:
        return m.Deposit(**self._movement())

    def _withdraw(self) -> m.Withdraw:
        return m.Withdraw(**self._movement())

    def _transfer(self) -> m.Transfer:
        return m.Transfer(**self._movement(), target_account=int(self.random.integers(0, self.accounts + 1)))

    def _fees(self) -> m.SetFees:
        draw = self.random
        maker_ppm, taker_ppm = int(draw.integers(-400, 900)), int(draw.integers(300, 2000))
        if draw.random() < 0.1:
            taker_ppm = int(draw.choice([-1, 2001, 60_000, 2**62]))
        tier = int(draw.integers(0, 4)) if draw.random() < 0.97 else 256
        return m.SetFees(tier=tier, maker_ppm=maker_ppm, taker_ppm=taker_ppm)

    def _tier(self) -> m.SetTier:
        return m.SetTier(account=int(self.random.integers(0, ACCOUNTS + 1)), tier=int(self.random.integers(0, 6)))

    def _status(self) -> m.SetStatus:
        draw = self.random
        status = int(draw.choice([0] * 9 + [1, 2, 3]))
        return m.SetStatus(account=int(draw.integers(0, ACCOUNTS + 1)), status=status)

    def _denial(self) -> m.SetAccount:
        draw = self.random
        denied = int(draw.choice([0] * 8 + [Denial.BUY, Denial.SELL]))
        instrument, account = int(draw.integers(0, len(self.markets))), int(draw.integers(1, ACCOUNTS + 1))
        return m.SetAccount(account=account, field=AccountField.DENIED, value=denied, instrument=instrument)


def _begins(records: Records) -> np.ndarray:
    """Return which records begin a command: all but the terms of a special one."""
    terms = records["kind"] == CommandKind.TERMS
    special = np.isin(records["kind"], (CommandKind.NEW_SPECIAL, CommandKind.AMEND_SPECIAL))
    return ~(terms & np.concatenate(([False], special[:-1])))


def _joined(operations: list[Operation]) -> list[Operation]:
    """Return the same commands in as few operations as their order allows."""
    out: list[Operation] = []
    run: list[Records] = []
    for operation in operations:
        if not isinstance(operation, m.SetCurve):
            run.append(operation)
            continue
        out += [np.concatenate(run), operation] if run else [operation]
        run = []
    return [*out, np.concatenate(run)] if run else out
