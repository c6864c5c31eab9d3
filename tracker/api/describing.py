"""What FastAPI cannot know of the API's description: the problem body, and what webhooks are sent."""

from __future__ import annotations

import inspect
from typing import Any, get_args, get_type_hints

from fastapi import FastAPI

from tracker.edge.responses import ProblemBody
from tracker.events import KINDS
from tracker.feed.contract import Event, Part, adapter_of, names_of

_REF = "#/components/schemas/{model}"


def describe_more(app: FastAPI) -> None:
    """Complete the application's OpenAPI document: schemas the routes refer to, and `webhooks`, one for each kind."""
    plain = app.openapi

    def described() -> dict[str, object]:
        document = plain()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        if "ProblemBody" not in schemas:
            schemas["ProblemBody"] = ProblemBody.model_json_schema(ref_template=_REF)
            document["webhooks"] = {event.KIND: {"post": _delivery(event, schemas)} for event in KINDS}
        return document

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's documented way to extend the description


def _schemas_of(event: Any) -> dict[str, Any]:
    """The schema of an event's data and of what is in it; fields that were renamed stand there under both names."""
    data = adapter_of(event).json_schema(ref_template=_REF, by_alias=False)
    found = {**data.pop("$defs", {}), event.__name__: data}
    for cls in (event, *_parts_of(event)):
        properties = found[cls.__name__]["properties"]
        for name, former in names_of(cls).items():
            if former is not None:
                properties[former] = {**properties[name], "deprecated": True, "description": f"Now named {name}."}
    return found


def _parts_of(event: Any) -> list[Any]:
    """The structured values in an event, alone or in lists."""
    held = (inner for hint in get_type_hints(event).values() for inner in (hint, *get_args(hint)))
    return [each for each in held if isinstance(each, type) and issubclass(each, Part)]


def _delivery(event: type[Event], schemas: dict[str, Any]) -> dict[str, Any]:
    """One kind as a webhook's operation; the schema of its data goes among the others."""
    for name, schema in _schemas_of(event).items():
        # Two classes of one name would describe each other's values.
        if schemas.setdefault(name, schema) != schema:
            raise ValueError(f"{event.KIND}: there is another schema named {name}")
    told = {
        "type": "object",
        "required": ["position", "id", "kind", "subject", "data", "caused_by", "occurred_at", "recorded_at"],
        "properties": {
            "position": {"type": "integer", "description": "Its place in the feed."},
            "id": {"type": "string", "format": "uuid"},
            "kind": {"const": event.KIND},
            "subject": {"type": "string"},
            "data": {"$ref": _REF.format(model=event.__name__)},
            "caused_by": {
                "type": ["string", "null"],
                "format": "uuid",
                "description": "The event this one followed from.",
            },
            "occurred_at": {"type": "string", "format": "date-time"},
            "recorded_at": {"type": "string", "format": "date-time"},
        },
    }
    return {
        "summary": inspect.cleandoc(event.__doc__ or "").splitlines()[0],
        "operationId": f"told_{event.KIND.replace('.', '_')}",
        "description": "Sent with others in feed order, at most a hundred in one request, signed with its time in X-Signature.",
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["delivery", "webhook", "events"],
                        "properties": {
                            "delivery": {"type": "string", "format": "uuid"},
                            "webhook": {"type": "string", "format": "uuid"},
                            "events": {"type": "array", "items": told},
                        },
                    }
                }
            },
        },
        "responses": {"2XX": {"description": "Taken. Anything else: the same events come again, later."}},
    }
