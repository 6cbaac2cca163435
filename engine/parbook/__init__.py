"""parbook: an exchange engine in which a limit order book and a buyback curve fill every order jointly.

    import parbook as pb
    market = pb.Market(pb.Instrument(symbol="SME-A/USDx", tick="0.0001"))
    market.place(account=7, side=pb.Side.BUY, qty_lots=500, price_ticks=9880)

`Market` is compiled; `parbook.reference.Market` is the same in plain Python and is the specification.
"""

from parbook._market import Market, Placed
from parbook.codes import (
    AnchorMove,
    CancelReason,
    CommandKind,
    CurveShape,
    EventKind,
    OrderType,
    Priority,
    RejectCode,
    Side,
    Source,
    TimeInForce,
)
from parbook.errors import (
    ConversionError,
    CorruptionError,
    InputError,
    InvariantError,
    ListingError,
    LogFormatError,
    MisuseError,
    ParbookError,
)
from parbook.instrument import Instrument
from parbook.interface import CurveState, MarketProtocol, OrderState
from parbook.messages import (
    Advance,
    AmendOrder,
    CancelOrder,
    Command,
    CurveParams,
    Event,
    NewOrder,
    ProposeAnchor,
    ReduceOrder,
    SetCurve,
    Trade,
    WithdrawAnchors,
    WithdrawCurve,
)
from parbook.records import (
    COMMAND,
    CURVE,
    DEPTH,
    EVENT,
    command_records,
    curve_record,
    event_records,
    events_from_records,
)

__all__ = [
    "COMMAND",
    "CURVE",
    "DEPTH",
    "EVENT",
    "Advance",
    "AmendOrder",
    "AnchorMove",
    "CancelOrder",
    "CancelReason",
    "Command",
    "CommandKind",
    "ConversionError",
    "CorruptionError",
    "CurveParams",
    "CurveShape",
    "CurveState",
    "Event",
    "EventKind",
    "InputError",
    "Instrument",
    "InvariantError",
    "ListingError",
    "LogFormatError",
    "Market",
    "MarketProtocol",
    "MisuseError",
    "NewOrder",
    "OrderState",
    "OrderType",
    "ParbookError",
    "Placed",
    "Priority",
    "ProposeAnchor",
    "ReduceOrder",
    "RejectCode",
    "SetCurve",
    "Side",
    "Source",
    "TimeInForce",
    "Trade",
    "WithdrawAnchors",
    "WithdrawCurve",
    "command_records",
    "curve_record",
    "event_records",
    "events_from_records",
]
