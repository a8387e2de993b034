"""Reads event files as TensorBoard does, for tests: `read_events.py COMMAND PATH [POINTS]`, JSON on stdout."""

import json
import math
import sys
import tempfile
import time
from pathlib import Path

from tensorboard.backend.event_processing import event_accumulator, plugin_event_accumulator
from tensorboard.plugins.hparams import metadata
from tensorboard.util import tensor_util

EVERYTHING = {event_accumulator.SCALARS: 0, event_accumulator.TENSORS: 0}


def number(value):
    """A float as JSON has it."""
    return float(value) if math.isfinite(value) else str(float(value))


def accumulate(folder):
    """What `EventAccumulator`, which programs read event files with, makes of a folder."""
    reader = event_accumulator.EventAccumulator(folder, size_guidance=EVERYTHING)
    reader.Reload()
    result = {"scalars": {}, "text": {}, "options": None, "group": None, "started": None, "status": None}
    for tag in reader.Tags()["scalars"]:
        result["scalars"][tag] = [[event.step, number(event.value)] for event in reader.Scalars(tag)]
    for tag in reader.Tags()["tensors"]:
        summary = reader.SummaryMetadata(tag)
        content = summary.plugin_data.content
        if summary.plugin_data.plugin_name == "text":
            values = [(event.step, tensor_util.make_ndarray(event.tensor_proto)) for event in reader.Tensors(tag)]
            result["text"][tag] = [[step, value.item().decode()] for step, value in values]
        elif tag == metadata.SESSION_START_INFO_TAG:
            start = metadata.parse_session_start_info_plugin_data(content)
            kinds = {key: (value, value.WhichOneof("kind")) for key, value in start.hparams.items()}
            result["options"] = {key: getattr(value, kind) for key, (value, kind) in kinds.items()}
            result["group"], result["started"] = start.group_name, start.start_time_secs
        elif tag == metadata.SESSION_END_INFO_TAG:
            result["status"] = metadata.parse_session_end_info_plugin_data(content).status
    return result


def accumulate_for_pages(folder):
    """The curves that TensorBoard itself makes of a folder where it has no data server."""
    reader = plugin_event_accumulator.EventAccumulator(folder, tensor_size_guidance={"scalars": 0})
    reader.Reload()
    tags = [tag for tag in reader.Tags()["tensors"] if reader.SummaryMetadata(tag).plugin_data.plugin_name == "scalars"]
    return {
        tag: [[event.step, number(tensor_util.make_ndarray(event.tensor_proto).item())] for event in reader.Tensors(tag)]
        for tag in tags
    }


def prefixes(path):
    """How many values are read of a file that is cut off after each byte."""
    whole = Path(path).read_bytes()
    counts = []
    with tempfile.TemporaryDirectory() as folder:
        cut = Path(folder) / Path(path).name
        for length in range(len(whole) + 1):
            cut.write_bytes(whole[:length])
            reader = event_accumulator.EventAccumulator(str(cut), size_guidance=EVERYTHING)
            reader.Reload()
            tags = reader.Tags()
            scalars = sum(len(reader.Scalars(tag)) for tag in tags["scalars"])
            counts.append(scalars + sum(len(reader.Tensors(tag)) for tag in tags["tensors"]))
    return counts


def serve(folder, points):
    """What TensorBoard's data server shows of a folder of runs, once it has read that many points."""
    from tensorboard import context
    from tensorboard.data import server_ingester
    from tensorboard.util import grpc_util

    ingester = server_ingester.SubprocessServerDataIngester(
        server_ingester.get_server_binary(),
        folder,
        reload_interval=1,
        channel_creds_type=grpc_util.ChannelCredsType.LOCAL,
        samples_per_plugin={"scalars": 0},
    )
    ingester.start()

    def read():
        runs = ingester.data_provider.read_scalars(
            context.RequestContext(), experiment_id="", plugin_name="scalars", downsample=10**9
        )
        return {
            run: {tag: [[datum.step, number(datum.value)] for datum in data] for tag, data in tags.items()}
            for run, tags in runs.items()
        }

    deadline = time.monotonic() + 60
    while sum(len(data) for tags in read().values() for data in tags.values()) < points and time.monotonic() < deadline:
        time.sleep(0.1)
    # What is still being read may take points away again.
    time.sleep(0.5)
    return read()


if __name__ == "__main__":
    command, path = sys.argv[1:3]
    if command == "serve":
        result = serve(path, int(sys.argv[3]))
    else:
        commands = {"accumulate": accumulate, "accumulate-for-pages": accumulate_for_pages, "prefixes": prefixes}
        result = commands[command](path)
    json.dump(result, sys.stdout)
