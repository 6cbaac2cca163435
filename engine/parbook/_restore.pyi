"""From bytes back to a compiled market. Behind `parbook.Market.from_state`."""

from parbook._market import Market
from parbook.instrument import Instrument

def market_from_state(instrument: Instrument, state: bytes) -> Market:
    """Return the compiled market that had this state. Errors: see the interface."""
