"""listing.toml: a curve and its anchor, in a person's units, checked key by key.

    [listing]  symbol, tick, lot             optional; must agree with the log it is used with
    [curve]    shape, budget, par_lots, drop_bps, depth_lots, base_depth_lots, k, spread_bps, rung,
               min_net_lots, max_net_lots, activation_delay, anchor_move, lift_max_lots, resale
    [anchor]   window, interval, band_bps, file

Whatever has decimals is text ("0.0001", "2.5"), because a float is not exact. Every refusal is a ListingError
that names file, key, value, range and remedy.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal, NoReturn

import msgspec

from parbook.codes import AnchorMove, CurveResale, CurveShape
from parbook.curve.shapes import curve_parameter_error
from parbook.errors import ConversionError, ListingError, shown
from parbook.instrument import Instrument
from parbook.messages import CurveParams, SetCurve
from parbook.units import CURVE_LOTS_MAX, PPM, parse_decimal, to_units

LISTING_MAX_BYTES: Final = 1 << 20
"""A listing file is no larger than this."""

_DURATION: Final = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)(ns|us|ms|s|m|h|d)")
_UNIT_NS: Final = {
    "ns": 1,
    "us": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
    "d": 86400 * 10**9,
}
_NS_MAX: Final = 2**62
_KEY_OF_FIELD: Final = {
    "quote_depth_lots": "depth_lots",
    "budget_notional": "budget",
    "k_ppm": "k",
    "spread_ppm": "spread_bps",
    "rung_ticks": "rung",
    "drop_ppm": "drop_bps",
    "activation_delay_ns": "activation_delay",
}
_UNIT_OF_KEY: Final = {
    "budget": " (in ticks x lots)",
    "k": " (in millionths)",
    "spread_bps": " (in ppm, 100 to the bp)",
    "rung": " (in ticks)",
    "drop_bps": " (in ppm, 100 to the bp)",
    "activation_delay": " (in ns)",
}

_CHOICES: Final = {
    "shape": ("linear", "pmm", "redemption"),
    "anchor_move": ("clip", "lift"),
    "resale": ("along", "above_high"),
}
_WHOLE_KEYS: Final = ("par_lots", "depth_lots", "base_depth_lots", "min_net_lots", "max_net_lots", "lift_max_lots")
_INTEGER_BITS_MAX: Final = 128
"""No listing value has more bits; Python refuses to print an integer of more than 4300 digits."""

_Exact = str | int


class ListingSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[listing]: what is listed. Whatever is given must agree with the log."""

    symbol: str | None = None
    tick: _Exact | None = None
    lot: _Exact | None = None


class CurveSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[curve]: the buyback in a person's units. `base_depth_lots` defaults to `depth_lots`."""

    shape: Literal["linear", "pmm", "redemption"]
    budget: _Exact
    depth_lots: int
    par_lots: int = 0
    drop_bps: _Exact = 0
    base_depth_lots: int | None = None
    k: _Exact = "0.5"
    spread_bps: _Exact = 0
    rung: _Exact | None = None
    min_net_lots: int = 0
    max_net_lots: int = CURVE_LOTS_MAX
    activation_delay: str = "0s"
    anchor_move: Literal["clip", "lift"] = "clip"
    lift_max_lots: int = 0
    resale: Literal["along", "above_high"] = "along"


class AnchorSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[anchor]: the fair price. With `file`, from there; else the trades of the trailing `window`."""

    window: str = "60s"
    interval: str = "1s"
    band_bps: _Exact = 0
    file: str | None = None


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    curve: CurveSection
    listing: ListingSection = ListingSection()
    anchor: AnchorSection = AnchorSection()


_SECTIONS: Final[dict[str, type[msgspec.Struct]]] = {
    "listing": ListingSection,
    "curve": CurveSection,
    "anchor": AnchorSection,
}


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A checked listing file. Lots and prices become integers in `set_curve`, with the log's instrument."""

    path: str
    listing: ListingSection
    curve: CurveSection
    window_ns: int
    interval_ns: int
    band_ppm: int
    anchor_file: Path | None

    def set_curve(self, instrument: Instrument) -> SetCurve:
        """Return the curve in the ticks and lots of `instrument`; ListingError when it cannot be one."""
        self._check_instrument(instrument)
        curve = self.curve
        value = instrument.tick * instrument.lot
        params = CurveParams(
            shape=CurveShape[curve.shape.upper()],
            base_depth_lots=curve.depth_lots if curve.base_depth_lots is None else curve.base_depth_lots,
            quote_depth_lots=curve.depth_lots,
            budget_notional=self._units("budget", curve.budget, value, "tick x lot"),
            k_ppm=self._units("k", curve.k, Decimal(1) / PPM, "ppm"),
            spread_ppm=self._units("spread_bps", curve.spread_bps, Decimal("0.01"), "ppm"),
            rung_ticks=1 if curve.rung is None else self._units("rung", curve.rung, instrument.tick, "tick"),
            par_lots=curve.par_lots,
            drop_ppm=self._units("drop_bps", curve.drop_bps, Decimal("0.01"), "ppm"),
            min_net_lots=curve.min_net_lots,
            max_net_lots=curve.max_net_lots,
            activation_delay_ns=_duration_ns(self.path, "curve", "activation_delay", curve.activation_delay),
            anchor_move=AnchorMove[curve.anchor_move.upper()],
            lift_max_lots=curve.lift_max_lots,
            resale=CurveResale[curve.resale.upper()],
        )
        reason = curve_parameter_error(params)
        if reason is not None:
            self._refuse_parameter(reason)
        return SetCurve(params=params)

    def _check_instrument(self, instrument: Instrument) -> None:
        given = self.listing
        if given.symbol is not None and given.symbol != instrument.symbol:
            _refuse(
                self.path, "listing", "symbol", f"{given.symbol!r} is not the log's symbol {instrument.symbol!r}",
                "Take the key out, or choose the log's symbol with --symbol.",
            )  # fmt: skip
        for name, text, own in (("tick", given.tick, instrument.tick), ("lot", given.lot, instrument.lot)):
            if text is not None and _exact(self.path, "listing", name, text) != own:
                _refuse(
                    self.path, "listing", name, f"{text} is not the log's {name} of {own}",
                    f"Take the key out: prices and quantities are read in the log's own units"
                    f"{'; a coarser grid for the curve is [curve] rung' if name == 'tick' else ''}.",
                )  # fmt: skip

    def _units(self, key: str, value: _Exact, step: Decimal, unit: str) -> int:
        try:
            return to_units(value, step, key, unit)
        except ConversionError as error:
            _refuse(self.path, "curve", key, str(error).rstrip("."), "Give one of the accepted values, as text.")

    def _refuse_parameter(self, reason: str) -> NoReturn:
        field, _, rest = reason.partition("=")
        key = _KEY_OF_FIELD.get(field, field)
        unit = _UNIT_OF_KEY.get(key, "")
        _refuse(self.path, "curve", key, f"{rest}{unit}", f"Set {key} inside that range.")


