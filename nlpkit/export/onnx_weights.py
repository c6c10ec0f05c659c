"""The weights of a model's graphs, each once: in a file beside them, or at the outermost place of a single graph."""

import hashlib

SMALL = 1024  # bytes that a tensor may have which stays where it is


def share_weights(models, path=None):
    """Puts each weight where all graphs can have it; tf2onnx has put a copy wherever one is used.

    Args:
        models: List of `onnx.ModelProto`, which are changed.
        path: Path of the file to write the weights into, beside which the models will lie; where none is large there
            is none. Defaults to `None`: they stay in the models.
    """
    written = {}
    if path is None:
        for model in models:
            model.graph.initializer.extend(_taken_out(model.graph).values())
        return
    with open(path, "wb") as file:
        for model in models:
            for name, tensor in _taken_out(model.graph).items():
                if name not in written:
                    written[name] = file.tell(), file.write(tensor.raw_data)
                _refer(tensor, path.name, *written[name])
                model.graph.initializer.append(tensor)
    if not written:
        path.unlink()


def _taken_out(graph, names=None):
    """Takes large tensors out of a graph and those within it, and calls them by their content."""
    taken, names = {}, dict(names or {})
    outputs = {output.name for output in graph.output}
    for tensor in [each for each in graph.initializer if each.name not in outputs]:
        if len(tensor.raw_data) > SMALL:
            names[tensor.name] = _name_of(tensor)
            graph.initializer.remove(tensor)
            tensor.name = names[tensor.name]
            taken[tensor.name] = tensor
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                taken |= _taken_out(attribute.g, names)
    return taken


def _name_of(tensor):
    shape = "x".join(map(str, tensor.dims))
    return f"weights_{tensor.data_type}_{shape}_{hashlib.sha256(tensor.raw_data).hexdigest()[:16]}"


def _refer(tensor, file, offset, length):
    """Leaves in a tensor where its numbers are: in another file."""
    tensor.ClearField("raw_data")
    tensor.data_location = tensor.EXTERNAL
    for key, value in (("location", file), ("offset", offset), ("length", length)):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, str(value)
