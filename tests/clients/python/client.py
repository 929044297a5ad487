"""Prints what one model costs, and the cheapest that call tools."""

import asyncio
import sys

from registry import Client, UsageInput


async def main(address: str, ref: str) -> None:
    usage = UsageInput(input_tokens=50_000, output_tokens=2_000)
    async with Client(address) as registry:
        model = (await registry.find_model(ref, usage)).model
        cheapest = (await registry.cheapest_with_tools(first=3)).models.nodes
    if model is None:
        sys.exit(f'no model is called "{ref}"')
    price, cost = model.price, model.cost
    if cost.total is None:
        print(f"{model.ref}: {price.publication.value}, no rate for {' and '.join(cost.unpriced_meters)}")
    else:
        print(
            f"{model.ref}: {price.input} in, {price.output} out per 1M tokens; this usage costs {cost.total} {cost.currency}"
        )
    print(", ".join(f"{model.ref} at {model.price.input}" for model in cheapest))


asyncio.run(main(*sys.argv[1:]))
