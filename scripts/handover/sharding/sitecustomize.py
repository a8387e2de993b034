"""Python runs this file first where its folder is in PYTHONPATH. accelerate shards models on cards only, and on the
processor it silently trains copies; with this file it shards on the processor too, by the same code of accelerate and
torch, with gloo for NCCL. So the FSDP2 configuration of a handover is tested on a machine without cards.
"""

import importlib.abc
import importlib.util
import sys


class AfterImport(importlib.abc.MetaPathFinder):
    """Changes accelerate.state once it is imported."""

    def find_spec(self, name, path, target=None):
        if name != "accelerate.state":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        execute = spec.loader.exec_module

        def execute_and_change(module):
            execute(module)
            shard_on_processor(module)

        spec.loader.exec_module = execute_and_change
        return spec


def shard_on_processor(module):
    begin = module.AcceleratorState.__init__

    def __init__(self, *args, fsdp_plugin=None, **kwargs):
        begin(self, *args, fsdp_plugin=fsdp_plugin, **kwargs)
        if fsdp_plugin is None or self.distributed_type != module.DistributedType.MULTI_CPU:
            return
        # As the constructor does for cards.
        self.distributed_type = module.DistributedType.FSDP
        if self._mixed_precision != "no":
            fsdp_plugin.set_mixed_precision(self._mixed_precision)
        self.fsdp_plugin = fsdp_plugin
        module.PartialState._shared_state["distributed_type"] = self.distributed_type

    module.AcceleratorState.__init__ = __init__


sys.meta_path.insert(0, AfterImport())
