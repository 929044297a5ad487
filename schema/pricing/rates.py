"""How rates are named where facts and changes name them."""

from datetime import time

from schema.enums import Meter, ServiceTier


def rate_field(tier: ServiceTier, meter: Meter, min_context_tokens: int = 0, daily_from: time | None = None) -> str:
    """prices.STANDARD.INPUT; .over200000 for long context and .from01:00 for a time of day."""
    name = f"prices.{tier.name}.{meter.name}"
    if min_context_tokens:
        name += f".over{min_context_tokens}"
    if daily_from:
        name += f".from{daily_from:%H:%M}"
    return name
