"""Which source's parameters are used for a model. Pure."""

from decimal import Decimal

from schema.enums import ParameterKind
from seeds.catalogue import MAX_OUTPUT, Facts, JsonValue, ParameterClaim
from seeds.merge.claims import ClaimsBySource, MergedClaim, MergedParameter, Reasons, merge_claims


def merge_parameters(
    stated: ClaimsBySource, facts: Facts, reasons: Reasons
) -> tuple[list[MergedParameter], list[MergedClaim]]:
    """The parameters to use, each whole from the most trusted source that states it, and the claims about them."""
    parameters: list[MergedParameter] = []
    claims: list[MergedClaim] = []
    for position, (name, sourced) in enumerate(stated.by_name(lambda model: model.parameters).items()):
        source, best = sourced[0]
        parameters.append(
            MergedParameter(
                position=position,
                name=name,
                label=best.label or name.replace("_", " ").capitalize(),
                kind=best.kind or ParameterKind.STRING,
                supported=best.supported,
                default=best.default,
                minimum=bound(best.minimum, facts),
                maximum=bound(best.maximum, facts),
                allowed_values=best.allowed_values,
                note=best.note,
                source_slug=source,
            )
        )
        values = [(source, parameter_value(claim, facts)) for source, claim in sourced]
        claims += merge_claims(f"parameters.{name}", values, reasons)
    return parameters, claims


def bound(value: Decimal | str | None, facts: Facts) -> Decimal | None:
    if value == MAX_OUTPUT:
        largest = facts.get("max_output_tokens")
        return None if largest is None else Decimal(largest)
    return value if isinstance(value, Decimal) else None


def parameter_value(parameter: ParameterClaim, facts: Facts) -> dict[str, JsonValue]:
    """What a source says about a parameter, without what it leaves open."""
    members: dict[str, JsonValue] = {
        "supported": parameter.supported,
        "default": parameter.default,
        "minimum": bound(parameter.minimum, facts),
        "maximum": bound(parameter.maximum, facts),
        "allowedValues": parameter.allowed_values,
    }
    return {name: value for name, value in members.items() if value is not None}
