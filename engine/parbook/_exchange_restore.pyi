"""From bytes back to a compiled exchange. Behind `parbook._exchange.Exchange.from_state`."""

from collections.abc import Sequence

from parbook._exchange import Exchange
from parbook.listing import Asset, Listing

def exchange_from_state(state: bytes, assets: Sequence[Asset], listings: Sequence[Listing]) -> Exchange:
    """Return the compiled exchange that had this state. Errors: see the interface."""