def load_listing(path: str | Path) -> Listing:
    """Read and check a listing file. ListingError names the key, or the line of a TOML error."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ListingError(str(path), f"it cannot be read ({error.strerror})", "Name a listing file.") from None
    if len(data) > LISTING_MAX_BYTES:
        raise ListingError(str(path), f"it has {len(data)} bytes, above {LISTING_MAX_BYTES}", "Name a listing file.")
    try:
        document = tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ListingError(f"{path}, byte {error.start}", "it is not UTF-8 text", "Name a listing file.") from None
    except tomllib.TOMLDecodeError as error:
        raise ListingError(str(path), f"TOML: {error}", "Mend the syntax there; text needs quotes.") from None
    except RecursionError:
        raise ListingError(str(path), "TOML: nested too deeply", "A listing has sections and keys only.") from None
    checked = _convert(str(path), document)
    return Listing(
        path=str(path),
        listing=checked.listing,
        curve=checked.curve,
        window_ns=_duration_ns(str(path), "anchor", "window", checked.anchor.window, low=1),
        interval_ns=_duration_ns(str(path), "anchor", "interval", checked.anchor.interval),
        band_ppm=_band_ppm(str(path), checked.anchor.band_bps),
        anchor_file=None if checked.anchor.file is None else path.parent / checked.anchor.file,
    )


def _convert(path: str, document: dict[str, Any]) -> _Document:
    _known_keys(path, "", document, list(_SECTIONS))
    if "curve" not in document:
        raise ListingError(path, "the section [curve] is missing", "Add it; examples/listing.toml shows one.")
    for section, struct in _SECTIONS.items():
        table = document.get(section, {})
        if not isinstance(table, dict):
            raise ListingError(
                f"{path}, {section}", f"{table!r} is no section", f"Write [{section}] on a line of its own."
            )
        _known_keys(path, section, table, list(struct.__struct_fields__))
        for key, value in table.items():
            _check_number(path, section, key, value)
    try:
        return msgspec.convert(document, _Document, strict=True)
    except msgspec.ValidationError as error:
        reason, _, at = str(error).partition(" - at `$.")
        section, _, key = at.rstrip("`").partition(".")
        place = f"[{section}] {key}".strip() if section else "the file"
        value = document.get(section, {}).get(key) if key else None
        given = "" if value is None else f"{shown(value)}: "
        accepted = _CHOICES.get(key, ())
        remedy = (
            f"Write one of {', '.join(accepted)}, in quotes." if accepted else "examples/listing.toml shows every key."
        )
        raise ListingError(f"{path}, {place}", given + reason, remedy) from None


def _check_number(path: str, section: str, key: str, value: object) -> None:
    """Refuse a float, which is not exact, and an integer that no other check could even print."""
    if isinstance(value, float):
        whole = key in _WHOLE_KEYS
        remedy = f"Write a whole number: {key} = {value:.0f}." if whole else f'Write it as text: {key} = "{value}".'
        _refuse(path, section, key, f"{value!r} is a float, which is not exact", remedy)
    if isinstance(value, int) and value.bit_length() > _INTEGER_BITS_MAX:
        _refuse(path, section, key, f"{shown(value)} is beyond every range", "Check the number and its unit.")
    if isinstance(value, str) and "\0" in value:
        _refuse(path, section, key, f"{shown(value)} holds a NUL character", "Take it out.")


def _known_keys(path: str, section: str, table: dict[str, Any], known: list[str]) -> None:
    for key in table:
        if key not in known:
            nearest = difflib.get_close_matches(key, known, 1, 0.5)
            hint = f"Did you mean {nearest[0]}?" if nearest else f"Known are {', '.join(known)}."
            place = f"[{section}] {key}" if section else f"[{key}]"
            raise ListingError(f"{path}, {place}", "unknown key" if section else "unknown section", hint)


def _exact(path: str, section: str, key: str, value: _Exact) -> Decimal:
    try:
        return parse_decimal(value, key)
    except ConversionError as error:
        _refuse(path, section, key, str(error).rstrip("."), 'Give exact text such as "0.0001".')


def _band_ppm(path: str, value: _Exact) -> int:
    try:
        band = to_units(value, Decimal("0.01"), "band_bps", "ppm")
    except ConversionError as error:
        _refuse(path, "anchor", "band_bps", str(error).rstrip("."), "Give one of the accepted values, as text.")
    if not 0 <= band < PPM:
        _refuse(path, "anchor", "band_bps", f"{value} is outside 0..9999.99", "Set band_bps inside that range.")
    return band


def _duration_ns(path: str, section: str, key: str, text: str, low: int = 0) -> int:
    match = _DURATION.fullmatch(text.strip())
    exact = None if match is None else Decimal(match[1]) * _UNIT_NS[match[2]]
    if exact is None or exact != int(exact) or not low <= exact <= _NS_MAX:
        _refuse(
            path, section, key, f"{shown(text)} is no duration from {low} ns to {_NS_MAX} ns",
            'Write a number and a unit (ns, us, ms, s, m, h, d), such as "30s".',
        )  # fmt: skip
    return int(exact)


def _refuse(path: str, section: str, key: str, reason: str, remedy: str) -> NoReturn:
    raise ListingError(f"{path}, [{section}] {key}", reason, remedy)
