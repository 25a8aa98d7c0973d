"""How a measured number reads: short, with its unit, in the same words on the screen and on the command line."""

from core.metrics.series import Unit


def with_unit(value: float | None, unit: Unit) -> str:
    """`3.2 %`, `1.4 GiB`, `12 KiB/s`, `1 h 05 min`, `4.2 /h`, `17`; `-` where nothing was measured."""
    if value is None:
        return "-"
    match unit:
        case Unit.PERCENT:
            return f"{_short(value)} %"
        case Unit.BYTES:
            return _bytes(value)
        case Unit.BYTES_PER_SECOND:
            return f"{_bytes(value)}/s"
        case Unit.SECONDS:
            return _duration(value)
        case Unit.PER_HOUR:
            return f"{_short(value)} /h"
        case Unit.COUNT:
            return _short(value)


def _short(value: float) -> str:
    """Three digits that count, as in 0.25, 3.2, 47, 12,400."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.2f}"


def _bytes(value: float) -> str:
    """A number of bytes in its greatest binary unit."""
    amount = abs(value)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if amount < 1023.5 or unit == "TiB":
            shown = f"{amount:.0f}" if unit == "B" or amount >= 99.95 else f"{amount:.1f}"
            return f"{'-' if value < 0 else ''}{shown} {unit}"
        amount /= 1024
    raise AssertionError(value)


def _duration(seconds: float) -> str:
    """A span of time in its two greatest units."""
    if seconds <= 0:
        return "0 s"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"
