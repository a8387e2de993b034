"""Which kernels for cards TensorFlow has for the ops that programs are recorded in: tests/fixtures/gpu-kernels.json.

They are read from the registry of the library itself, which needs no card: the build for CUDA lists them wherever it is loaded.

    python scripts/reference/gpu_kernels.py FOLDER > tests/fixtures/gpu-kernels.json

FOLDER holds libtensorflow_cc.so.2 and libtensorflow_framework.so.2 out of the wheel `tensorflow` (not `tensorflow-cpu`);
after `phasetune setup --cuda` that is native/tensorflow-VERSION-cuda/tensorflow in the cache folder. Made with 2.21.0, Python 3.11.
"""

import ctypes
import json
import sys

# Those that have a shape rule, and those that are put around what is recorded.
OPS = """
Abs Add AddN AddV2 All Any ArgMax AssignVariableOp BatchMatMul BatchMatMulV2 BiasAdd Bitcast BitwiseAnd BitwiseOr
BitwiseXor BroadcastTo Cast ClipByValue ConcatV2 Const Cos Cumsum DeepCopy Div Einsum Equal Exp ExpandDims Expm1 Fill
Floor FloorDiv FloorMod GatherNd GatherV2 Greater GreaterEqual Identity InplaceUpdate LeftShift Less LessEqual Log
Log1p LogSoftmax LogicalAnd LogicalNot LogicalOr MatMul Max Maximum Mean Min Minimum Mul Neg NotEqual OneHot OnesLike
Pack Pad PadV2 PartitionedCall Placeholder Range ReadVariableOp RealDiv Reshape RightShift Round Rsqrt ScatterNd
Select SelectV2 Sigmoid SigmoidGrad Sin Slice Softmax SparseSoftmaxCrossEntropyWithLogits Split SplitV Sqrt Square
Squeeze StatelessRandomNormal StatelessRandomUniform StatelessRandomUniformFullInt StridedSlice Sub Sum Tanh TanhGrad
TensorScatterAdd TensorScatterUpdate Tile TopKV2 Transpose Unpack UnsortedSegmentSum VarHandleOp XlaCustomCallV2
XlaOptimizationBarrier ZerosLike
""".split()

TYPES = {1: "float32", 3: "int32", 4: "uint8", 6: "int8", 9: "int64", 10: "bool", 14: "bfloat16", 20: "resource"}


class Buffer(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("length", ctypes.c_size_t), ("free", ctypes.c_void_p)]


def read(folder):
    """The registered kernels and ops (KernelList and OpList), those that XLA compiles for cards among them."""
    ctypes.CDLL(f"{folder}/libtensorflow_framework.so.2", mode=ctypes.RTLD_GLOBAL)
    library = ctypes.CDLL(f"{folder}/libtensorflow_cc.so.2", mode=ctypes.RTLD_GLOBAL)
    # tensorflow::XlaOpRegistry::RegisterCompilationKernels(), else called when something is first compiled.
    getattr(library, "_ZN10tensorflow13XlaOpRegistry26RegisterCompilationKernelsEv")()
    library.TF_Version.restype = ctypes.c_char_p
    library.TF_NewStatus.restype = ctypes.c_void_p
    library.TF_GetAllRegisteredKernels.argtypes = [ctypes.c_void_p]
    buffers = []
    for name, arguments in [("TF_GetAllRegisteredKernels", [library.TF_NewStatus()]), ("TF_GetAllOpList", [])]:
        function = getattr(library, name)
        function.restype = ctypes.POINTER(Buffer)
        found = function(*arguments).contents
        buffers.append(ctypes.string_at(found.data, found.length))
    return library.TF_Version().decode(), *buffers


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(data):
    """Numbers and values of a message's fields."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
        elif tag & 7 == 2:
            length, at = varint(data, at)
            value, at = data[at : at + length], at + length
        else:
            size = 4 if tag & 7 == 5 else 8
            value, at = data[at : at + size], at + size
        yield tag >> 3, value


def all_of(data, number):
    return [value for field, value in fields(data) if field == number]


def text(data, number):
    return "".join(value.decode() for value in all_of(data, number))


def allowed_types(constraint):
    """AttrValue.list.type, packed or not."""
    numbers = []
    for value in all_of(constraint, 2):
        for listed in all_of(value, 1):
            for each in all_of(listed, 6):
                if isinstance(each, int):
                    numbers.append(each)
                    continue
                at = 0
                while at < len(each):
                    number, at = varint(each, at)
                    numbers.append(number)
    return [TYPES[number] for number in numbers if number in TYPES]


def kernels_of(data):
    """By op and device: types that each attribute may have, and the arguments that are in the host's memory."""
    found = {}
    for kernel in all_of(data, 1):
        op, device, label = text(kernel, 1), text(kernel, 2), text(kernel, 5)
        if op not in OPS or device not in ("GPU", "DEFAULT", "XLA_GPU_JIT") or label:
            continue
        types = {text(constraint, 1): allowed_types(constraint) for constraint in all_of(kernel, 3)}
        if not all(types.values()):
            continue
        host = [name.decode() for name in all_of(kernel, 4)]
        place = "compiled" if device == "XLA_GPU_JIT" else "card"
        found.setdefault(op, {"card": [], "compiled": []})[place].append({"types": types, "host": host})
    return found


def default_types(data):
    """By op: attributes that are types and may be left out."""
    found = {}
    for op in all_of(data, 1):
        defaults = {}
        for attribute in all_of(op, 4):
            for value in all_of(attribute, 3):
                for number in all_of(value, 6):
                    if text(attribute, 2) == "type" and number in TYPES:
                        defaults[text(attribute, 1)] = TYPES[number]
        found[text(op, 1)] = defaults
    return found


def output_names(data):
    """By op: names of its outputs, by which nodes of a function refer to them."""
    return {text(op, 1): [text(output, 1) for output in all_of(op, 3)] for op in all_of(data, 1)}


def merged(kernels):
    """Kernels that differ in the type of one attribute only become one that allows all of them."""
    result = []
    for kernel in kernels:
        for known in result:
            differing = [name for name in kernel["types"] if kernel["types"][name] != known["types"].get(name)]
            if known["host"] == kernel["host"] and known["types"].keys() == kernel["types"].keys() and len(differing) <= 1:
                for name in differing:
                    known["types"][name] = sorted({*known["types"][name], *kernel["types"][name]})
                break
        else:
            result.append(kernel)
    return sorted(result, key=json.dumps)


version, kernel_list, op_list = read(sys.argv[1])
defaults = default_types(op_list)
outputs = output_names(op_list)
kernels = kernels_of(kernel_list)
lines = []
for op in sorted(OPS):
    if op not in kernels:
        print(f"no kernel for cards: {op}", file=sys.stderr)
        continue
    places = {place: merged(each) for place, each in kernels[op].items()}
    lines.append(f"    {json.dumps(op)}: {json.dumps({'defaults': defaults[op], 'outputs': outputs[op], **places})}")
print(f'{{\n  "tensorflow": "{version}",\n  "ops": {{\n' + ",\n".join(lines) + "\n  }\n}")
