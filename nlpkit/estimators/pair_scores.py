"""How likely given targets are."""

import numpy as np
import tensorflow as tf

from nlpkit.data import pair_batches_once, restore_order
from nlpkit.models.decoded import inputs_for

BATCH_SIZE = 32


def log_probabilities(writer, sources, targets):
    """The log-probability of each target of a pair, its end included.

    Args:
        writer: `TargetWriter`, which keeps the graph.
        sources: As of `pair_batches_once`.
        targets: `IdRows`. The target of each source.

    Returns:
        Float array `(n,)`, in nats.

    Example:
        >>> from nlpkit.data import IdRows
        >>> from nlpkit.estimators.pair_scores import log_probabilities
        >>> from nlpkit.generation.target_writer import TargetWriter
        >>> from nlpkit.models import build_encoder_decoder
        >>> rows = IdRows.from_lists([[4, 5, 3], [6, 3]])
        >>> found = log_probabilities(TargetWriter(build_encoder_decoder(9, 9, units=8)), rows, rows)
        >>> found.shape, bool(found[0] < found[1] < 0)
        ((2,), True)
    """
    batches, order = pair_batches_once(sources, targets, batch_size=BATCH_SIZE)
    run = writer.kept(("log probabilities",), _graph, writer.network, writer.given)
    found = [run(tf.cast(source, writer.given.dtype), target).numpy() for source, target in batches]
    return restore_order(np.concatenate(found), order)


def _graph(network, given):
    @tf.function(input_signature=[given, tf.TensorSpec((None, None), "int32")])
    def run(source, target):
        memory = network.reader(source)
        decoded = network.decode(inputs_for(target), memory)
        return -tf.reduce_sum(network.losses_of(decoded, memory, target), axis=1)

    return run
