"""The extension's types, made from the model: `python tests/tools/messages_types.py` writes them.

Messages to the extension are described as they are written (every key is there), messages from it as they are read
(keys with a default may be left out), so `Options` exists in both forms.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode
from pydantic_core import core_schema

from poterne import model

ROOT = Path(__file__).resolve().parents[2]
TYPES = ROOT / "extension" / "types" / "messages.d.ts"
COMPILER = Path(__file__).with_suffix(".mjs")


class AsWritten(GenerateJsonSchema):
    """In what the host writes, no key is left out, whether it has a default or not."""

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,
    ) -> bool:
        return self.mode == "serialization" or super().field_is_required(field, total)


def schema() -> dict[str, Any]:
    """One JSON Schema whose `$defs` hold every record, and the unions `HostMessage` and `ExtensionMessage`."""
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
    for (name, _), union in by_union.items():
        records[name] = {"title": name, **union}
    references = [{"$ref": f"#/$defs/{name}"} for name, _, _ in unions]
    return {"title": "Message", "anyOf": references, "$defs": records}


def declarations() -> str:
    """The text of `messages.d.ts`; raises CalledProcessError with the compiler's words in `stderr`."""
    compiler = subprocess.run(  # noqa: S603
        ["node", COMPILER],  # noqa: S607
        input=json.dumps(schema()),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return compiler.stdout


if __name__ == "__main__":
    TYPES.parent.mkdir(parents=True, exist_ok=True)
    TYPES.write_text(declarations(), encoding="utf-8")
