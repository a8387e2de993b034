"""The schema of a Job (batch/v1) of Kubernetes, as its API publishes it, for tests of manifests. Writes
tests/fixtures/kubernetes/job-1.33.json.

It needs the folder of the Go module k8s.io/kubernetes (Apache-2.0), which has the API's OpenAPI description:

    go mod download -json k8s.io/kubernetes@v1.33.13        # prints its folder as "Dir"
    python scripts/reference/kubernetes_job.py DIR

1.33 is the first version that has every field that phasetune writes as stable; later ones only add fields. Left out are
descriptions, defaults, and what is only read. Fields that the API does not know are refused, as a server does with
`--validate=strict`.
"""

import json
import sys
from pathlib import Path

VERSION = "1.33.13"
JOB = "io.k8s.api.batch.v1.Job"
PREFIX = "#/components/schemas/"
OUT = Path(__file__).parents[2] / "tests/fixtures/kubernetes/job-1.33.json"
#: What a manifest does not give, by definition: the server writes it.
READ_ONLY = {JOB: {"status"}, "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta": {"managedFields"}}
KEPT = {"type", "format", "required", "enum"}


def strict(schema: dict, without: frozenset[str] | set[str] = frozenset()) -> dict:
    """A schema without what says nothing about validity; objects with named fields have no others."""
    out = {key: schema[key] for key in sorted(KEPT & schema.keys())}
    if "$ref" in schema:
        return {"$ref": "#/definitions/" + schema["$ref"].removeprefix(PREFIX)}
    if len(schema.get("allOf", [])) == 1:
        return strict(schema["allOf"][0])
    if "oneOf" in schema:
        return {"oneOf": [strict(each) for each in schema["oneOf"]]}
    if "properties" in schema:
        properties = {name: each for name, each in schema["properties"].items() if name not in without}
        out["properties"] = {name: strict(each) for name, each in sorted(properties.items())}
        out["additionalProperties"] = False
    elif isinstance(schema.get("additionalProperties"), dict):
        out["additionalProperties"] = strict(schema["additionalProperties"])
    if "items" in schema:
        out["items"] = strict(schema["items"])
    return out


def names_in(schema: object) -> set[str]:
    """The definitions that a schema refers to."""
    if isinstance(schema, list):
        return set().union(*map(names_in, schema))
    if not isinstance(schema, dict):
        return set()
    here = {schema["$ref"].removeprefix("#/definitions/")} if "$ref" in schema else set()
    return here.union(*map(names_in, schema.values()))


def main(folder: str) -> None:
    path = Path(folder) / "api/openapi-spec/v3/apis__batch__v1_openapi.json"
    schemas = json.loads(path.read_text())["components"]["schemas"]
    definitions: dict[str, dict] = {}
    left = {JOB}
    while left:
        name = left.pop()
        definitions[name] = strict(schemas[name], READ_ONLY.get(name, set()))
        left |= names_in(definitions[name]) - definitions.keys()
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$comment": f"Job of batch/v1, from api/openapi-spec of Kubernetes {VERSION} (Apache-2.0, The Kubernetes Authors)"
        ", shortened by scripts/reference/kubernetes_job.py",
        "allOf": [{"$ref": f"#/definitions/{JOB}"}],
        "definitions": dict(sorted(definitions.items())),
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(schema, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
