"""Reads the `private_metadata` of modals; anything that does not validate is ignored."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

Number = Annotated[int, Field(ge=-1, lt=10**12)]
"""An id, a page or the number of a change; -1 for new. Far below 64 bits, also multiplied by a page size."""

Held = TypeVar("Held")


def read(kind: TypeAdapter[Held], metadata: str) -> Held | None:
    """Parses a modal's `private_metadata`; None if it is not valid."""
    try:
        return kind.validate_json(metadata)
    except ValidationError:
        return None
