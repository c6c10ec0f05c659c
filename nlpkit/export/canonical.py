"""The same bytes for the same SavedModel, whatever the process made before it."""

import re
from collections import Counter
from pathlib import Path

from tensorflow.core.protobuf.saved_object_graph_pb2 import SavedObjectGraph

from nlpkit.export.saved_graph import FILE, called_functions, functions_of, reached, read_saved_model_file

# Numbers of the process: at the end of a name, or drawn.
_COUNTED, _DRAWN = re.compile(r"(^|_)\d+$"), re.compile(r"_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
# Within names: of tables, of what a loop's condition does not read, and of layers that were given no name.
_TABLE, _UNREAD = re.compile(r"(?<=key_value_init)\d+"), re.compile(r"_\d+(?=___redundant_placeholder)")
_LAYER = re.compile(r"text_to_ids(_\d+)*")
_ARGUMENT = "_user_specified_name"


def make_canonical(folder):
    """Counts what a SavedModel names by counters or by chance in the order in which it occurs.

    These are its functions, text layers and tables. What has such names and no use in a finished model is left out:
    the gradients of functions, and the fingerprint. Signatures of TF Serving's Classify API get its name.

    Args:
        folder: Path of the SavedModel, of which `saved_model.pb` is written anew.
    """
    saved = read_saved_model_file(folder)
    for meta_graph in saved.meta_graphs:
        _name_functions(meta_graph)
        _name_tables(meta_graph.graph_def)
        _name_methods(meta_graph.signature_def)
    (Path(folder) / FILE).write_bytes(saved.SerializeToString(deterministic=True))
    (Path(folder) / "fingerprint.pb").unlink(missing_ok=True)


def _name_functions(meta_graph):
    graph = meta_graph.graph_def
    names = _counted(_in_order(meta_graph), _COUNTED)
    for node in _nodes(graph):
        if "_gradient_op_type" in node.attr:
            del node.attr["_gradient_op_type"]
        for function in called_functions(node):
            function.name = names.get(function.name, function.name)
    for function in graph.library.function:
        function.signature.name = names[function.signature.name]
        _name_inside(function)
    places = {name: place for place, name in enumerate(names.values())}
    graph.library.function.sort(key=lambda function: places[function.signature.name])
    del graph.library.gradient[:]
    _name_in_objects(meta_graph.object_graph_def, names)


def _name_inside(function):
    """Names the arguments and nodes of a function."""
    layers = {}

    def layer(found):
        return f"text_to_ids_{layers.setdefault(found.group(), len(layers))}"

    def name(old):
        return _LAYER.sub(layer, _UNREAD.sub("", _TABLE.sub("", old)))

    for argument in function.signature.input_arg:
        argument.name = name(argument.name)
    for node in function.node_def:
        node.name = name(node.name)
        node.input[:] = map(name, node.input)
    function.signature.control_output[:] = map(name, function.signature.control_output)
    for returned in (function.ret, function.control_ret):
        values = {name(key): name(value) for key, value in returned.items()}
        returned.clear()
        returned.update(values)
    for attributes in (function.arg_attr[number].attr for number in function.arg_attr):
        if _ARGUMENT in attributes and attributes[_ARGUMENT].s.isdigit():  # of a variable that it reads
            del attributes[_ARGUMENT]


def _name_in_objects(objects, names):
    for node in objects.nodes:
        if node.HasField("function"):
            node.function.concrete_functions[:] = [names[name] for name in node.function.concrete_functions]
        if node.HasField("bare_concrete_function"):
            bare = node.bare_concrete_function
            bare.concrete_function_name = names[bare.concrete_function_name]
    old = SavedObjectGraph()
    old.CopyFrom(objects)
    objects.ClearField("concrete_functions")
    for name, function in old.concrete_functions.items():
        objects.concrete_functions[names[name]].CopyFrom(function)


def _in_order(meta_graph):
    """The names of all functions, as they are met: in the graph, and then in the objects that hold them."""
    graph = meta_graph.graph_def
    found = reached(graph, (node.name for node in graph.node))
    library = functions_of(graph)
    for node in meta_graph.object_graph_def.nodes:
        for name in (*node.function.concrete_functions, node.bare_concrete_function.concrete_function_name):
            found.call(name, library)
    return [*found.functions, *(name for name in library if name not in found.functions)]


def _name_tables(graph):
    """Of variables, the shared name is that of the node, and stays."""
    tables = [node for node in _nodes(graph) if "HashTable" in node.op]
    names = _counted((node.attr["shared_name"].s.decode() for node in tables), _DRAWN, _COUNTED)
    for node in tables:
        node.attr["shared_name"].s = names[node.attr["shared_name"].s.decode()].encode()


def _name_methods(signatures):
    """TensorFlow writes down all signatures as those of the Predict API."""
    for signature in signatures.values():
        if {*signature.inputs} == {"inputs"} and {*signature.outputs} == {"classes", "scores"}:
            signature.method_name = "tensorflow/serving/classify"


def _nodes(graph):
    yield from graph.node
    for function in graph.library.function:
        yield from function.node_def


def _counted(names, *patterns):
    """Names without the numbers they have, each with the number of its place among those that are then the same."""
    found, counts = {}, Counter()
    for name in names:
        if name not in found:
            stem = name
            for pattern in patterns:
                stem = pattern.sub("", stem)
            stem = stem or "table"
            found[name] = f"{stem}_{counts[stem]}"
            counts[stem] += 1
    return found
