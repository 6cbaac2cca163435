"""What the command lines of a scenario mean. The grammar stands in `tests.support.scenario`."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any

from parbook import messages as m
from parbook.codes import (
    AccountField,
    AnchorMove,
    CancelReason,
    CurveResale,
    CurveShape,
    OrderType,
    Peg,
    SessionState,
    Side,
    StpMode,
    TimeInForce,
    Trigger,
)
from parbook.instrument import Instrument

CURVE_FIELDS = {
    "base": "base_depth_lots",
    "depth": "quote_depth_lots",
    "budget": "budget_notional",
    "k": "k_ppm",
    "spread": "spread_ppm",
    "rung": "rung_ticks",
    "par": "par_lots",
    "drop": "drop_ppm",
    "min": "min_net_lots",
    "max": "max_net_lots",
    "delay": "activation_delay_ns",
    "lift": "lift_max_lots",
}


class ScenarioError(AssertionError):
    """A scenario is misspelt, or the market does not do what it says."""


class Words:
    """The words of a line, taken from the left."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.left = text.split()

    def __bool__(self) -> bool:
        return bool(self.left)

    def take(self) -> str:
        """Return the next word."""
        if not self.left:
            raise ScenarioError(f"{self.text!r} ends too early")
        return self.left.pop(0)

    def takes(self, *words: str) -> bool:
        """Take these words if they come next."""
        if tuple(self.left[: len(words)]) != words:
            return False
        del self.left[: len(words)]
        return True

    def expect(self, *words: str) -> None:
        """Take these words, which must come next."""
        if not self.takes(*words):
            raise ScenarioError(f"{self.text!r} lacks {' '.join(words)!r}")

    def number(self, mark: str = "") -> int:
        """Return the next word as an integer; `mark` stands before it."""
        word = self.take()
        if not word.startswith(mark) or not word.removeprefix(mark).removeprefix("-").isdigit():
            raise ScenarioError(f"{self.text!r}: {word!r} is no number")
        return int(word.removeprefix(mark))

    def code(self, kind: type[IntEnum]) -> Any:
        """Return the next word as a member of `kind`, spelt in lower case with hyphens."""
        word = self.take()
        name = word.upper().replace("-", "_")
        if name not in kind.__members__ or name.lower().replace("_", "-") != word:
            raise ScenarioError(f"{self.text!r}: {word!r} is no {kind.__name__}")
        return kind[name]


def curve_params(text: str) -> m.CurveParams:
    """Return the parameters of `SHAPE [lift] [above-high] name=value ...`; names as in CURVE_FIELDS."""
    shape, *words = text.split()
    fields: dict[str, Any] = {"base_depth_lots": 100, "quote_depth_lots": 20, "budget_notional": 10**9}
    for word in words:
        name, _, value = word.partition("=")
        if word == "lift":
            fields["anchor_move"] = AnchorMove.LIFT
        elif word == "above-high":
            fields["resale"] = CurveResale.ABOVE_HIGH
        else:
            fields[CURVE_FIELDS[name]] = int(value)
    return m.CurveParams(shape=CurveShape[shape.upper()], **fields)


def instrument_of(text: str) -> Instrument:
    """Return the instrument with the settings `name=value ...`; enumerated values by name, switches true or false."""
    fields: dict[str, Any] = {}
    for word in text.split():
        name, _, value = word.partition("=")
        default = getattr(Instrument(symbol="TEST"), name)
        if isinstance(default, bool):
            fields[name] = {"true": True, "false": False}[value]
        elif isinstance(default, IntEnum):
            fields[name] = type(default)[value.upper().replace("-", "_")]
        else:
            fields[name] = int(value)
    return Instrument(symbol="TEST", **fields)


def account_fields(text: str) -> tuple[int, list[tuple[AccountField, int]]]:
    """Return what `ACCOUNT name=value ...` says, as (account, [(field, value)])."""
    words = Words(text)
    account = words.number()
    pairs = [word.partition("=") for word in words.left]
    return account, [(AccountField[name.upper()], int(value)) for name, _, value in pairs]


# --- commands -----------------------------------------------------------------------------------


def parse_command(text: str) -> m.Command:
    """Return the command a line means; ScenarioError when it means none."""
    words = Words(text)
    ts_ns = 0
    if words.left[-2:-1] == ["at"]:
        ts_ns = Words(words.left.pop()).number()
        words.left.pop()
    verb = words.take()
    parse = _VERBS.get(verb)
    if parse is None:
        raise ScenarioError(f"no command: {text!r}")
    kind, fields = parse(verb, words)
    if words:
        raise ScenarioError(f"no command: {text!r}; what is {words.take()!r}?")
    command: m.Command = kind(**fields, ts_ns=ts_ns)
    return command


Parsed = tuple[Any, dict[str, Any]]
_TIFS = {tif.name.lower(): tif for tif in TimeInForce}
_TYPES = {"post": OrderType.POST_ONLY, "slide": OrderType.POST_SLIDE}
_NUMBERS = {
    "client": "client_id",
    "session": "session",
    "show": "display_lots",
    "min": "min_lots",
    "stop": "stop_ticks",
    "expire": "expire_ns",
    "amount": "amount_notional",
}
_SWITCHES = {"hidden": "hidden", "reduce-only": "reduce_only"}


