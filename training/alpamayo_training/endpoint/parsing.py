"""From a model's text to the asked form: thoughts and fences taken away, JSON found, checked against the schema."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from pydantic import ValidationError

from alpamayo_training.endpoint.outcome import FormT

MOST_STARTS = 64
"""Opening braces that are tried; a text with more is no answer."""
MOST_ERROR_CHARACTERS = 600
_THINK_END = re.compile(r"</\s*(?:think|thinking)\s*>", re.IGNORECASE)
_THINK_BEGIN = re.compile(r"<\s*(?:think|thinking)\s*>", re.IGNORECASE)
_DECODER = json.JSONDecoder()


def split_thinking(text: str) -> tuple[str, str]:
    """Return (what was thought, the answer) of a text with <think>…</think>.

    Chat templates that open the thought themselves leave only its end in the text; a thought that never ends has no answer.
    """
    ends = list(_THINK_END.finditer(text))
    if ends:
        thought = _THINK_BEGIN.sub("", text[: ends[-1].start()])
        return _THINK_END.sub("", thought).strip(), text[ends[-1].end() :].strip()
    begin = _THINK_BEGIN.search(text)
    if begin:
        return text[begin.end() :].strip(), text[: begin.start()].strip()
    return "", text.strip()


def parse(text: str, form: type[FormT]) -> FormT | str:
    """Return the first JSON object of a text that has the form, or what is wrong with it, for the model to read."""
    wrong = "there is no JSON object in it"
    starts = [found.start() for found in re.finditer(r"\{", text)][:MOST_STARTS]
    end = 0
    for start in starts:
        if start < end:
            continue
        try:
            found, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            wrong = f"it is not valid JSON: {error}" if wrong.startswith("there is") else wrong
            continue
        try:
            return form.model_validate(found)
        except ValidationError as error:
            wrong = _told(error)
    return wrong[:MOST_ERROR_CHARACTERS]


def _told(error: ValidationError) -> str:
    rows = [f"{'.'.join(str(part) for part in row['loc']) or 'answer'}: {row['msg']}" for row in error.errors()[:6]]
    return "; ".join(rows)


def schema_of(form: type[FormT]) -> dict[str, Any]:
    """Return the response_format that asks for a form."""
    return {
        "type": "json_schema",
        "json_schema": {"name": form.__name__, "schema": form.model_json_schema(), "strict": True},
    }


def clean_text(text: str, most: int) -> str:
    """Return a model's text as one line without control and formatting characters (escape sequences, changes of direction),
    at most so long. It is still to be escaped where it is shown as HTML."""
    kept = "".join(
        " " if char.isspace() else char for char in text if char.isspace() or unicodedata.category(char)[0] != "C"
    )
    return " ".join(kept.split())[:most].rstrip()
