"""Arguments that an input schema accepts: the required ones, and whatever else is asked for."""

import re

FORMATS = {
    "uuid": ("0b0e4ac5-7f3a-4f0e-9d6e-0d8a5a3b1c00", "0b0e4ac5-7f3a-4f0e-9d6e-0d8a5a3b1c01"),
    "date-time": ("2026-11-21T10:00:00Z", "2026-11-22T10:00:00Z"),
    "date": ("2026-11-21", "2026-11-22"),
    "email": ("one@example.com", "two@example.com"),
    "uri": ("https://one.example.com/", "https://two.example.com/"),
    "password": ("Str0ng-Secret-One!", "Str0ng-Secret-Two!"),
}
# Tried in this order where a pattern has to be met; every pair has a first and another value.
TEXTS = [("one.example.com", "two.example.com"), ("first", "second"), ("11", "12"), ("wp-8.1", "wp-8.2"),
         ("/one", "/two"), ("1" * 64, "2" * 64),
         ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB")]


def instance(schema, variant=0, path=(), put=None):
    """Valid arguments. Those of another `variant` (0 or 1) differ in every place that the schema leaves open.

    `path` (`a`, `list[]`) names an argument that is to be there even if it need not, with the value `put` if given.
    """
    return value_of(schema, schema, variant, list(path), put)


def steps(text):
    """`a.b[].c` as a path."""
    return text.split(".")


def value_of(schema, root, variant, path, put):
    if not path and put is not None:
        return put
    schema = resolved(schema, root)
    for keyword in ("oneOf", "anyOf"):
        if keyword in schema:
            return value_of(together(schema, keyword, root), root, variant, path, put)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][variant % len(schema["enum"])]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next(name for name in kind if name != "null")
    return MAKERS[kind](schema, root, variant, path, put)


def together(schema, keyword, root):
    """The schema with the first of its alternatives."""
    rest = {key: value for key, value in schema.items() if key != keyword}
    first = resolved(schema[keyword][0], root)
    if "properties" not in rest:
        return first
    return {**first, **rest, "properties": {**first.get("properties", {}), **rest["properties"]},
            "required": rest.get("required", []) + first.get("required", [])}


def resolved(schema, root):
    while "$ref" in schema:
        target = root
        for step in schema["$ref"].lstrip("#/").split("/"):
            target = target[step]
        schema = target
    if "allOf" in schema:
        merged = {"properties": {}, "required": []}
        for part in [schema, *schema["allOf"]]:
            part = resolved({key: part[key] for key in part if key != "allOf"}, root)
            merged = {**merged, **part, "properties": {**merged["properties"], **part.get("properties", {})},
                      "required": merged["required"] + part.get("required", [])}
        return merged
    return schema


def make_object(schema, root, variant, path, put):
    members = schema.get("properties", {})
    wanted = path[0].rstrip("[]") if path else None
    made = {}
    for name in members:
        if name == wanted:
            depth = path[0].count("[]")
            made[name] = listed(members[name], root, variant, depth, path[1:], put)
        elif name in schema.get("required", []):
            made[name] = value_of(members[name], root, variant, [], None)
    if not members and schema.get("minProperties"):
        made["name"] = TEXTS[1][variant]
    return made


def listed(schema, root, variant, depth, rest, put):
    """The value inside `depth` lists of one element."""
    if depth == 0:
        return value_of(schema, root, variant, rest, put)
    return [listed(resolved(schema, root)["items"], root, variant, depth - 1, rest, put)]


def make_array(schema, root, variant, _path, _put):
    return [value_of(schema.get("items", {}), root, variant + index, [], None)
            for index in range(max(1, schema.get("minItems", 0)))]


def make_integer(schema, *rest):
    return int(max(schema.get("minimum", 11), schema.get("exclusiveMinimum", 10) + 1)) + rest[1]


def make_string(schema, _root, variant, _path, _put):
    variant %= 2
    pattern = re.compile(schema.get("pattern", ""))
    candidates = [FORMATS[schema["format"]]] if schema.get("format") in FORMATS else TEXTS
    for pair in candidates:
        texts = [text.ljust(schema.get("minLength", 0), "x")[:schema.get("maxLength")] for text in pair]
        if pattern.search(texts[variant]):
            return texts[variant]
    raise ValueError(f"no text is known that {schema} accepts: add one to TEXTS")


MAKERS = {
    "object": make_object,
    "array": make_array,
    "integer": make_integer,
    "number": make_integer,
    "string": make_string,
    "boolean": lambda *_: True,
    "null": lambda *_: None,
}
