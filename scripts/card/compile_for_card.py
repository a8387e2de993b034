"""Compiles a module of XLA's HLO for an NVIDIA card that need not be there.

    python compile_for_card.py MODULE.hlo.pb TARGET.txtpb [--text FILE] [xla_flag=value ...]

JAX brings XLA's compiler for cards; the target file describes the card. Nothing is tuned and nothing
is run: choices that XLA makes by timing on a card (autotuning, cuDNN's plans) are left at their
defaults, and products go to cuBLAS. Prints one line of JSON: memory in bytes as XLA assigned it
(`temporary`, `arguments`, `outputs`, `aliased`), `kernels` by kind, and `seconds`. An op that the
compiler refuses ends it with status 1 and XLA's message.
"""

import argparse
import json
import os
import re
import sys
import time

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["JAX_SKIP_CUDA_CONSTRAINTS_CHECK"] = "1"

import numpy as np
from jax._src import compiler
from jax._src.interpreters import mlir
from jax._src.lib import _jax
from jax.experimental import topologies
from jaxlib import _hlo
from jaxlib.mlir import ir

from kernels import kernels

# Autotuning needs a card; Triton's products are chosen by it only.
DEFAULTS = {"xla_gpu_autotune_level": 0, "xla_gpu_enable_triton_gemm": False}

# Operations a second of a card's matrix units in bfloat16, dense, with sums in float32, by compute
# capability: data sheets of H100 SXM, RTX 4090 and RTX 3090.
MATRIX_FLOPS = {"9": 989e12, "8.9": 165.2e12, "8.6": 71.2e12}


def value_of(text):
    if text in ("true", "false"):
        return text == "true"
    return int(text) if re.fullmatch(r"-?\d+", text) else text


def field(target, name):
    return float(re.search(rf"\b{name}: ([\d.]+)", target).group(1))


def matrix_flops(target):
    capability = re.search(r"cuda_compute_capability \{([^}]*)\}", target).group(1)
    return MATRIX_FLOPS[".".join(re.findall(r"(?:major|minor): (\d+)", capability))]


def compiled(hlo, target, flags):
    topology = topologies.get_topology_desc(
        platform="cuda", topology_name="card", topology="1x1x1", target_config=target
    )
    module = _jax.mlir.xla_computation_to_mlir_module(_hlo.XlaComputation(hlo))
    text = module.decode() if isinstance(module, bytes) else module
    # The plugin reads an older form of this text, in which tuples of custom calls have no tilings.
    text = re.sub(r", result_tilings = \[(?:\[\](?:, )?)*\]", "", text)
    with mlir.make_ir_context():
        options = compiler.get_compile_options(
            num_replicas=1,
            num_partitions=1,
            env_options_overrides=flags,
            device_assignment=np.array([[0]]),
        )
        devices = _jax.DeviceList(tuple(topology.devices))
        return topology.devices[0].client.compile(ir.Module.parse(text), devices, options)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("module")
    parser.add_argument("target")
    parser.add_argument("--text", help="file for the text of the compiled module")
    parser.add_argument("flags", nargs="*")
    given = parser.parse_args()
    flags = {**DEFAULTS, **{key: value_of(value) for key, value in (each.split("=", 1) for each in given.flags)}}
    with open(given.module, "rb") as file:
        hlo = file.read()
    with open(given.target) as file:
        target = file.read()
    start = time.time()
    try:
        executable = compiled(hlo, target, flags)
    except Exception as error:
        sys.exit(f"refused: {error}")
    seconds = time.time() - start
    memory = executable.get_compiled_memory_stats()
    text = executable.hlo_modules()[0].to_string()
    if given.text:
        with open(given.text, "w") as file:
            file.write(text)
    print(
        json.dumps(
            {
                "temporary": memory.temp_size_in_bytes,
                "arguments": memory.argument_size_in_bytes,
                "outputs": memory.output_size_in_bytes,
                "aliased": memory.alias_size_in_bytes,
                "kernels": kernels(text, field(target, "memory_bandwidth"), matrix_flops(target)),
                "seconds": round(seconds, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