def _new(verb: str, words: Words) -> Parsed:
    fields: dict[str, Any] = {"side": Side[verb.upper()]}
    if words.takes("market"):
        fields["order_type"] = OrderType.MARKET
    elif words.takes("market-to-limit"):
        fields["order_type"] = OrderType.MARKET_TO_LIMIT
    else:
        fields["price_ticks"] = words.number()
    words.expect("x")
    fields["qty_lots"] = words.number()
    words.expect("by")
    fields["account"] = words.number()
    while words:
        for name, value in _term(words).items():
            if name in fields:
                raise ScenarioError(f"{words.text!r} gives {name} twice")
            fields[name] = value
    return m.NewOrder, fields


def _term(words: Words) -> dict[str, Any]:
    word = words.take()
    if word in _TIFS:
        expiry = {"expire_ns": words.number()} if word == "gtd" else {}
        return {"tif": _TIFS[word], **expiry}
    if word in _TYPES:
        return {"order_type": _TYPES[word]}
    if word in _NUMBERS:
        return {_NUMBERS[word]: words.number()}
    if word in _SWITCHES:
        return {_SWITCHES[word]: True}
    if word == "trail":
        distance = words.number()
        return {"trail_ppm": distance} if words.takes("ppm") else {"offset_ticks": distance}
    if word == "peg":
        peg = words.code(Peg)
        has_offset = bool(words) and words.left[0][0] in "+-"
        offset = int(words.take()) if has_offset else 0
        return {"order_type": OrderType.PEGGED, "peg": peg} | ({"offset_ticks": offset} if offset else {})
    if word == "stp":
        return {"stp": words.code(StpMode)}
    if word == "oco":
        return {"oco_order_id": words.number("#")}
    if word == "on-anchor":
        return {"trigger": Trigger.ANCHOR}
    raise ScenarioError(f"{words.text!r}: what is {word!r}?")


def _change(verb: str, words: Words) -> Parsed:
    kind = {"cancel": m.CancelOrder, "reduce": m.ReduceOrder, "amend": m.AmendOrder}[verb]
    fields = {"client_id": words.number()} if words.takes("client") else {"order_id": words.number("#")}
    known = {
        "cancel": {},
        "reduce": {"x": "qty_lots"},
        "amend": {"to": "price_ticks", "x": "qty_lots", "show": "display_lots", "stop": "stop_ticks"},
    }[verb]
    while not words.takes("by"):
        word = words.take()
        if word not in known:
            raise ScenarioError(f"{words.text!r}: what is {word!r}?")
        fields[known[word]] = words.number()
    return kind, {"account": words.number(), **({"qty_lots": 0} if verb == "reduce" else {}), **fields}


def _anchor(_verb: str, words: Words) -> Parsed:
    low, _, high = words.take().partition("..")
    return m.ProposeAnchor, {"low_ticks": int(low), "high_ticks": int(high)}


def _withdraw(_verb: str, words: Words) -> Parsed:
    return {"anchors": m.WithdrawAnchors, "curve": m.WithdrawCurve}[words.take()], {}


def _fund(_verb: str, words: Words) -> Parsed:
    return m.FundCurve, {"cash_notional": int(words.take())}


def _set(_verb: str, words: Words) -> Parsed:
    params, words.left = " ".join(words.left), []
    return m.SetCurve, {"params": curve_params(params)}


def _mass(_verb: str, words: Words) -> Parsed:
    words.expect("cancel")
    fields: dict[str, Any] = {}
    while words:
        word = words.take()
        if word in ("account", "session"):
            fields[word] = words.number()
        elif word == "disconnected":
            fields["reason"] = CancelReason.DISCONNECTED
        else:
            fields["side"] = Side[word.upper()]
    return m.MassCancel, fields


def _quote(_verb: str, words: Words) -> Parsed:
    fields = {"account": words.number()}
    while words:
        word = words.take()
        if word in ("bid", "ask"):
            fields[f"{word}_ticks"] = words.number()
            words.expect("x")
            fields[f"{word}_lots"] = words.number()
        elif word in ("slot", "session"):
            fields[word] = words.number()
        else:
            raise ScenarioError(f"{words.text!r}: what is {word!r}?")
    return m.Quote, fields


def _deadman(_verb: str, words: Words) -> Parsed:
    account = words.number()
    words.expect("in")
    return m.DeadMan, {"account": account, "timeout_ns": words.number()}


def _account(_verb: str, words: Words) -> Parsed:
    account, pairs = account_fields(" ".join(words.left))
    if len(pairs) != 1:
        raise ScenarioError(f"{words.text!r} must set one field")
    words.left = []
    return m.SetAccount, {"account": account, "field": pairs[0][0], "value": pairs[0][1]}


def _reset(_verb: str, words: Words) -> Parsed:
    words.expect("protection")
    return m.ResetProtection, {"account": words.number()}


_VERBS: dict[str, Callable[[str, Words], Parsed]] = {
    "buy": _new,
    "sell": _new,
    "cancel": _change,
    "reduce": _change,
    "amend": _change,
    "time": lambda _verb, _words: (m.Advance, {}),
    "anchor": _anchor,
    "fund": _fund,
    "withdraw": _withdraw,
    "set": _set,
    "mass": _mass,
    "kill": lambda _verb, words: (m.Kill, {"account": words.number()}),
    "deadman": _deadman,
    "quote": _quote,
    "reset": _reset,
    "account": _account,
    "state": lambda _verb, words: (m.SetState, {"state": words.code(SessionState)}),
    "bust": lambda _verb, words: (m.BustTrade, {"trade_seq": words.number()}),
}
