"""Errors of pydantic, in the words of this program."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from ecgcli.errors import shown

#: The value expected, by the type of the error that pydantic reports; braces are its context.
_EXPECTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "string_pattern_mismatch": "letters, digits, dots, hyphens and underscores",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a section of keys",
    "model_type": "a section of keys",
    "model_attributes_type": "a section of keys",
    "literal_error": "{expected}",
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "a number of at least {ge:g}",
    "less_than": "a number below {lt:g}",
    "less_than_equal": "a number of at most {le:g}",
    "too_short": "at least {min_length} of them",
}


def first_problem(error: ValidationError) -> tuple[list[str], str]:
    """The location of the first error, and ``found ..., expected ...``.

    A validator of this package words its error itself.
    """
    first: Any = error.errors(include_url=False)[0]
    where = [str(part) for part in first["loc"]]
    if first["type"] == "value_error":
        return where, f"found {shown(first['input'])}; {first['ctx']['error']}"
    expected = _EXPECTED.get(first["type"])
    if expected is None:
        return where, f"found {shown(first['input'])}; {first['msg'][0].lower()}{first['msg'][1:]}"
    context = first.get("ctx", {})
    return where, f"found {shown(first['input'])}, expected {expected.format_map(context)}"
