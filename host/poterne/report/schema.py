"""The JSON Schema of every record and message, from which the extension's types are made.

Messages to the extension are described as they are written (every key is there), messages from it as they are read
(keys with a default may be left out), so `Options` exists in both forms.
"""

from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode
from pydantic_core import core_schema

from poterne import report as model

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class AsWritten(GenerateJsonSchema):
    """In what the host writes, no key is left out, whether it has a default or not."""

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,
    ) -> bool:
        return self.mode == "serialization" or super().field_is_required(field, total)


def json_schema() -> dict[str, Any]:
    """One JSON Schema (draft 2020-12) whose `$defs` hold every record, and the unions `HostMessage` and
    `ExtensionMessage`. A report is `#/$defs/Report`; the command line's events are host messages without `id` and
    `reduced`.
    """
    unions: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]] = [
        ("HostMessage", "serialization", TypeAdapter(model.HostMessage)),
        ("ExtensionMessage", "validation", TypeAdapter(model.ExtensionMessage)),
    ]
    by_union, definitions = TypeAdapter.json_schemas(unions, schema_generator=AsWritten)
    records = definitions["$defs"]
    for name, record in records.items():
        record["title"] = name.replace("-", "")
        for member in record.get("properties", {}).values():
            member.pop("title", None)
            # Beside it, generators of types take a reference for another record.
            member.pop("readOnly", None)
    for (name, _), union in by_union.items():
        records[name] = {"title": name, **union}
    references = [{"$ref": f"#/$defs/{name}"} for name, _, _ in unions]
    return {"$schema": DIALECT, "title": "Message", "anyOf": references, "$defs": records}
