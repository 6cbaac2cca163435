"""Every expected no of the asset side. Numbers are stable: append only, never reuse.

A plan function returns one of these instead of a plan; nothing has changed then. Ranges: pools 1000, oracle 1100,
governance 1200, treasury 1300, desk 1400, queue 1500, anchored token 1600, insurance 1700, support 1800, general 1900.
"""

from __future__ import annotations

from parbook.codes import DocumentedEnum


class Refusal(DocumentedEnum):
    """Why a command of the asset side changed nothing but the time."""

    # --- 1000: pools
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

    # --- 1100: oracle
    ORACLE_UNKNOWN_SOURCE = 1100, "no member of the feed has this number"
    ORACLE_SOURCE_DISABLED = 1101, "the source is a member and may not report now"
    ORACLE_FUTURE = 1102, "it claims to have been observed after the present"
    ORACLE_TOO_OLD = 1103, "it was observed longer ago than a fresh observation may be"
    ORACLE_REPLAYED = 1104, "its sequence is not above the last one of its source"
    ORACLE_BACKWARDS = 1105, "it was observed before the last one of its source"
    ORACLE_BANDS_INVERTED = 1106, "its prices are not low <= mid <= high"
    ORACLE_BAND_TOO_WIDE = 1107, "its high lies too far above its low"
    ORACLE_OUT_OF_RANGE = 1108, "a price or the sequence is outside its range"
    ORACLE_HASH_MALFORMED = 1109, "a hash is not 64 lower-case hexadecimal digits"
    ORACLE_SUSPENDED = 1110, "the feed is suspended and takes nothing"
    ORACLE_ROUNDS_FULL = 1111, "as many rounds wait as may wait"
    ORACLE_MEMBERS_FULL = 1112, "the feed has as many members as it may have"
    ORACLE_KEY_TAKEN = 1113, "another member has this key: one voice would count twice"
    ORACLE_QUORUM_OUTGROWN = 1114, "the quorum would be no majority of the enabled members"
    ORACLE_UNKNOWN_ROUND = 1115, "no waiting round has this number"
    ORACLE_ROUND_DISPUTED = 1116, "the round is disputed already"
    ORACLE_ROUND_JUDGED = 1117, "a dispute about the round was dismissed before"
    ORACLE_NOT_DISPUTED = 1118, "nobody disputes the round"
    ORACLE_NOTHING_DUE = 1119, "nothing of the feed is due yet"
    ORACLE_UNCHANGED = 1120, "the feed is so already"

    # --- 1200: governance
    GOVERNANCE_UNKNOWN_PARAMETER = 1200, "no parameter has this name"
    GOVERNANCE_OUT_OF_BOUNDS = 1201, "the value is outside the parameter's hard bounds"
    GOVERNANCE_PARAMETER_EXISTS = 1202, "a parameter has this name already"
    GOVERNANCE_PARAMETERS_FULL = 1203, "there are as many parameters as there may be"
    GOVERNANCE_AMOUNT_TOO_SMALL = 1204, "less than may be locked or unlocked at once"
    GOVERNANCE_STAKERS_FULL = 1205, "as many accounts hold stake as may"
    GOVERNANCE_STAKE_OVERFLOW = 1206, "all stake together would exceed 63 bits"
    GOVERNANCE_STAKE_MISSING = 1207, "the account has locked less than that"
    GOVERNANCE_STAKE_HELD = 1208, "that stake took part in a vote that has not ended"
    GOVERNANCE_BELOW_THRESHOLD = 1209, "the proposer's stake does not reach the threshold"
    GOVERNANCE_PROPOSALS_FULL = 1210, "as many proposals are open as may be"
    GOVERNANCE_PROPOSER_BUSY = 1211, "the proposer has another open proposal"
    GOVERNANCE_CHANGES_MISSING = 1212, "a proposal without a change"
    GOVERNANCE_TOO_MANY_CHANGES = 1213, "a proposal with more changes than one may have"
    GOVERNANCE_CHANGE_TWICE = 1214, "a proposal names a parameter twice"
    GOVERNANCE_GUARDIAN_ALONE = 1215, "a proposal that replaces the guardian changes nothing else"
    GOVERNANCE_UNKNOWN_PROPOSAL = 1216, "no open proposal has this number"
    GOVERNANCE_NOT_VOTING = 1217, "the proposal is not being voted on"
    GOVERNANCE_NO_WEIGHT = 1218, "the account held no stake from before the proposal until now"
    GOVERNANCE_VOTED = 1219, "the account has voted on the proposal"
    GOVERNANCE_NOT_QUEUED = 1220, "the proposal has not passed its vote"
    GOVERNANCE_TIMELOCKED = 1221, "the proposal's timelock has not run out"
    GOVERNANCE_NOT_PROPOSER = 1222, "only the proposer, or the guardian's veto, cancels a proposal"
    GOVERNANCE_NO_VETO = 1223, "the guardian may only veto what increases risk, while it is queued"
    GOVERNANCE_NOT_GUARDIAN = 1224, "the account is not the guardian"
    GOVERNANCE_NO_DIRECTION = 1225, "no direction of the parameter is the safer one"
    GOVERNANCE_WRONG_DIRECTION = 1226, "the value is not safer than the one in force"
    GOVERNANCE_GUARDED = 1227, "the guardian holds the parameter already; it cannot be extended"
    GOVERNANCE_GUARD_COOLING = 1228, "the guardian held the parameter too recently"
    GOVERNANCE_GUARDS_FULL = 1229, "the guardian holds as many parameters as it may"
    GOVERNANCE_NOTHING_DUE = 1230, "nothing of governance is due yet"

    # --- 1300: treasury
    TREASURY_PAUSED = 1300, "the treasury is paused already"
    TREASURY_STOPPED = 1301, "the treasury was stopped by its losses; only a restart helps"
    TREASURY_PAUSE_TOO_LONG = 1302, "the pause would end in the past or last longer than the terms allow"
    TREASURY_PAUSE_TOO_SOON = 1303, "the last pause ended too short a while ago"
    TREASURY_NOT_PAUSED = 1304, "the treasury is not paused"
    TREASURY_NOT_STOPPED = 1305, "the treasury is not stopped"
    TREASURY_KEEPS_UNITS = 1306, "the terms say that units are resold, not retired"
    TREASURY_LACKS_UNITS = 1307, "more units are to be retired than the treasury holds"
    TREASURY_ABOVE_NAV = 1308, "the units cost more than their exit value, so that retiring them would dilute the rest"

    # --- 1400: desk
    DESK_CLOSED = 1400, "the desk is closed"
    DESK_NO_FAIR_VALUE = 1401, "there is no fair value to redeem at"
    DESK_TOO_SMALL = 1402, "the redemption is below the minimum, or would pay nothing"
    DESK_THROTTLED = 1403, "the desk's budget for this window does not reach; less may be redeemed now"
    DESK_LACKS_CASH = 1404, "the pool's unreserved cash does not reach; less may be redeemed now"
    DESK_NAV_WOULD_FALL = 1405, "the payout is above the exit value, so that those who stay would pay for it"
    DESK_BELOW_LEAST = 1406, "the payout would be less than the least that was asked for"

    # --- 1500: queue
    QUEUE_SHUT = 1500, "the queue takes no requests"
    QUEUE_TOO_SMALL = 1501, "the request is below the minimum"
    QUEUE_FULL = 1502, "as many accounts wait as the queue may hold"
    QUEUE_CLAIMS_FULL = (
        1503,
        "as many accounts have something to claim as the queue may hold; claims must be made first",
    )
    QUEUE_NO_REQUEST = 1504, "the account has no request"
    QUEUE_REQUEST_CLOSED = 1505, "the request's epoch is closed and waits for its price"
    QUEUE_NOT_CLOSED = 1506, "no epoch waits for a price"
    QUEUE_PRICE_TOO_EARLY = 1507, "the price was observed before the epoch closed, or as it did"
    QUEUE_NO_PRICE = 1508, "there is no price to strike"
    QUEUE_NOTHING_CLAIMABLE = 1509, "the account has nothing to claim"

    # --- 1900: general
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
