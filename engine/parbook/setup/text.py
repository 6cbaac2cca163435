"""Sections of a TOML file as they are read key by key: exact text in a person's units becomes whole numbers.

Every refusal is a ListingError that names file, section, key, value and remedy. A float is refused, because it is not
exact; so is a key that nobody asked for.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar, get_type_hints

import msgspec

from parbook.errors import AssetError, ConversionError, ListingError, shown
from parbook.pools.amounts import E12, MONEY_MICRO_MAX
from parbook.units import to_units

FILE_BYTES_MAX: Final = 1 << 20
"""A description is no larger than this."""

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
_INT_MAX: Final = 2**63 - 1
# (ending of a field, decimals of its unit, what such a number is called)
_SCALES: Final = (
    ("_e12", 12, "1e-12"),
    ("_e18", 18, "1e-18"),
    ("_ppm", 6, "ppm"),
    ("_micro", 6, "micro"),
    ("_nano", 9, "nano"),
)
_REQUIRED: Final[Any] = object()
_TermsT = TypeVar("_TermsT", bound=msgspec.Struct)
_EnumT = TypeVar("_EnumT", bound=IntEnum)


def read_toml(path: Path) -> dict[str, Any]:
    """Return a TOML file as tables. ListingError when it cannot be read, or at the line that is wrong."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ListingError(str(path), f"it cannot be read ({error.strerror})", "Name a listing file.") from None
    if len(data) > FILE_BYTES_MAX:
        raise ListingError(str(path), f"it has {len(data)} bytes, above {FILE_BYTES_MAX}", "Name a listing file.")
    try:
        return tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ListingError(f"{path}, byte {error.start}", "it is not UTF-8 text", "Name a listing file.") from None
    except tomllib.TOMLDecodeError as error:
        raise ListingError(str(path), f"TOML: {error}", "Mend the syntax there; text needs quotes.") from None
    except RecursionError:
        raise ListingError(str(path), "TOML: nested too deeply", "A listing has sections and keys only.") from None


