"""Signatures beside the others whose recurrent layers are kernels of cuDNN, for servers with a GPU."""

import contextlib

import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.export.saved_graph import reached
from nlpkit.export.verify import GPU, JIT
from nlpkit.layers.recurrent_direction import RecurrentDirection


def gpu_signatures(network, make):
    """Traces signatures for GPUs, whatever machine does it.

    Args:
        network: `keras.Model` that they run, as `portable_model` gives it; it is left as it was.
        make: callable. Gives a module that has not been traced, with its functions in `signatures()`.

    Returns:
        dict from names with `gpu_` before them to traced functions: of those that hold a kernel of cuDNN.

    Raises:
        InputError: If none does.

    Example:
        >>> from nlpkit.export import portable_model
        >>> from nlpkit.export.generator_module import GeneratorModule
        >>> from nlpkit.export.gpu_signatures import gpu_signatures
        >>> from nlpkit.models import build_generator
        >>> from nlpkit.text import text_to_ids
        >>> text = text_to_ids("byte", end=True)
        >>> network = portable_model(build_generator(text.vocabulary_size, units=4))
        >>> sorted(gpu_signatures(network, lambda: GeneratorModule(text, network)))
        ['gpu_score']
    """
    with _kernels_of_cudnn(network):
        traced = {f"{GPU}{name}": function for name, function in traced_signatures(make()).items()}
    found = {name: function for name, function in traced.items() if _holds_cudnn(function)}
    if not found:
        raise InputError(
            "`device` must be left out for this model: none of nlpkit's recurrent layers in it is one that cuDNN runs "
            '(an LSTM, or a GRU with `reset_after`, without zoneout). Received: device="gpu" (--device gpu).'
        )
    return found


def traced_signatures(module):
    """The functions of a module, which then outlive it.

    Args:
        module: `tf.Module` with its functions in `signatures()`.

    Returns:
        dict from names to traced functions.
    """
    functions = module.signatures()
    return {
        name: function.get_concrete_function() if hasattr(function, "get_concrete_function") else function
        for name, function in functions.items()
    }


def check_device(device):
    """Raises unless an export for this device can be asked for.

    Args:
        device: str or `None`.

    Raises:
        InputError: If it is neither `None` nor `"gpu"`.

    Example:
        >>> from nlpkit.export.gpu_signatures import check_device
        >>> check_device("gpu")
    """
    if device not in (None, "gpu"):
        raise InputError(
            f'`device` must be "gpu", which adds signatures for it, or None. Received: {device!r}. '
            "All other signatures run on any device."
        )


def compared_prefixes(signatures):
    """The sets of signatures that this machine can run.

    Args:
        signatures: Iterable of str. The names of all.

    Returns:
        List of what the names of a set begin with: the empty one, `jit_` if there is one, and `gpu_` if there is one
        and a GPU.

    Example:
        >>> from nlpkit.export.gpu_signatures import compared_prefixes
        >>> compared_prefixes(["serving_default", "jit_serving_default"])
        ['', 'jit_']
    """
    there = [prefix for prefix in (JIT, GPU) if any(name.startswith(prefix) for name in signatures)]
    return ["", *(prefix for prefix in there if prefix == JIT or tf.config.list_logical_devices("GPU"))]


def gpu_facts(signatures):
    """What an `ExportResult` says of the signatures for GPUs.

    Args:
        signatures: Iterable of str. The names of all.

    Returns:
        dict of their names, `"signatures"`, and `"compared"`, whether that was possible; `None` if there are none.

    Example:
        >>> from nlpkit.export.gpu_signatures import gpu_facts
        >>> gpu_facts(["serving_default"]) is None
        True
    """
    names = sorted(name for name in signatures if name.startswith(GPU))
    return {"signatures": names, "compared": GPU in compared_prefixes(names)} if names else None


@contextlib.contextmanager
def _kernels_of_cudnn(network):
    layers = [layer for layer in network._flatten_layers() if hasattr(layer, "use_cudnn")]
    own = [layer for layer in layers if isinstance(layer, RecurrentDirection)]
    try:
        for layer in layers:
            layer.use_cudnn = "auto"
        for layer in own:
            layer.for_gpu = True
        yield
    finally:
        for layer in own:
            layer.for_gpu = False
        for layer in layers:
            layer.use_cudnn = False


def _holds_cudnn(function):
    graph = function.graph.as_graph_def()
    operations = reached(graph, [node.name for node in graph.node]).operations
    return any(name.startswith("Cudnn") for name in operations)
