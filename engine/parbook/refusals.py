"""Why a command of the asset side was refused: an expected no, with a number that never changes."""

from __future__ import annotations

from parbook.codes import DocumentedEnum


class Refusal(DocumentedEnum):
    """Why nothing happened but the clock moving. Numbers are stable: append only, never reuse."""

    # --- pools ----------------------------------------------------------------------------------
    POOL_STATE = 1000, "the pool's state does not allow this"
    TRANCHE_STATE = 1001, "the tranche is gated or closed"
    INELIGIBLE = 1002, "an asset does not meet the pool's rules"
    CONCENTRATION = 1003, "the pool would pass a limit on one obligor, one counterparty or their concentration"
    DUPLICATE_ASSET = 1004, "an asset of this id, or another that is backed by the same contract, is there already"
    UNKNOWN_LOAN = 1005, "the pool has no asset of this id"
    LOAN_STATE = 1006, "the asset's state does not allow this"
    LOAN_AMOUNT = 1007, "more than there is to bill, to pay, to recover or to write off"
    POOL_CASH = 1008, "the pool has not so much cash that is free"
    SUBORDINATION = 1009, "a tranche would have less below it than its minimum"
    NO_FAIR_VALUE = 1010, "the pool holds assets, and no fair value of them is active"
    TOO_SMALL = 1011, "it is worth less than the smallest unit"
    POOL_LIMIT = 1012, "the pool has as many assets as it may have"
    # --- general --------------------------------------------------------------------------------
    TIME_REVERSED = 1900, "ts_ns lies before the exchange's current time"
    INSUFFICIENT_AVAILABLE = 1901, "the account has less available than should leave it"
    ACCOUNT_SUSPENDED = 1902, "the account is suspended everywhere; SET_STATUS lifts it"
    INVALID_ACCOUNT = 1903, "the account is no number of the venue's: 1 to RESERVED_ACCOUNT - 1"
    AMOUNT_OUT_OF_RANGE = 1904, "the amount is not positive, or beyond 63 bits"
    NOT_THERE = 1905, "there is no pool, tranche, feed or other thing of this number"
    ALREADY_THERE = 1906, "there is one already"
    FULL = 1907, "there are as many as there may be"
    NAME_TAKEN = 1908, "the name is in use, or the exchange has no room for a further asset or instrument"
    NOT_ALLOWED = 1909, "this account may not do it"
