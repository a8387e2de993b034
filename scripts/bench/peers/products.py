"""The peer's products alone: the median speed of square products in one type, as `phasetune bench matmul` measures it.

No contest is run in a type whose products are far slower than the other's. Prints one JSON line, after a few seconds.

    python products.py --dtype bfloat16

Used with torch 2.15.0.
"""

import argparse

from common import matmul_gflops, peak_rss_mib, report, versions

import torch


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="bfloat16")
    a = parser.parse_args()
    torch.manual_seed(0)
    gflops = matmul_gflops(getattr(torch, a.dtype))
    report(
        peer="torch",
        dtype=a.dtype,
        gflops=round(gflops, 1),
        peak_rss_mib=peak_rss_mib(),
        versions=versions("torch"),
    )


main()
