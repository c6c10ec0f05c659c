"""What `nlpkit export --explain` prints."""

from pathlib import Path


def explained_facts(explained):
    """An artefact as JSON has it.

    Args:
        explained: `nlpkit.export.Explained`.

    Returns:
        dict.

    Example:
        >>> from collections import Counter
        >>> from nlpkit.cli.show_explained import explained_facts
        >>> from nlpkit.export.explained import Explained
        >>> none = Counter()
        >>> explained_facts(Explained("tflite", "model.tflite", 900, [], none, none, none, none))["quantized"]
        0.0
    """
    signatures = [vars(signature) for signature in explained.signatures]
    return {**vars(explained), "signatures": signatures, "quantized": explained.quantized}


def print_explained(explained):
    """Prints the signatures, operations and weights of an artefact.

    Args:
        explained: `nlpkit.export.Explained`.
    """
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    title = f"{Path(explained.path).name} ({explained.format})"
    console.print(f"{title}: {explained.size:,} bytes, {_weights(explained)}", soft_wrap=True)
    console.print(_signatures(explained.signatures))
    console.print(_operations(explained))


def _weights(explained):
    total = explained.weights.total()
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in explained.weights.most_common())
    return f"{total:,} weights ({kinds}; {explained.quantized:.0%} quantised)" if total else "no weights"


def _signatures(signatures):
    from rich.table import Table

    needs = any(signature.kernels for signature in signatures)
    table = Table("signature", "inputs", "outputs", *(["needs"] if needs else []))
    for signature in signatures:
        row = [signature.name, _lines(signature.inputs), _lines(signature.outputs)]
        table.add_row(*row, *([", ".join(signature.kernels)] if needs else []))
    return table


def _lines(tensors):
    return "\n".join(f"{name}: {described}" for name, described in tensors.items())


def _operations(explained):
    from rich.table import Column, Table

    table = Table("operation", Column("number", justify="right"), "fused")
    for name, number in explained.operations.most_common():
        fused = {label: many for label, many in explained.fused.items() if label.partition(" ")[0] == name}
        shown = f"{name} (not the runtime's own)" if name in explained.foreign else name
        table.add_row(
            shown,
            f"{number:,}",
            ", ".join(f"{many:,}{label.removeprefix(name)}" for label, many in fused.items()),
        )
    return table
