"""Every expected no of the asset side. Numbers are stable: append only, never reuse."""

from __future__ import annotations

from parbook.codes import DocumentedEnum


class Refusal(DocumentedEnum):
    """Why a mechanism does not do what it was asked. Nothing has changed."""

    # 1300: treasury
    TREASURY_PAUSED = 1300, "the treasury is paused already"
    TREASURY_STOPPED = 1301, "the treasury was stopped by its losses; only a restart helps"
    TREASURY_PAUSE_TOO_LONG = 1302, "the pause would end in the past or last longer than the terms allow"
    TREASURY_PAUSE_TOO_SOON = 1303, "the last pause ended too short a while ago"
    TREASURY_NOT_PAUSED = 1304, "the treasury is not paused"
    TREASURY_NOT_STOPPED = 1305, "the treasury is not stopped"
    TREASURY_KEEPS_UNITS = 1306, "the terms say that units are resold, not retired"
    TREASURY_LACKS_UNITS = 1307, "more units are to be retired than the treasury holds"
    TREASURY_ABOVE_NAV = 1308, "the units cost more than their exit value, so that retiring them would dilute the rest"

    # 1400: desk
    DESK_CLOSED = 1400, "the desk is closed"
    DESK_NO_FAIR_VALUE = 1401, "there is no fair value to redeem at"
    DESK_TOO_SMALL = 1402, "the redemption is below the minimum, or would pay nothing"
    DESK_THROTTLED = 1403, "the desk's budget for this window does not reach; less may be redeemed now"
    DESK_LACKS_CASH = 1404, "the pool's unreserved cash does not reach; less may be redeemed now"
    DESK_NAV_WOULD_FALL = 1405, "the payout is above the exit value, so that those who stay would pay for it"
    DESK_BELOW_LEAST = 1406, "the payout would be less than the least that was asked for"

    # 1500: queue
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
