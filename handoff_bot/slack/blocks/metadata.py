"""What windows carry as `private_metadata`, read back: believed only when it looks as we wrote it."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

Number = Annotated[int, Field(ge=-1, lt=10**12)]
"""An id, a page, or the number of a change; -1 for what is new. Far inside of 64 bits, also times a page."""

Held = TypeVar("Held")


def read(kind: TypeAdapter[Held], metadata: str) -> Held | None:
    """What a window carries; None when it is not ours."""
    try:
        return kind.validate_json(metadata)
    except ValidationError:
        return None
