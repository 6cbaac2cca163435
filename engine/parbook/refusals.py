"""Every expected no of the asset side. Numbers are stable: append only, never reuse."""

from __future__ import annotations

from parbook.codes import DocumentedEnum


class Refusal(DocumentedEnum):
    """An expected no of the asset side; stable numbers, append only."""

    # Anchored token: 1600
    TOKEN_NOT_SOUND = 1600, "the anchored token or one of its legs is not SOUND: nothing is minted"
    BACKING_TOO_LOW = 1601, "the backing ratio afterwards would lie below 1 plus the buffer"
    ISSUANCE_THROTTLED = 1602, "the issuance bucket holds less than this"
    REDEMPTION_THROTTLED = 1603, "the redemption bucket holds less than this"
    UNKNOWN_LEG = 1604, "no leg of the basket is of this asset"
    LEGS_FULL = 1605, "the basket has as many legs as it may"
    CIRCULAR_BACKING = 1606, "the asset is, or leads to, the native token, the anchored token or itself"
    OVERWEIGHT = 1607, "the leg's share of the basket would exceed its target weight and drift"
    ABOVE_SUPPLY = 1608, "more tokens than there are"
    LEG_SHORT = 1609, "the leg holds fewer units than this takes"
    TOKENS_TOO_FEW = 1610, "so little that nothing would be paid or minted"
    NOT_SHORT = 1611, "the backing ratio is 1 or more: nobody bears a haircut"
    STILL_SHORT = 1612, "the backing ratio is below 1: the haircut stays"
    LOSS_COVERED = 1613, "the loss order has layers left: holders bear nothing of it"
    LEG_NOT_SOUND = 1614, "the leg that would be paid from or into is not SOUND"
    WEIGHTS_OFF = 1615, "target weights must name every leg and sum to 1, and a DISABLED leg has none"
    QUOTE_OLDER = 1616, "the price is older than the one the leg has"
    LEG_IN_USE = 1617, "the leg still has units or a target weight"
    LEG_EXISTS = 1618, "the basket has a leg of this asset"
    SUPPLY_LIMIT = 1619, "supply or units would exceed 2**63 - 1 micro"
    GRAPH_FULL = 1620, "the backing graph has as many assets as it may"

    # Insurance fund: 1700
    FUND_SLASHING = 1700, "a loss is being assessed: stake neither enters nor leaves until it is settled"
    STAKE_TOO_SMALL = 1701, "so little stake that it buys no share, or shares so few that they are worth nothing"
    STAKE_SHORT = 1702, "the account has fewer shares than this"
    DRAFTS_FULL = 1703, "the account has as many unstaking drafts as it may: claim, or wait"
    STAKERS_FULL = 1704, "the fund has as many accounts as it may"
    NOTHING_CLAIMABLE = 1705, "no draft of the account is due, or no premium is owed to it"
    ALREADY_SLASHING = 1706, "a loss is being assessed already"
    NOT_SLASHING = 1707, "no loss is being assessed"
    ALARM_TOO_SOON = 1708, "stake could not leave a moment ago: between two alarms it must be able to"
    AUCTION_RUNNING = 1709, "an auction runs: what was seized since waits for the next"
    NO_AUCTION = 1710, "no auction runs"
    NOTHING_SEIZED = 1711, "no seized stake waits to be sold"
    LOT_SHORT = 1712, "the auction has less than this left"
    FUND_LIMIT = 1713, "the fund would hold more than 2**63 - 1 micro"
    ERAS_FULL = 1714, "the fund has begun as many eras as it may: it takes no stake any more"

    # Liquidity support: 1800
    BOND_TOO_SMALL = 1800, "so little money that it bonds no share, or shares so few that they are worth nothing"
    BOND_SHORT = 1801, "the account has bonded fewer shares than this"
    UNBONDINGS_FULL = 1802, "the account has as many unbondings under way as it may: claim, or wait"
    BONDERS_FULL = 1803, "as many accounts have bonded as may"
    NOTHING_UNBONDED = 1804, "no unbonding of the account is due"
    NO_REWARD = 1805, "nothing is owed to the account"
    BOND_LIMIT = 1806, "bonds would exceed the most that the terms let stand next to the reserve"