class Section:
    """A table of the file. Each method takes one key; `done` refuses what nobody asked for."""

    def __init__(self, path: str, name: str, values: dict[str, Any]) -> None:
        self.path = path
        self.name = name
        self.values = values
        self.known: list[str] = []

    # --- what is wrong --------------------------------------------------------------------------

    def refuse(self, key: str, reason: str, remedy: str) -> NoReturn:
        """Raise ListingError about a key, or about the section where the key is empty."""
        place = f"[{self.name}] {key}".strip() if self.name else key
        raise ListingError(f"{self.path}, {place}" if place else self.path, reason, remedy)

    def done(self) -> None:
        """Refuse keys that were not asked for."""
        for key in self.values:
            if key not in self.known:
                nearest = difflib.get_close_matches(key, self.known, 1, 0.5)
                hint = f"Did you mean {nearest[0]}?" if nearest else f"Known are {', '.join(self.known)}."
                what = "section" if isinstance(self.values[key], dict | list) and not self.name else "key"
                self.refuse(key if self.name else f"[{key}]", f"unknown {what}", hint)

    def _take(self, key: str, default: Any) -> Any:
        self.known.append(key)
        if key in self.values:
            return self.values[key]
        if default is not _REQUIRED:
            return default
        others = [other for other in self.values if other not in self.known]
        nearest = difflib.get_close_matches(key, others, 1, 0.6)
        remedy = f"Did you mean it by {nearest[0]}?" if nearest else "Add it; examples/listing shows every key."
        self.refuse(key, "it is missing", remedy)

    # --- values ---------------------------------------------------------------------------------

    def text(self, key: str, default: Any = _REQUIRED) -> Any:
        """Return text; without the key the default, whatever that is."""
        value = self._take(key, default)
        if key not in self.values:
            return value
        if not isinstance(value, str) or not value or not value.isprintable():
            self.refuse(key, f"{shown(value)} is no printable text", "Write it in quotes.")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; none without the key."""
        values = self._take(key, [])
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            self.refuse(key, f"{shown(values)} is no list of texts", 'Write ["one", "two"].')
        return tuple(values)

    def whole(self, key: str, low: int, high: int, default: Any = _REQUIRED) -> int:
        """Return a whole number."""
        value = self._take(key, default)
        if isinstance(value, float):
            self.refuse(key, f"{value!r} is a float", f"Write a whole number: {key} = {value:.0f}.")
        if isinstance(value, bool) or not isinstance(value, int):
            self.refuse(key, f"{shown(value)} is no whole number", "Write it without quotes.")
        if not low <= value <= high:
            self.refuse(key, f"{shown(value)} is outside {low}..{high}", f"Set {key} inside that range.")
        return value

    def boolean(self, key: str, default: bool) -> bool:
        """Return true or false."""
        value = self._take(key, default)
        if not isinstance(value, bool):
            self.refuse(key, f"{shown(value)} is neither true nor false", "Write one of the two, without quotes.")
        return value

    def day(self, key: str) -> date:
        """Return a date."""
        value = self._take(key, _REQUIRED)
        if isinstance(value, datetime) or not isinstance(value, date):
            self.refuse(key, f"{shown(value)} is no date", "Write YYYY-MM-DD, without quotes.")
        return value

    def scaled(self, key: str, step: Decimal, unit: str, low: int, high: int, default: Any = _REQUIRED) -> int:
        """Return a decimal number as whole steps, exactly; without the key the default, which is in steps."""
        value = self._take(key, default)
        if key not in self.values:
            return int(value)
        if isinstance(value, float):
            self.refuse(key, f"{value!r} is a float, which is not exact", f'Write it as text: {key} = "{value}".')
        try:
            return to_units(value, step, key, unit, low, high)
        except ConversionError as error:
            self.refuse(key, str(error).rstrip("."), 'Give exact text such as "0.0001".')

    def amount(self, key: str, default: Any = _REQUIRED, low: int = 0) -> int:
        """Return money or units, in micro."""
        return self.scaled(key, Decimal("0.000001"), "micro", low, MONEY_MICRO_MAX, default)

    def share(self, key: str, default: Any = _REQUIRED, high: int = E12) -> int:
        """Return a fraction, in 1e-12."""
        return self.scaled(key, Decimal("1e-12"), "1e-12", 0, high, default)

    def decimal(self, key: str, default: Any = _REQUIRED) -> Decimal:
        """Return a positive decimal number, such as a tick."""
        value = self._take(key, default)
        if isinstance(value, float):
            self.refuse(key, f"{value!r} is a float, which is not exact", f'Write it as text: {key} = "{value}".')
        try:
            units = to_units(value, Decimal("1e-18"), key, "1e-18", 1, 10**36)
        except ConversionError as error:
            self.refuse(key, str(error).rstrip("."), 'Give exact text such as "0.0001".')
        return Decimal(units).scaleb(-18).normalize()

    def duration(self, key: str, default: Any = _REQUIRED) -> int:
        """Return a time such as "26h" in ns."""
        value = self._take(key, default)
        if key not in self.values:
            return int(value)
        match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
        exact = None if match is None else Decimal(match[1]) * _UNIT_NS[match[2]]
        if exact is None or exact != int(exact) or exact > _NS_MAX:
            self.refuse(key, f"{shown(value)} is no duration", 'Write a number and a unit (s, m, h, d), such as "26h".')
        return int(exact)

    def choice(self, key: str, kind: type[_EnumT], default: Any = _REQUIRED) -> _EnumT:
        """Return a member of an enum, named in lower case."""
        value = self._take(key, default)
        if isinstance(value, kind):
            return value
        names = [member.name.lower() for member in kind]
        if not isinstance(value, str) or value not in names:
            self.refuse(key, f"{shown(value)} is none of {', '.join(names)}", "Write one of them, in quotes.")
        return kind[value.upper()]

    # --- tables ---------------------------------------------------------------------------------

    def section(self, key: str, *, required: bool = False) -> Section | None:
        """Return a table inside, None where there is none."""
        name = f"{self.name}.{key}" if self.name else key
        value = self._take(key, None)
        if value is None and required:
            raise ListingError(
                self.path, f"the section [{name}] is missing", "Add it; examples/listing shows every section."
            )
        if value is not None and not isinstance(value, dict):
            self.refuse(key, f"{shown(value)} is no section", f"Write [{name}] on a line of its own.")
        return None if value is None else Section(self.path, name, value)

    def sections(self, key: str) -> list[Section]:
        """Return a list of tables; empty where there is none."""
        name = f"{self.name}.{key}" if self.name else key
        values = self._take(key, [])
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            self.refuse(key, f"{shown(values)} is no list of sections", f"Write [[{name}]] above each of them.")
        return [Section(self.path, f"{name} {number}", value) for number, value in enumerate(values, 1)]

    def terms(self, kind: type[_TermsT], *, besides: tuple[str, ...] = ()) -> _TermsT:
        """Return settings: each field is a key, without what names its unit; what is not given is the default.

        Where a share and a time differ in that alone (`day_e12`, `day_ns`), the time's key is `day_window`.
        """
        hints, fields = get_type_hints(kind), [field for field in kind.__struct_fields__ if field not in besides]
        keys = keys_of(fields)
        values: dict[str, Any] = {}
        for field in fields:
            if keys[field] in self.values:
                values[field] = self._value(field, keys[field], hints[field])
            else:
                self.known.append(keys[field])
        try:
            return kind(**values)
        except AssetError as error:
            key, reason = _in_keys(keys, error.reason)
            given = self.values.get(key)
            self.refuse(key, f"{shown(given)}: {reason}" if given is not None else reason, error.remedy)

    def _value(self, field: str, key: str, hint: Any) -> Any:
        if field.endswith("_ns"):
            return self.duration(key)
        for ending, decimals, unit in _SCALES:
            if field.endswith(ending):
                return self.scaled(key, Decimal(1).scaleb(-decimals), unit, 0, _INT_MAX)
        if isinstance(hint, type) and issubclass(hint, IntEnum):
            return self.choice(key, hint)
        return self.boolean(key, False) if hint is bool else self.whole(key, 0, _INT_MAX)


def keys_of(fields: list[str]) -> dict[str, str]:
    """Return the key of each field."""
    endings = [ending for ending, _, _ in _SCALES]
    plain = {field: next((field.removesuffix(end) for end in endings if field.endswith(end)), "") for field in fields}
    taken = set(plain.values())
    keys = {}
    for field in fields:
        if field.endswith("_ns"):
            stem = field.removesuffix("_ns")
            keys[field] = f"{stem}_window" if stem in taken else stem
        else:
            keys[field] = plain[field] or field
    return keys


def _in_keys(keys: dict[str, str], reason: str) -> tuple[str, str]:
    """Return the key that a reason begins with, and the reason about it; or no key where it is about several."""
    match = re.match(r"(\w+)=", reason)
    if match is None or match[1] not in keys:
        return "", re.sub(r"\w+", lambda word: keys.get(word[0], word[0]), reason)
    unit = next((unit for ending, _, unit in _SCALES if match[1].endswith(ending)), "")
    unit = "ns" if match[1].endswith("_ns") else unit
    return keys[match[1]], f"{reason[match.end() :]}{f' (in {unit})' if unit else ''}"
