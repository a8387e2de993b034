"""Configurations of cuDNN's attention as JAX writes them for XLA: tests/fixtures/cudnn-attention.json.

    python scripts/reference/cudnn_attention.py > tests/fixtures/cudnn-attention.json

Needs no card. Made with jax 0.11.2, Python 3.12.
"""

import json
import math

from jax._src.cudnn import fused_attention_stablehlo as cudnn
from jax._src.interpreters import mlir
from jax._src.lib.mlir import ir

# Lines, heads, tokens, size of a head, window (0 none), with a bias.
ATTENTIONS = [
    (32, 9, 512, 64, 0, False),
    (8, 32, 1024, 64, 0, True),
    (1, 32, 8192, 128, 4096, False),
    (3, 4, 30, 80, 0, True),
]

with mlir.make_ir_context():
    found = []
    for lines, heads, tokens, size, window, biased in ATTENTIONS:
        for backward in (False, True):
            config = cudnn.create_dot_product_attention_backend_config(
                lines,
                heads,
                tokens,
                tokens,
                ir.BF16Type.get(),
                1 / math.sqrt(size),
                42,
                0.0,
                cudnn.MaskType.CAUSAL,
                cudnn.AttentionLayout.BNTH.value,
                window or None,
                1,
                False,
                backward,
            )
            given = {"lines": lines, "heads": heads, "tokens": tokens, "headSize": size, "window": window, "biased": biased}
            target = cudnn.get_custom_call_name(biased, False, backward)
            found.append({"given": given, "backward": backward, "target": target, "config": json.loads(config)})

print(json.dumps(found, indent=1))
