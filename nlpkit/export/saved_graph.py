"""What the file of a SavedModel holds: its graph, and what each signature runs of it."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2

from nlpkit.errors import InputError

FILE = "saved_model.pb"


@dataclass
class Reached:
    """What is run from some nodes of a graph on.

    Args:
        operations: `Counter` of the names of operations; those of a function count once, however often it is called.
        functions: dict from the names of the functions, in the order in which they are met, to the functions.
    """

    operations: Counter = field(default_factory=Counter)
    functions: dict = field(default_factory=dict)

    @property
    def compiled(self):
        """bool. Whether something must be compiled by XLA."""
        functions = self.functions.values()
        return any("_XlaMustCompile" in each.attr and each.attr["_XlaMustCompile"].b for each in functions)

    def run(self, node, library):
        """Counts a node, and what the functions that it calls hold.

        Args:
            node: `NodeDef`.
            library: dict from names to functions.
        """
        self.operations[node.op] += 1
        for function in called_functions(node):
            self.call(function.name, library)

    def call(self, name, library):
        """Counts what a function holds, unless it has been counted.

        Args:
            name: str.
            library: dict from names to functions.
        """
        if name in library and name not in self.functions:
            self.functions[name] = library[name]
            for node in library[name].node_def:
                self.run(node, library)


def read_saved_model_file(folder):
    """Reads the file of a SavedModel.

    Args:
        folder: Path of the SavedModel.

    Returns:
        `SavedModel` protocol buffer.

    Raises:
        InputError: If it cannot be read, or is damaged.
    """
    path = Path(folder) / FILE
    try:
        saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror or error}. Name the folder of a SavedModel."
        ) from None
    except DecodeError:
        saved = None
    if saved is None or not saved.meta_graphs:
        raise InputError(f"{path} is damaged or no SavedModel. Export the model again.")
    return saved


def reached(graph, outputs):
    """What is run for some outputs of a graph.

    Args:
        graph: `GraphDef`.
        outputs: Iterable of str. Names of tensors or nodes.

    Returns:
        `Reached`.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.export.saved_graph import reached
        >>> traced = tf.function(lambda x: 2.0 * x).get_concrete_function(tf.TensorSpec([]))
        >>> sorted(reached(traced.graph.as_graph_def(), ["Identity"]).operations)
        ['Const', 'Identity', 'Mul', 'Placeholder']
    """
    nodes = {node.name: node for node in graph.node}
    library = functions_of(graph)
    found, seen, waiting = Reached(), set(), list(outputs)[::-1]
    while waiting:
        name = waiting.pop().lstrip("^").split(":")[0]
        if name not in seen:
            seen.add(name)
            found.run(nodes[name], library)
            waiting.extend(reversed(nodes[name].input))
    return found


def called_functions(node):
    """The functions that a node calls.

    Args:
        node: `NodeDef`.

    Returns:
        List of `NameAttrList`, in the order of the attributes that hold them.

    Example:
        >>> from tensorflow.core.framework.node_def_pb2 import NodeDef
        >>> from nlpkit.export.saved_graph import called_functions
        >>> node = NodeDef(op="While")
        >>> node.attr["cond"].func.name = "goes_on"
        >>> [function.name for function in called_functions(node)]
        ['goes_on']
    """
    values = [node.attr[key] for key in sorted(node.attr)]
    return [
        each for value in values for each in ([value.func] if value.HasField("func") else value.list.func)
    ]


def functions_of(graph):
    """The functions of a graph.

    Args:
        graph: `GraphDef`.

    Returns:
        dict from names to `FunctionDef`.

    Example:
        >>> from tensorflow.core.framework.graph_pb2 import GraphDef
        >>> from nlpkit.export.saved_graph import functions_of
        >>> functions_of(GraphDef())
        {}
    """
    return {function.signature.name: function for function in graph.library.function}
