"""The shape a supplier owes when it delivers over HTTP (`cce-interop` 0.8.1), for exact 422 answers.

Messages from the broker are read leniently (`ems.py`): there nobody hears a refusal. Facts retyped from
the published schema; a conformance test compares the two on valid and broken bodies.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

import jsonschema_rs

from ingest.dialects.ems import OBJECTS
from ingest.dialects.shapes import Problem

_MOST_PROBLEMS = 20

_META = ("schemaVersion", "transferType", "transferId", "transferSrc", "transferredAt")
_EMS_REPORT = (
    *("CID", "ADOP", "AMFR", "AMOD", "APQS", "ASER", "LDOP", "LMFR", "LMOD", "LPQS", "LSER"),
    *("EDOP", "EMFR", "EMOD", "EPQS", "ESER", "records"),
)
_RTMD_REPORT = ("AMID", "CID", "DLST", "EDOP", "EMFR", "EMOD", "EPQS", "ESER", "records")
_EMS_RECORD = ("ABST", "ALRM", "BEMD", "BLOG", "CMPR", "DORV", "EERR", "LERR", "TAMB", "TVC")
_RTMD_RECORD = ("ABST", "ALRM", "BEMD", "EERR")
# The schema's own exceptions to "a number or null".
_NEVER_NULL = {"TAMB", "BLOG"}

_TEXT = {"type": "string"}
_TEXT_OR_NULL = {"type": ["string", "null"]}


def _bounded(name: str, low: float, high: float) -> dict[str, Any]:
    kind: Any = "number" if name in _NEVER_NULL else ["number", "null"]
    return {"type": kind, "minimum": low, "maximum": high}


_OBJECTS: dict[str, Any] = {
    "ABST": {"type": "string", "pattern": r"^2[0-9]{7}[Tt][0-2][0-9]{5}(\.[0-9]+)?[Zz]$"},
    "ALRM": _TEXT_OR_NULL,
    "EERR": _TEXT_OR_NULL,
    "LERR": _TEXT_OR_NULL,
    **{name: _bounded(name, low, high) for name, (_, _, low, high) in OBJECTS.items()},
}


def _once_or_in_each_record(name: str) -> dict[str, Any]:
    """A software version stands once in the report or in each record."""
    in_records = {"properties": {"records": {"items": {"required": [name]}}}}
    said = f'"{name}" stands in the report or in each of its records, and not in both'
    return {"description": said, "oneOf": [{"required": [name]}, in_records]}


def _report(required: tuple[str, ...], record: dict[str, Any], *versions: str) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(required),
        "properties": {"records": {"type": "array", "minItems": 1, "items": record}, "ESER": _TEXT_OR_NULL},
        "allOf": [_once_or_in_each_record(name) for name in versions],
    }


_POWER = {
    "description": 'mains power is told as "SVA", solar power as "DCSV" and "DCCD", and never both',
    "oneOf": [
        {"required": ["SVA"], "not": {"required": ["DCSV", "DCCD"]}},
        {"required": ["DCSV", "DCCD"], "not": {"required": ["SVA"]}},
    ],
}
_STORAGE_OR_REASON = {
    "description": '"TVC" is a number, or null with the logger\'s error in "LERR"',
    "oneOf": [
        {"properties": {"TVC": {"type": "number"}}},
        {"properties": {"TVC": {"type": "null"}, "LERR": {"type": "string", "minLength": 1}}},
    ],
}
_RECORD_OF_EMS = {
    "type": "object",
    "required": list(_EMS_RECORD),
    "properties": _OBJECTS,
    "allOf": [_POWER, _STORAGE_OR_REASON],
}
_RECORD_OF_RTMD = {
    "type": "object",
    "required": list(_RTMD_RECORD),
    "properties": _OBJECTS,
    "allOf": [
        {
            "description": 'a record has at least one temperature: "TVC", "TFRZ" or "TAMB"',
            "anyOf": [{"required": [name]} for name in ("TVC", "TFRZ", "TAMB")],
        }
    ],
}
_IS_EMS = {"properties": {"meta": {"properties": {"transferType": {"const": "ems"}}}}}
_SCHEMA = {
    "type": "object",
    "required": ["meta", "data"],
    "properties": {
        "meta": {
            "type": "object",
            "required": list(_META),
            "properties": {
                **dict.fromkeys(_META, _TEXT),
                "transferType": {"enum": ["rtm", "ems"]},
                "transferredAt": {
                    "type": "string",
                    "pattern": r"^2[0-9]{3}-[01][0-9]-[0-3][0-9][Tt][0-2][0-9]:[0-5][0-9]:(?:[0-5][0-9]|60)(\.[0-9]+)?[Zz]$",
                },
            },
        },
        "data": {"type": "array", "minItems": 1, "items": {"type": "object"}},
    },
    "if": _IS_EMS,
    "then": {
        "properties": {"data": {"items": _report(_EMS_REPORT, _RECORD_OF_EMS, "LSV", "EMSV")}},
    },
    "else": {"properties": {"data": {"items": _report(_RTMD_REPORT, _RECORD_OF_RTMD, "EMSV")}}},
}
_VALIDATOR = jsonschema_rs.Draft202012Validator(_SCHEMA)


def shape_problems(body: object) -> list[Problem]:
    """Where the body departs from the schema, at most 20 places."""
    try:
        errors = list(islice(_VALIDATOR.iter_errors(body), _MOST_PROBLEMS))
    except ValueError as error:
        # The validator walks values 255 deep; a delivery has five levels.
        return [Problem("/", "too_deep", str(error))]
    return [
        Problem("".join(f"/{part}" for part in error.instance_path) or "/", "schema", _said(error)[:200])
        for error in errors
    ]


def _said(error: jsonschema_rs.ValidationError) -> str:
    """What is wrong. Of alternatives the validator knows only that none is met, and quotes all it was given."""
    part: Any = _SCHEMA
    for step in error.schema_path[:-1]:
        part = part[step]
    return str(part.get("description", error.message)) if isinstance(part, dict) else error.message
