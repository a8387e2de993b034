"""Files of rows as Python's programs write them, for tests/io/row-files.test.ts.

    python scripts/reference/row_files.py tests/fixtures/row-files

Made with Python 3.12.3, pyarrow 26.0.1, zstandard 0.25.0. expected.json holds what every file says: the rows as Python's json module writes
them, integers over 2^53 as texts, NaN and absent values as null.
"""

import datetime
import decimal
import json
import math
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

ROWS = 40
PACKINGS = ["none", "snappy", "gzip", "brotli", "zstd", "lz4"]


def plain(value):
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(timespec="milliseconds") + "Z"
    if isinstance(value, datetime.date):
        return value.isoformat() + "T00:00:00.000Z"
    raise TypeError(value)


def flat():
    """Alpaca rows, with columns of every type that people have beside them."""
    rows = []
    for i in range(ROWS):
        rows.append(
            {
                "id": 2**62 + i,
                "instruction": f"Name river {i % 7}, né{i}",
                "input": None if i % 3 else "in Europe\nor Asia",
                "output": "Donau 🙂" * (1 + i % 4),
                "score": [1.5, math.nan, math.inf, None][i % 4],
                "level": i % 5,
                "good": [True, False, None][i % 3],
                "made": datetime.datetime(2024, 2, 29, 12, 30, 15, 250000) + datetime.timedelta(days=i),
                "day": datetime.date(2023, 12, 31),
                "price": decimal.Decimal("12.50"),
                "unsigned": 2**64 - 1 - i,
            }
        )
    schema = pa.schema(
        [
            ("id", pa.int64()),
            ("instruction", pa.string()),
            ("input", pa.string()),
            ("output", pa.large_string()),
            ("score", pa.float64()),
            ("level", pa.int32()),
            ("good", pa.bool_()),
            ("made", pa.timestamp("us")),
            ("day", pa.date32()),
            ("price", pa.decimal128(9, 2)),
            ("unsigned", pa.uint64()),
        ]
    )
    return pa.Table.from_pylist(rows, schema=schema), [plain(row) for row in rows]


def nested():
    """Conversations as lists of structures with fields that only some turns have, lists without turns, and no list at all."""
    turn = pa.struct(
        [
            ("role", pa.string()),
            ("content", pa.string()),
            ("weight", pa.int64()),
            ("tool_calls", pa.list_(pa.struct([("name", pa.string()), ("arguments", pa.string())]))),
        ]
    )
    rows = []
    for i in range(ROWS):
        turns = []
        for t in range(1 + i % 3):
            turns.append({"role": "user", "content": f"Question {i}.{t}?", "weight": None, "tool_calls": None})
            calls = [] if i % 2 else None
            turns.append({"role": "assistant", "content": f"Answer {i}.{t}.", "weight": [None, 0, 1][i % 3], "tool_calls": calls})
        if i == 5:
            turns = []
        if i == 6:
            turns = None
        rows.append({"messages": turns, "source": {"name": f"s{i}", "tags": ["a", None, "b"][: i % 4]} if i % 5 else None})
    source = pa.struct([("name", pa.string()), ("tags", pa.list_(pa.string()))])
    schema = pa.schema([("messages", pa.list_(turn)), ("source", source)])
    return pa.Table.from_pylist(rows, schema=schema), [plain(row) for row in rows]


def columns_of_lists():
    """A conversation as a structure of lists, as datasets' Sequence writes it."""
    rows = [
        {"conversations": {"from": ["human", "gpt"], "value": [f"Question {i}?", f"Answer {i}."]}} for i in range(ROWS)
    ]
    lists = pa.struct([("from", pa.list_(pa.string())), ("value", pa.list_(pa.string()))])
    return pa.Table.from_pylist(rows, schema=pa.schema([("conversations", lists)])), rows


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    expected = {}
    for name, (table, rows) in {"flat": flat(), "nested": nested(), "lists": columns_of_lists()}.items():
        packings = PACKINGS if name != "lists" else ["snappy"]
        for packing in packings:
            file = f"{name}-{packing}.parquet"
            # Several groups of rows, pages of few rows.
            pq.write_table(table, folder / file, compression=packing, row_group_size=17, data_page_size=256)
        file = f"{name}-v2.parquet"
        pq.write_table(table, folder / file, data_page_version="2.0", use_dictionary=False, version="2.6")
        expected[name] = rows
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in expected["nested"]).encode()
    one = zstandard.ZstdCompressor(level=19, write_checksum=True).compress(text)
    half = len(text) // 2
    two = zstandard.ZstdCompressor().compress(text[:half]) + zstandard.ZstdCompressor().compress(text[half:])
    stream = zstandard.ZstdCompressor(level=3).compressobj()
    streamed = stream.compress(text[:1000]) + stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK) + stream.compress(text[1000:]) + stream.flush()
    skipped = b"\x53\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"index" + one
    for name, packed in {"one": one, "two-frames": two, "streamed": streamed, "skippable": skipped}.items():
        (folder / f"nested-{name}.jsonl.zst").write_bytes(packed)
    lines = [json.dumps({"instruction": f"q{i}", "input": [math.nan, "x NaN"][i % 2], "output": "a", "score": [math.inf, -math.inf, 2.5][i % 3]}) for i in range(6)]
    (folder / "python-nan.jsonl").write_text("\n".join(lines) + "\n")
    expected["python-nan"] = [plain(json.loads(line)) for line in lines]
    (folder / "expected.json").write_text(json.dumps(expected, ensure_ascii=False) + "\n")


main(Path(sys.argv[1]))
