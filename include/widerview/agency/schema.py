"""What may stand in client files and theme files, told from the models: the JSON Schema for editors, the table of keys.

`python -m widerview.agency.schema` writes all anew after a change of the models.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from widerview.agency.models import Client
from widerview.yaml_lines import Location

JsonSchema = dict[str, Any]

SCHEMA_FILE = Path("clients/client.schema.json")
PAGE = Path("docs/agency.md")
THEME_SCHEMA_FILE = Path("clients/themes/theme.schema.json")
THEME_PAGE = Path("docs/themes.md")
_TABLE_STARTS = "<!-- The keys: written by `python -m widerview.agency.schema` -->"
_TABLE_ENDS = "<!-- The keys end here -->"


@cache
def schema_of(model: type[BaseModel] = Client) -> JsonSchema:
    """Give the JSON Schema (draft 2020-12) of a kind of file: by default of client files."""
    title = "Widerview client" if model is Client else "Widerview theme"
    schema = model.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title}


def schema_text(model: type[BaseModel] = Client) -> str:
    """Give the JSON Schema as text, the same for the same models."""
    return json.dumps(schema_of(model), indent=2, ensure_ascii=False) + "\n"


def part(location: Location, model: type[BaseModel] = Client) -> JsonSchema:
    """Give the schema of one place in a file, without references; empty if there is no such place."""
    schema = root = schema_of(model)
    for step in location:
        if isinstance(step, int):
            schema = _resolved(schema.get("items", {}), root)
        else:
            following = schema.get("properties", {}).get(step, schema.get("additionalProperties"))
            schema = _resolved(following if isinstance(following, dict) else {}, root)
    return schema


def known_keys(location: Location, model: type[BaseModel] = Client) -> list[str]:
    """List the keys that may stand in the mapping at a place."""
    schema = part(location, model)
    return list(schema.get("properties", schema.get("propertyNames", {}).get("enum", [])))


def options(schema: JsonSchema) -> list[str]:
    """List the only values a schema allows; none if it allows more than a list."""
    return [str(each) for each in schema.get("enum", [schema["const"]] if "const" in schema else [])]


def keys_table(model: type[BaseModel] = Client) -> str:
    """Write the table of all keys in Markdown: key, what it takes, default, meaning."""
    rows = ["| key | takes | if left out | meaning |", "|---|---|---|---|"]
    for path, schema, required in _keys(root := schema_of(model), "", root):
        left_out = "required" if required else _default(schema)
        cells = (f"`{path}`", _takes(schema, root), left_out, schema.get("description", ""))
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def with_keys_table(page: str, model: type[BaseModel] = Client) -> str:
    """Put the table of keys of today's models into the page that has its two marks."""
    before, _, rest = page.partition(_TABLE_STARTS)
    _, _, after = rest.partition(_TABLE_ENDS)
    return f"{before}{_TABLE_STARTS}\n{keys_table(model)}\n{_TABLE_ENDS}{after}"


def _resolved(schema: JsonSchema, root: JsonSchema) -> JsonSchema:
    """Follow a reference, and of `this or null` take this; what stands beside it overrides what it names."""
    beside = {key: value for key, value in schema.items() if key not in {"$ref", "anyOf"}}
    if "$ref" in schema:
        target = root["$defs"][schema["$ref"].rpartition("/")[2]]
        return {**target, **beside}
    if "anyOf" in schema:
        choice = next(each for each in schema["anyOf"] if each.get("type") != "null")
        return {**_resolved(choice, root), **beside}
    return schema


def _keys(schema: JsonSchema, prefix: str, root: JsonSchema) -> Iterator[tuple[str, JsonSchema, bool]]:
    for key, value in schema.get("properties", {}).items():
        found = _resolved(value, root)
        path = f"{prefix}{key}"
        yield path, found, key in schema.get("required", [])
        if "items" in found:
            yield from _keys(_resolved(found["items"], root), f"{path}[].", root)
        elif isinstance(found.get("additionalProperties"), dict):
            yield from _keys(_resolved(found["additionalProperties"], root), f"{path}.<weekday>.", root)
        else:
            yield from _keys(found, f"{path}.", root)


def _takes(schema: JsonSchema, root: JsonSchema) -> str:
    if only := options(schema):
        return " or ".join(f"`{each}`" for each in only)
    if schema.get("format") == "date":
        return "a date, like `2026-11-02`"
    if "items" in schema:
        items = _resolved(schema["items"], root)
        return "a list of mappings" if "properties" in items else f"a list; an item is {_takes(items, root)}"
    if schema.get("type") == "object":
        names = schema.get("propertyNames", {}).get("enum")
        return f"a mapping with the keys {', '.join(f'`{each}`' for each in names)}" if names else "a mapping"
    type_ = schema["type"]
    if isinstance(type_, list):  # a number is taken as text, so that an id needs no quotes
        type_ = "string"
    kind = {"integer": "a whole number", "number": "a number", "string": "text", "boolean": "true or false"}[type_]
    bounds = " to ".join(str(schema[each]) for each in ("minimum", "maximum") if each in schema)
    example = f", like `{schema['examples'][0]}`" if "examples" in schema else ""
    return f"{kind}{f' ({bounds})' if 'maximum' in schema else ''}{example}"


def _default(schema: JsonSchema) -> str:
    if "built_in" in schema:
        return "`{}` in light, `{}` in dark".format(*schema["built_in"])
    default = schema.get("default")
    if isinstance(default, dict):
        return "as its keys say"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"  # as YAML writes it
    return f"`{default}`" if isinstance(default, str | int) else "none"


def main() -> None:
    """Write the schema files and the tables of keys anew, in the checkout that is the current folder."""
    from widerview.agency.theme import ThemeFile  # noqa: PLC0415 - it is read by way of this module

    for model, schema, page in ((Client, SCHEMA_FILE, PAGE), (ThemeFile, THEME_SCHEMA_FILE, THEME_PAGE)):
        schema.write_text(schema_text(model), encoding="utf-8")
        page.write_text(with_keys_table(page.read_text(encoding="utf-8"), model), encoding="utf-8")


if __name__ == "__main__":
    main()
