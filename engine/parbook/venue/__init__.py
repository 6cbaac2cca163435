"""The public exchange, in a person's units, over an integer-level core.

exchange  the public face: looking, events        base     core, handles, one writer
markets   listing, curve, fair price, sessions    grid     handles, exact conversions
orders    place, amend, cancel, quote, kill       terms    what an order may say beyond that
money     deposits, fees, balances                choices  text for enumerated values
curves    curves in a person's units              ids      text client ids
results   what the calls return                   preview  what an order would meet
history   retained events
"""

from parbook.venue.curves import LinearBuyback, Pmm, Redemption
from parbook.venue.exchange import Exchange, Snapshot
from parbook.venue.grid import AssetHandle, InstrumentHandle
from parbook.venue.preview import Preview
from parbook.venue.results import Balance, Fill, Outcome, Placement

__all__ = [
    "AssetHandle",
    "Balance",
    "Exchange",
    "Fill",
    "InstrumentHandle",
    "LinearBuyback",
    "Outcome",
    "Placement",
    "Pmm",
    "Preview",
    "Redemption",
    "Snapshot",
]
