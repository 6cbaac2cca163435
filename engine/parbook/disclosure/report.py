"""A built venue -> its listing report: what it is worth, who owes, what stands behind its units, what bad days do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from parbook.assets.nav import TOP, Nav, net_asset_value
from parbook.assets.terms import Band, Stress, stressed
from parbook.disclosure.lines import lines_of
from parbook.disclosure.records import SCHEMA, Haircut, ListingReport, RunLines, TrancheLines
from parbook.disclosure.run import Ran, run
from parbook.disclosure.standing import backed_e12, backing, insured_micro, net_assets, quotes
from parbook.oracle.rounds import anchor_at
from parbook.pools.amounts import E12, NANO, Rounding, divide
from parbook.pools.limits import Concentration, breaches, concentration
from parbook.protocol import prices
from parbook.setup import Built
from parbook.setup.tape import Tape, shares_of, valued
from parbook.setup.terms import RunTerms

Progress = Callable[[int, int], None]
EXIT_SHARES_E12: Final = (E12 // 10, E12 // 5, 2 * E12 // 5)
"""Shares of the supply whose way out is timed."""
_RUNS: Final = len(EXIT_SHARES_E12) + 3


def listing_report(built: Built, progress: Progress | None = None) -> ListingReport:
    """Return the report of a venue just built. Changes nothing: what is tried is tried on copies.

    O(assets x months + steps of six runs).
    """
    setup, entry = built.setup, built.entry
    runs = _Runs(built, progress)
    exits = [runs.calm_exit(share) for share in EXIT_SHARES_E12]
    bad = _run_lines(built, runs)
    nav = net_asset_value(built.tape.holdings, built.tape.curve)
    obligors, sellers = (concentration(names) for names in (entry.pool.book.by_obligor, entry.pool.book.by_seller))
    largest = obligors.shares[0][1] if obligors.shares else 0
    insurance_micro = insured_micro(built)
    report = ListingReport(
        schema=SCHEMA,
        name=setup.pool.name,
        as_of=setup.as_of.isoformat(),
        model=built.tape.valuation.model,
        input_hash=built.tape.valuation.input_hash,
        assets=len(built.tape.assets),
        nav=net_assets(built),
        tranches=tuple(_tranche(built, index, exits) for index in range(len(entry.tranches))),
        obligors=_top(obligors),
        counterparties=_top(sellers),
        late=nav.late,
        stages=nav.stages,
        insurance_micro=insurance_micro,
        insurance_ratio_e12=divide(insurance_micro * E12, largest, Rounding.FLOOR) if largest else 0,
        backing_e12=backed_e12(built),
        run=bad,
        notes=tuple(_notes(built, nav, bad, obligors, sellers)),
        lines=(),
    )
    return msgspec.structs.replace(report, lines=tuple(lines_of(report)))


def stressed_tape(tape: Tape, terms: RunTerms) -> Tape:
    """Return the tape as it truly is in the run: PD and LGD of every asset worse, spreads as they are."""
    stress = Stress(pd_multiple_e12=terms.pd_multiple_e12, lgd_add_e12=terms.lgd_add_e12, spread_add_e12=0)
    worse = [msgspec.structs.replace(asset, terms=stressed(asset.terms, Band.LOW, stress)) for asset in tape.assets]
    return valued(worse, tape.curve)


class _Runs:
    """Runs of one venue; progress counts the steps of all of them."""

    def __init__(self, built: Built, progress: Progress | None) -> None:
        self.built = built
        self.progress = progress
        self.done = 0

    def play(self, terms: RunTerms, truth: Tape, *, until_done: bool = False) -> Ran:
        """Play one."""
        number, watch = self.done, self.progress

        def step(done: int, total: int) -> None:
            if watch is not None:
                watch(1000 * number + 1000 * done // total, 1000 * _RUNS)

        ran = run(self.built, terms, truth, shares_of(truth), until_done=until_done, progress=step)
        self.done += 1
        if watch is not None:
            watch(1000 * self.done, 1000 * _RUNS)
        return ran

    def calm_exit(self, share_e12: int) -> Ran:
        """Let a share leave while nothing else happens."""
        terms = self.built.setup.run
        calm = RunTerms(
            share_e12=share_e12,
            pd_multiple_e12=E12,
            lgd_add_e12=0,
            late_ns=0,
            every_ns=terms.every_ns,
            days=terms.days,
        )
        return self.play(calm, self.built.tape, until_done=share_e12 > 0)


def _tranche(built: Built, index: int, exits: list[Ran]) -> TrancheLines:
    exchange, entry = built.exchange, built.entry
    anchor = anchor_at(exchange.protocol.feeds[entry.feed].feed, exchange.now_ns)
    low, mid, high = (
        prices.values(entry, share)[index] for share in (anchor.low_nano, anchor.mid_nano, anchor.high_nano)
    )
    tranche, supply = entry.tranches[index], entry.pool.tranches[index].supply_micro
    market = built.setup.tranches[index].market
    return TrancheLines(
        name=mid.name,
        symbol=market.symbol if market is not None else "",
        supply_micro=supply,
        value_low_micro=low.value_micro,
        value_mid_micro=mid.value_micro,
        value_high_micro=high.value_micro,
        exit_low_nano=low.exit_nano,
        exit_mid_nano=mid.exit_nano,
        exit_high_nano=high.exit_nano,
        entry_high_nano=high.entry_nano,
        subordination_e12=low.subordination_e12,
        protected=low.protected,
        backing=backing(exchange, entry, index),
        quotes=quotes(exchange, tranche, supply, mid.exit_nano),
        exit_ns=tuple(ran.done_ns[index] for ran in exits),
    )


def _top(all_of_them: Concentration) -> Concentration:
    return msgspec.structs.replace(all_of_them, shares=all_of_them.shares[:TOP])


# --- the run ------------------------------------------------------------------------------------


def _run_lines(built: Built, runs: _Runs) -> RunLines:
    terms, truth = built.setup.run, stressed_tape(built.tape, built.setup.run)
    calm = runs.calm_exit(0)
    alone = runs.play(msgspec.structs.replace(terms, share_e12=0), truth)
    bad = runs.play(terms, truth)
    names = [tranche.name for tranche in built.setup.tranches]
    return RunLines(
        share_e12=terms.share_e12,
        pd_multiple_e12=terms.pd_multiple_e12,
        lgd_add_e12=terms.lgd_add_e12,
        late_ns=terms.late_ns,
        every_ns=terms.every_ns,
        days=terms.days,
        fair_mid_micro=built.tape.valuation.total_micro(Band.MID),
        true_mid_micro=truth.valuation.total_micro(Band.MID),
        true_low_micro=truth.valuation.total_micro(Band.LOW),
        haircuts=tuple(haircut(name, index, calm, alone, bad) for index, name in enumerate(names)),
        trail=bad.trail,
        refused=bad.refused,
    )


def haircut(name: str, index: int, calm: Ran, alone: Ran, bad: Ran) -> Haircut:
    """Return what one tranche's holders lose in `bad`, measured against `calm`."""
    exits, calm_nano = bad.exits[index], calm.end_nano[index]
    stayers = lost_e12(bad.end_nano[index], calm_nano)
    leavers = None
    if exits.asked_micro:
        # In 1e-9 micro, so that nothing is rounded before the share is.
        got = exits.paid_micro * NANO + exits.held_micro * bad.end_nano[index]
        leavers = lost_e12(got, exits.asked_micro * calm_nano)
    return Haircut(
        name=name,
        calm_nano=calm_nano,
        alone_nano=alone.end_nano[index],
        end_nano=bad.end_nano[index],
        assets_e12=lost_e12(alone.end_nano[index], calm_nano),
        stayers_e12=stayers,
        leavers_e12=leavers,
        worst_e12=max(stayers, stayers if leavers is None else leavers),
        exits=exits,
        treasury_result_micro=bad.worth_micro[index] - calm.worth_micro[index],
    )


