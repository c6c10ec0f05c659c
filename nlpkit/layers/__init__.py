"""Blocks that the builders assemble: one Keras layer per file.

Importing this package registers every layer with Keras, which loading a saved model relies on.
"""

from nlpkit.layers.attention_pool import AttentionPool
from nlpkit.layers.character_ngrams import CharacterNgrams
from nlpkit.layers.distinct_tokens import DistinctTokens
from nlpkit.layers.encoder_block import EncoderBlock
from nlpkit.layers.hashed_ngrams import HashedNgrams
from nlpkit.layers.ngram_convolution import NgramConvolution
from nlpkit.layers.recurrent_block import RecurrentBlock
from nlpkit.layers.sequence_pool import SequencePool
from nlpkit.layers.sine_positions import SinePositions
from nlpkit.layers.token_embedding import TokenEmbedding
from nlpkit.layers.weighted_bag import WeightedBag

__all__ = [
    "AttentionPool",
    "CharacterNgrams",
    "DistinctTokens",
    "EncoderBlock",
    "HashedNgrams",
    "NgramConvolution",
    "RecurrentBlock",
    "SequencePool",
    "SinePositions",
    "TokenEmbedding",
    "WeightedBag",
]
