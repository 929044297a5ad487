"""Order inputs, and the column of each order."""

from collections.abc import Mapping

import strawberry
from sqlmodel import col

from schema.enums import ModelOrderField, OrderDirection, ProviderOrderField
from schema.lists.cursors import Column, Order
from schema.tables import Model, Provider


@strawberry.input(description="Order of a list of models.")
class ModelOrder:
    field: ModelOrderField = strawberry.field(description="What to order by. Models without a value come last.")
    direction: OrderDirection = strawberry.field(description="Direction of the order.", default=OrderDirection.ASC)


@strawberry.input(description="Order of a list of providers.")
class ProviderOrder:
    field: ProviderOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(description="Direction of the order.", default=OrderDirection.ASC)


NEWEST = Order(col(Model.ref), col(Model.release_date), descending=True)
MODEL_COLUMNS: Mapping[ModelOrderField, Column] = {
    ModelOrderField.NAME: col(Model.name),
    ModelOrderField.RELEASE_DATE: col(Model.release_date),
    ModelOrderField.CONTEXT_WINDOW: col(Model.context_window),
    ModelOrderField.MAX_OUTPUT_TOKENS: col(Model.max_output_tokens),
    ModelOrderField.INPUT_PRICE: col(Model.price_input),
    ModelOrderField.OUTPUT_PRICE: col(Model.price_output),
}


def model_order(order: ModelOrder | None) -> Order:
    """The total order asked for; by default the newest release first."""
    if order is None or order.field is ModelOrderField.RELEVANCE:
        return NEWEST
    return Order(col(Model.ref), MODEL_COLUMNS[order.field], order.direction is OrderDirection.DESC)


def provider_order(order: ProviderOrder | None) -> Order:
    """The total order asked for; by default the order of names."""
    by_count = order is not None and order.field is ProviderOrderField.MODEL_COUNT
    column = col(Provider.model_count) if by_count else col(Provider.name)
    return Order(col(Provider.slug), column, order is not None and order.direction is OrderDirection.DESC)