def lost_e12(now: int, before: int) -> int:
    """Return the share of `before` that is lost, rounded up; below 0 when something was won, 0 of nothing."""
    return E12 - divide(now * E12, before, Rounding.FLOOR) if before else 0


# --- remarks ------------------------------------------------------------------------------------


def _notes(built: Built, nav: Nav, bad: RunLines, obligors: Concentration, sellers: Concentration) -> list[str]:
    """Return what a reader must not miss."""
    rules, notes = built.setup.pool.eligibility, []
    limits = built.setup.pool.limits
    notes += [f"Limit passed: {breach}." for breach in breaches(obligors, sellers, limits)]
    late = sum(asset.days_past_due > rules.days_past_due_max for asset in built.tape.assets)
    if late:
        notes.append(
            f"{late} of {nav.assets} assets are more than {rules.days_past_due_max} days past due: the pool's rules "
            "would refuse them as new ones."
        )
    for index, tranche in enumerate(built.setup.tranches):
        if tranche.market is None and tranche.desk is None and tranche.queue is None:
            notes.append(f"Tranche {tranche.name}: there is no way to leave.")
        value = prices.low_value(built.entry, index)
        if value is not None and not value.protected:
            notes.append(f"Tranche {tranche.name}: less than its minimum lies below it.")
        if bad.haircuts[index].exits.held_micro:
            notes.append(f"Tranche {tranche.name}: in the run, not all who wanted to leave had left in the end.")
    for name, times in bad.refused.items():
        notes.append(f"In the run the feed did not take {times} reports: {name}.")
    if not insured_micro(built):
        notes.append("There is no insurance fund.")
    return notes
