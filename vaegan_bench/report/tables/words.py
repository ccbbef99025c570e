"""How numbers and metrics are written, in every table and every figure."""

from __future__ import annotations

import math
import re

from vaegan_bench.system.errors import one_line

ARROWS = {"higher": "↑", "lower": "↓"}
"""Direction → the arrow that points to better; metrics without a direction have none."""
SMALLEST_DECIMAL = 6
"""Numbers that need more decimals than this are written with an exponent."""
LARGEST = 1e15
"""Numbers from here on are written with an exponent: they are whole only because floats of this size are."""

AT_AN_EDGE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
"""An underscore that is not between letters or digits, which may be emphasis in Markdown."""


def heading(metric: str, direction: str, units: str | None) -> str:
    """A metric's name, its direction and its units: 'psnr ↑ (dB)'."""
    arrow = f" {ARROWS[direction]}" if direction in ARROWS else ""
    return with_units(f"{metric}{arrow}", units)


def with_units(name: str, units: str | None) -> str:
    """'psnr (dB)'; the name alone where units add nothing: '1' for a pure number, or a word of the name."""
    return name if not units or units == "1" or units in name.split() else f"{name} ({units})"


def capitalised(text: str) -> str:
    """The text with a capital first letter; names in the rest keep theirs."""
    return text[:1].upper() + text[1:]


def common_seeds(fewest: int, most: int) -> str:
    """How many seeds pairs of models have in common: '1 common seed', '2 to 4 common seeds'."""
    if fewest != most:
        return f"{fewest} to {most} common seeds"
    return f"{most} common seed{'' if most == 1 else 's'}"


def number(value: float) -> str:
    """A value alone: whole if it is a whole number, with four significant digits otherwise; '' for NaN."""
    if not math.isfinite(value):
        return "" if math.isnan(value) else str(value).replace("inf", "∞")
    if float(value).is_integer() and abs(value) < LARGEST:
        return f"{value + 0.0:,.0f}"  # never '-0'
    decimals = max(0, 3 - _exponent(value, digits=4))
    return f"{value:.3e}" if decimals > SMALLEST_DECIMAL + 1 or abs(value) >= LARGEST else f"{value:,.{decimals}f}"


def two_digits(value: float) -> str:
    """A spread with two significant digits: '0.0034', '1.2', '340'."""
    if not math.isfinite(value):
        return number(value)
    decimals = 1 - _exponent(value, digits=2)
    return "0" if value == 0 else f"{value:.1e}" if decimals > SMALLEST_DECIMAL else _round(value, decimals)


def cell(mean: float, half_width: float) -> str:
    """'12.35 ± 0.43': both with the decimals of a two-digit half-width; the mean alone where there is no interval."""
    if not math.isfinite(half_width):
        return number(mean)
    if half_width == 0:
        return f"{number(mean)} ± 0"
    decimals = 1 - _exponent(half_width, digits=2)
    if decimals <= SMALLEST_DECIMAL and max(abs(mean), half_width) < LARGEST:
        return f"{_round(mean, decimals)} ± {_round(half_width, decimals)}"
    power = _exponent(max(abs(mean), half_width), digits=2)
    scaled = [_round(x / 10.0**power, decimals + power) for x in (mean, half_width)]
    return f"({scaled[0]} ± {scaled[1]})e{power:+03d}" if power else f"{scaled[0]} ± {scaled[1]}"


def p_value(p: float) -> str:
    """A p-value with three decimals; '<0.001' where they would all be 0."""
    return "<0.001" if p < 0.0005 else f"{p:.3f}"


def as_code(name: str) -> str:
    """A name as code in Markdown, also in the cell of a table: nothing in it is read as markup."""
    shown = one_line(name).replace("|", r"\|")
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    space = " " if "`" in shown else ""
    return f"{fence}{space}{shown}{space}{fence}"


def in_markdown(name: str) -> str:
    """A name unchanged where Markdown shows it unchanged, and as code otherwise."""
    plain = re.fullmatch(r"\w[\w ,.:+×-]*", name) and not AT_AN_EDGE.search(name)
    return name if plain else as_code(name)


def duration(minutes: float) -> str:
    """A duration in minutes, hours or days: '4.2 min', '3.1 h', '9.3 days'."""
    if minutes < 100:
        return f"{minutes:.1f} min"
    return f"{minutes / 60:.1f} h" if minutes < 48 * 60 else f"{minutes / 60 / 24:.1f} days"


def wrap_label(label: str, width: int) -> str:
    """A model's label in lines of at most `width` characters where possible, broken before '[' and after ','."""
    lines = [""]
    for piece in re.split(r"(?<=,)|(?=\[)", label):
        if piece and lines[-1] and len(lines[-1] + piece) > width:
            lines.append("")
        lines[-1] += piece
    return "\n".join(lines)


def _exponent(value: float, digits: int) -> int:
    """The power of ten of the leading digit, once `value` is rounded to that many digits."""
    return int(f"{value:.{digits - 1}e}".partition("e")[2])


def _round(value: float, decimals: int) -> str:
    """`value` rounded to `decimals`, which may be negative (tens, hundreds); never '-0.0'."""
    return f"{round(value, decimals) + 0.0:,.{max(decimals, 0)}f}"
