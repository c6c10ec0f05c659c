"""Operations of TensorFlow's that tf2onnx leaves out, or does not translate in every graph.

Each is a function of tf2onnx's graph, the node, its name and arguments, as `custom_op_handlers` asks for.
"""

import numpy as np

# ONNX' numbers of these types.
INT64, UINT32 = 7, 12


def _erfc(graph, node, name, arguments):
    """What the error function leaves to one; ONNX has the error function itself."""
    (x,), (output,) = node.input, node.output
    known = {"dtypes": [graph.get_dtype(output)], "shapes": [graph.get_shape(output)]}
    graph.remove_node(node.name)
    one = graph.make_const(f"{name}_one", np.array(1, "float32")).output[0]
    erf = graph.make_node("Erf", [x], **known).output[0]
    graph.make_node("Sub", [one, erf], outputs=[output], name=name, **known)


def _bitcast(graph, node, name, arguments):
    """Whole numbers of 32 bits with another sign: a cast leaves the bits as they are."""
    node.type = "Cast"
    node.set_attr("to", node.get_attr_value("type"))
    for attribute in ("T", "type"):
        node.attr.pop(attribute, None)


def _matrix_product(graph, node, name, arguments):
    """A product of two matrices, either of which may be turned; tf2onnx turns none of which it knows no shape."""
    for place, attribute in enumerate(("transpose_a", "transpose_b")):
        if node.get_attr_value(attribute, 0):
            graph.insert_new_node_on_input(
                node, "Transpose", node.input[place], input_index=place, perm=[1, 0]
            )
        node.attr.pop(attribute, None)
    node.type = "MatMul"


def _wide(operation):
    """An operation that ONNX Runtime does not have for `uint32`: of 64 bits the lower 32 are the same."""

    def run(graph, node, name, arguments):
        output = node.output[0]
        kind, shape, inputs = graph.get_dtype(output), graph.get_shape(output), list(node.input)
        if kind != UINT32:
            node.type = operation
            return
        graph.remove_node(node.name)
        wide = {"dtypes": [INT64]}
        inputs = [graph.make_node("Cast", [x], attr={"to": INT64}, **wide).output[0] for x in inputs]
        found = graph.make_node(operation, inputs, shapes=[shape], **wide).output[0]
        graph.make_node(
            "Cast", [found], attr={"to": kind}, outputs=[output], name=name, shapes=[shape], dtypes=[kind]
        )

    return run


HANDLERS = {
    "AddV2": (_wide("Add"), []),
    "Bitcast": (_bitcast, []),
    "Erfc": (_erfc, []),
    "MatMul": (_matrix_product, []),
    "Mul": (_wide("Mul"), []),
}
