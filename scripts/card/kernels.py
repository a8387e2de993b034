"""What a program that XLA compiled for a card launches, and about how long it would take.

The text of the compiled module has one instruction for each kernel. A kernel's time is estimated as
the longest of its bytes over the memory's bandwidth, its operations over the matrix units' speed,
and the least that any kernel takes; a real card takes 1.1 to 1.3 times that.
"""

import collections
import re

BYTES = {
    "pred": 1, "s4": 0.5, "u4": 0.5, "s8": 1, "u8": 1, "s16": 2, "u16": 2, "bf16": 2, "f16": 2,
    "s32": 4, "u32": 4, "f32": 4, "s64": 8, "u64": 8, "f64": 8,
}  # fmt: skip

# Instructions that launch nothing.
FREE = {"parameter", "constant", "get-tuple-element", "tuple", "bitcast", "opt-barrier"}

LEAST_SECONDS = 2.5e-6

# Of the matrix units' speed that a product reaches, and of it that flash attention does.
PRODUCT_SHARE = 0.65
ATTENTION_SHARE = 0.35


def shapes_in(text):
    found = re.findall(r"\b(pred|[suf]\d+|bf16)\[([\d,]*)\]", text)
    return [(dtype, [int(size) for size in sizes.split(",") if size]) for dtype, sizes in found]


def elements(sizes):
    product = 1
    for size in sizes:
        product *= size
    return product


def bytes_in(text):
    return sum(BYTES[dtype] * elements(sizes) for dtype, sizes in shapes_in(text))


def kind_of(op, line):
    """Kernels are told apart by what they call, or by how XLA fused them."""
    if op == "custom-call":
        return re.search(r'custom_call_target="([^"]+)"', line).group(1)
    if op == "fusion":
        named = re.search(r'"kind":"(\w+)"', line)
        return "fusion " + (named.group(1) if named else re.search(r"kind=(\w+)", line).group(1))
    return op


def operations(kind, line, types, arguments, module):
    """Floating point operations of a product or of flash attention; 0 for anything else."""
    if "matmul" in kind:
        contracted = re.search(r'"lhs_contracting_dimensions":\["(\d+)"', line)
        inner = shapes_in(types[arguments[0]])[0][1][int(contracted.group(1))]
        return 2 * inner * elements(shapes_in(line.split(" = ", 1)[1])[0][1])
    if "fmha" in kind:
        _, (batch, heads, queries, size) = shapes_in(types[arguments[0]])[0]
        keys = shapes_in(types[arguments[1]])[0][1][2]
        # Two products forward, five back, of which the causal mask leaves half.
        return (10 if "Backward" in kind else 4) * batch * heads * queries * keys * size / 2
    if "gemm" in kind:
        called = re.search(r"calls=%([\w.\-]+)", line).group(1)
        start = module.index(f"%{called} ")
        body = module[start : module.index("\n}", start)]
        total = 0
        for out, left, dim in re.findall(r"= (\S+) dot\(%([\w.\-]+), .*?lhs_contracting_dims=\{(\d+)\}", body):
            left_type = re.search(rf"%{re.escape(left)} = (\S+)", body).group(1)
            total += 2 * elements(shapes_in(out)[0][1]) * shapes_in(left_type)[0][1][int(dim)]
        return total
    return 0


def kernels(module, bandwidth, flops):
    """Kernels of a compiled module by kind: number, gigabytes moved, estimated milliseconds."""
    kinds = collections.defaultdict(lambda: {"count": 0, "gigabytes": 0.0, "milliseconds": 0.0})
    types = {}
    for line in module[module.index("\nENTRY") :].splitlines():
        found = re.match(r"\s+(?:ROOT )?%([\w.\-]+) = (\(.*?\)|\S+) ([a-z][\w\-]*)\((.*)", line)
        if not found:
            continue
        name, result, op, rest = found.groups()
        types[name] = result
        if op in FREE:
            continue
        arguments = re.findall(r"%([\w.\-]+)", rest[: rest.index(")")])
        kind = kind_of(op, line)
        moved = bytes_in(result) + sum(bytes_in(types.get(each, "")) for each in arguments)
        if "matmul" in kind:
            # The second result is cuBLAS's workspace, which is hardly touched.
            moved -= sum(BYTES[dtype] * elements(sizes) for dtype, sizes in shapes_in(result)[1:])
        share = ATTENTION_SHARE if "fmha" in kind else PRODUCT_SHARE
        work = operations(kind, line, types, arguments, module)
        seconds = max(moved / bandwidth, work / (flops * share), LEAST_SECONDS)
        row = kinds[kind]
        row["count"] += 1
        row["gigabytes"] += moved / 1e9
        row["milliseconds"] += seconds * 1e3
    return dict(sorted(kinds.items(), key=lambda item: -item[1]["milliseconds"]))
