"""What an exported model writes its targets from: texts, or images and other float sequences."""

import tensorflow as tf

from nlpkit.export.target_texts import read_sources, read_targets, replaces_unknown, write_targets

IDS = tf.TensorSpec([None, None], tf.int32, name="source_ids")


class WrittenFrom(tf.Module):
    """What is the same whatever targets are written from.

    Args:
        target: `TextToIds` of the targets.
        network: `EncoderDecoderNetwork`.
    """

    replaces_unknown = False

    def __init__(self, target, network):
        super().__init__()
        self.target, self.network = target, network

    def targets(self, target, source, words):
        """The ids of targets, copied words among them.

        Args:
            target: String tensor of shape `(batch,)`.
            source: What the network reads.
            words: As `read` gives them.

        Returns:
            int32 tensor of shape `(batch, time)`.
        """
        return read_targets(self.target, self.network, target, source, words)

    def texts(self, token_ids, source, words):
        """The texts of ids that were written.

        Args:
            token_ids: int32 tensor of shape `(batch, time)`.
            source: What the network reads.
            words: As `read` gives them.

        Returns:
            String tensor of shape `(batch,)`.
        """
        return write_targets(self.target, self.network, token_ids, source, words, self.replaces_unknown)


class FromTexts(WrittenFrom):
    """Texts in a graph, as a network reads them and what it writes from them.

    Args:
        source: `TextToIds` of the sources.
        target: `TextToIds` of the targets.
        network: `EncoderDecoderNetwork` that reads ids.

    Example:
        >>> from nlpkit.export.written_from import FromTexts
        >>> from nlpkit.models import build_encoder_decoder
        >>> from nlpkit.text import text_to_ids
        >>> text, network = text_to_ids("byte", end=True), build_encoder_decoder(260, 260, units=4)
        >>> FromTexts(text, text, network).read(["a"])[0].numpy().tolist()
        [[101, 3]]
    """

    verb, given, read_by_network = "translate", tf.TensorSpec([None], tf.string, name="text"), IDS

    def __init__(self, source, target, network):
        super().__init__(target, network)
        self.source = source
        self.replaces_unknown = replaces_unknown(source, target, network)

    def read(self, text):
        """What the network reads of texts.

        Args:
            text: String tensor of shape `(batch,)`.

        Returns:
            Tuple of ids, int32 `(batch, time)`, and the words behind them, or `None`; see `read_sources`.
        """
        return read_sources(self.source, self.network, text)

    def called(self, source, number, signature):
        """How a message calls a source.

        Args:
            source: str.
            number: int. Its place among those that a signature was asked for, from 1.
            signature: str.

        Returns:
            str.
        """
        return f"text {source[-80:]!r}"


class FromImages(WrittenFrom):
    """Images in a graph: pixels, or regions of features, in place of texts.

    Args:
        target: `TextToIds` of the captions.
        network: `EncoderDecoderNetwork` that reads float sequences or pixels.

    Example:
        >>> from nlpkit.export.written_from import FromImages
        >>> from nlpkit.models import build_encoder_decoder
        >>> from nlpkit.text import text_to_ids
        >>> network = build_encoder_decoder(None, 260, units=4, features=7)
        >>> FromImages(text_to_ids("byte"), network).given
        TensorSpec(shape=(None, None, 7), dtype=tf.float32, name='features')
    """

    verb = "caption"

    def __init__(self, target, network):
        super().__init__(target, network)
        shape = [None, *network.source_shape[1:]]
        self.read_by_network = tf.TensorSpec(shape, tf.float32, name="features")
        pixels = tf.TensorSpec(shape, tf.uint8, name="image")
        self.given = pixels if len(shape) == 4 else self.read_by_network

    def read(self, image):
        """What the network reads of images.

        Args:
            image: Tensor as `given` describes it.

        Returns:
            Tuple of a float32 tensor of its shape, and `None`, as there are no words behind it.
        """
        return tf.cast(image, "float32"), None

    def called(self, source, number, signature):
        """How a message calls an image.

        Args:
            source: Array of the image or its features.
            number: int. As of `FromTexts.called`.
            signature: str.

        Returns:
            str.
        """
        return f"image {number} of `{signature}`"
