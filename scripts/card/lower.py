"""Lowers a compiled entry of a SavedModel to XLA's HLO, as TensorFlow itself would.

    python lower.py SAVED_MODEL.pb OUT.hlo.pb

The graph must hold one call that XLA must compile: all that an entry computes (`compile: whole`).
Its function is taken as it stands there. TensorFlow lowers for the processor, since it lowers for a
card only where there is one; its kernels for both are the same but for a few. Prints one line of
JSON: `inputs` (the names of what is passed, with shape and type), `barriers` (optimization barriers
of the function) and `seconds`.
"""

import json
import os
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.eager import context


def argument(name, nodes):
    """Name, shape and type of what a call takes: a fed input or a variable's value."""
    node = nodes[name.split(":")[0]]
    if node.op == "ReadVariableOp":
        node = nodes[node.input[0]]
        name = node.attr["shared_name"].s.decode()
    if node.op not in ("Placeholder", "VarHandleOp"):
        raise SystemExit(f"the call takes {node.name}, a {node.op}: not all of the entry is in it")
    shape = [dim.size for dim in node.attr["shape"].shape.dim]
    return {"name": name, "shape": shape, "dtype": tf.dtypes.as_dtype(node.attr["dtype"].type).name}


def main(source, target):
    start = time.time()
    saved = saved_model_pb2.SavedModel()
    with open(source, "rb") as file:
        saved.ParseFromString(file.read())
    graph = saved.meta_graphs[0].graph_def
    nodes = {node.name: node for node in graph.node}
    calls = [node for node in graph.node if node.op == "PartitionedCall" and node.attr["_XlaMustCompile"].b]
    if len(calls) != 1:
        raise SystemExit(f"expected one call that XLA must compile, found {len(calls)}")
    called = calls[0].attr["f"].func.name
    function = next(each for each in graph.library.function if each.signature.name == called)
    inputs = [argument(name, nodes) for name in calls[0].input if not name.startswith("^")]
    context.context().add_function_def(function)
    hlo = context.context().get_compiler_ir(
        device_name="/job:localhost/replica:0/task:0/device:CPU:0",
        platform_name=None,
        function_name=called,
        flat_args=[tf.TensorSpec(each["shape"], each["dtype"]) for each in inputs],
        captured_inputs=[],
        stage="hlo_serialized",
    )
    with open(target, "wb") as file:
        file.write(hlo)
    barriers = sum(node.op == "XlaOptimizationBarrier" for node in function.node_def)
    print(json.dumps({"inputs": inputs, "barriers": barriers, "seconds": round(time.time() - start, 1)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
