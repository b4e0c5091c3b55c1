"""What a change costs a month, by the resources of its preview before and after."""

from __future__ import annotations

from pipelines.costs import Prices, difference
from pipelines.preview_report.events import Preview


def sentence(preview: Preview, prices: Prices | None = None) -> str | None:
    """What the change adds to the stack's price, by the list prices of one region; None if it adds nothing.

    Events without states, as some programs record them, add nothing.

    Args:
        preview: The preview, from events with states.
        prices: The prices; by default those that come with the project.
    """
    prices = prices or Prices.read()
    try:
        found = difference(preview.before, preview.after, prices)
    except (KeyError, TypeError, ValueError) as error:
        return f"What this change costs is not known before it is made: {error!r}."
    if not found.parts and not found.unpriced:
        return None
    return f"{found}. List prices of {prices.region}, {prices.date}."
