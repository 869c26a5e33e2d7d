"""Schemas for structured outputs: what fits one, and what makes one unfit."""

import jsonschema
import pytest

from handoff_sandbox.openai.schemas import complaint, covers, laid_over, smallest

SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "sure": {"type": "boolean"}},
    "required": ["answer", "sure"],
    "additionalProperties": False,
}
NESTED = {
    "$defs": {"Inner": SCHEMA},
    "type": "object",
    "properties": {
        "best": {"$ref": "#/$defs/Inner"},
        "all": {"type": "array", "items": {"$ref": "#/$defs/Inner"}, "minItems": 1},
    },
    "required": ["best", "all"],
}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "minLength": 3},
        {"type": "number", "minimum": 0.5},
        {"type": "number", "maximum": -1},
        {"type": "integer", "minimum": 2, "maximum": 4},
        {"type": "array", "items": {"type": "boolean"}, "minItems": 2},
        {"type": ["string", "null"]},
        {"enum": ["a", "b"]},
        {"const": 7},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
        NESTED,
    ],
    ids=str,
)
def test_the_least_that_fits_a_schema_fits_it(schema):
    jsonschema.validate(smallest(schema), schema)


@pytest.mark.parametrize(
    ("schema", "where"),
    [
        (SCHEMA, None),
        ({**SCHEMA, "additionalProperties": True}, "()"),
        ({**SCHEMA, "properties": {"a": {"type": "object"}}, "required": ["a"]}, "'a'"),
        ({"$defs": {"x": {"type": "object"}}, **SCHEMA}, "'x'"),
        ({"anyOf": [SCHEMA, {"type": "object"}]}, "'1'"),
    ],
    ids=["strict", "open", "open inside", "open definition", "open choice"],
)
def test_a_schema_that_is_not_strict_is_found(schema, where):
    found = complaint(schema)
    assert found is None if where is None else where in found


def test_objects_are_laid_over_level_by_level():
    below = {"a": 1, "b": {"c": 2, "d": 3}}
    assert laid_over(below, {"b": {"c": 9}, "e": 4}) == {"a": 1, "b": {"c": 9, "d": 3}, "e": 4}


@pytest.mark.parametrize(
    ("said", "is_covered"), [({"answer": "x"}, True), ({}, True), ({"other": 1}, False)]
)
def test_a_schema_covers_what_has_its_names(said, is_covered):
    assert covers(SCHEMA, said) is is_covered
