"""Numbers, times and names as a reader of the page has them."""


def percent(probability: float | None) -> str:
    """A probability for a reader: never 0 % or 100 %, which nobody can know."""
    if probability is None:
        return ""
    if probability >= 0.995:
        return "> 99 %"
    return "< 1 %" if probability < 0.005 else f"{100 * probability:.0f} %"


def when(taken_at: str) -> str:
    """`2026-07-16 09:03` of ISO 8601 text."""
    return taken_at[:16].replace("T", " ")


def span(times: tuple[str, str]) -> str:
    """`2026-07-16 09:03 to 10:12`: the day of the end only where it is another, the end only where it is later."""
    first, last = when(times[0]), when(times[1])
    if first == last:
        return first
    return f"{first} to {last[11:] if last[:10] == first[:10] else last}"


def words(name: str) -> str:
    """`dorsal fin` of `dorsal_fin`."""
    return name.replace("_", " ")
