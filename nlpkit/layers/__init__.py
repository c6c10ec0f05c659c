"""Blocks that the builders assemble: one Keras layer per file.

Importing this package registers every layer with Keras, which loading a saved model relies on.
"""

from nlpkit.layers.adaptive_softmax import AdaptiveSoftmax
from nlpkit.layers.additive_attention import AdditiveAttention, coverage_loss
from nlpkit.layers.attention_decoder import AttentionDecoder
from nlpkit.layers.attention_pool import AttentionPool
from nlpkit.layers.cached_attention import CachedAttention
from nlpkit.layers.character_ngrams import CharacterNgrams
from nlpkit.layers.context_attention import ContextAttention
from nlpkit.layers.crf import CRF, CRFLoss, bio_transitions
from nlpkit.layers.decoder_block import DecoderBlock
from nlpkit.layers.decoder_stack import DecoderStack
from nlpkit.layers.distinct_tokens import DistinctTokens
from nlpkit.layers.embedding_dropout import EmbeddingDropout
from nlpkit.layers.encoder_block import EncoderBlock
from nlpkit.layers.encoder_stack import EncoderStack
from nlpkit.layers.feed_forward import FeedForward
from nlpkit.layers.hashed_ngrams import HashedNgrams
from nlpkit.layers.highway import Highway
from nlpkit.layers.image_regions import ImageRegions
from nlpkit.layers.layer_norm_lstm import LayerNormLSTMCell
from nlpkit.layers.location_attention import LocalAttention, LocationAttention
from nlpkit.layers.multiplicative_attention import MultiplicativeAttention
from nlpkit.layers.ngram_convolution import NgramConvolution
from nlpkit.layers.ntm_cell import NTMCell
from nlpkit.layers.peephole_lstm import PeepholeLSTMCell
from nlpkit.layers.pointer_head import PointerHead
from nlpkit.layers.position_embedding import PositionEmbedding
from nlpkit.layers.recurrent_block import RecurrentBlock
from nlpkit.layers.recurrent_decoder import RecurrentDecoder
from nlpkit.layers.recurrent_stack import RecurrentStack
from nlpkit.layers.sequence_pool import SequencePool
from nlpkit.layers.sine_positions import SinePositions
from nlpkit.layers.state_bridge import StateBridge
from nlpkit.layers.tied_output import TiedOutput
from nlpkit.layers.token_embedding import TokenEmbedding
from nlpkit.layers.variational_dropout import VariationalDropout
from nlpkit.layers.weighted_bag import WeightedBag
from nlpkit.layers.window_network import WindowNetwork
from nlpkit.layers.word_dropout import WordDropout

__all__ = [
    "AdaptiveSoftmax",
    "AdditiveAttention",
    "AttentionDecoder",
    "AttentionPool",
    "CRF",
    "CRFLoss",
    "CachedAttention",
    "CharacterNgrams",
    "ContextAttention",
    "DecoderBlock",
    "DecoderStack",
    "DistinctTokens",
    "EmbeddingDropout",
    "EncoderBlock",
    "EncoderStack",
    "FeedForward",
    "HashedNgrams",
    "Highway",
    "ImageRegions",
    "LayerNormLSTMCell",
    "LocalAttention",
    "LocationAttention",
    "MultiplicativeAttention",
    "NTMCell",
    "NgramConvolution",
    "PeepholeLSTMCell",
    "PointerHead",
    "PositionEmbedding",
    "RecurrentBlock",
    "RecurrentDecoder",
    "RecurrentStack",
    "SequencePool",
    "SinePositions",
    "StateBridge",
    "TiedOutput",
    "TokenEmbedding",
    "VariationalDropout",
    "WeightedBag",
    "WindowNetwork",
    "WordDropout",
    "bio_transitions",
    "coverage_loss",
]
