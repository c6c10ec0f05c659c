"""A trained text generator as the beginning of a classifier: what is taken over, and what can then not be chosen."""

import hashlib
import os

from nlpkit.errors import InputError
from nlpkit.estimators.saving import load, read_spec

NAME = "`encoder_from` (--encoder-from)"
# What the generator decides: arguments of a classifier with their defaults, and settings of its network.
DECIDED = {"encoder": "auto", "units": None, "num_layers": None, "bidirectional": None, "tokenizer": "word",
           "normalize": True}  # fmt: skip
DECIDED_IN_NETWORK = ("encoder", "units", "num_layers", "bidirectional", "embedding_dim", "residual",
                      "layer_norm", "vectors")  # fmt: skip


class PretrainedEncoder:
    """The text layer, the embedding and the layers of a text generator, for a classifier.

    Args:
        encoder_from: Fitted `TextGenerator`, or the path of a saved one.

    Raises:
        InputError: If it is neither.

    Example:
        ```python
        from nlpkit import TextGenerator
        from nlpkit.estimators.pretrained_encoder import PretrainedEncoder

        generator = TextGenerator(units=4, epochs=1).fit(["a small text", "another one"] * 20)
        print(PretrainedEncoder(generator).settings()["cell"])
        ```
    """

    def __init__(self, encoder_from):
        from nlpkit.estimators.text_generator import TextGenerator

        self.origin = "a TextGenerator"
        if isinstance(encoder_from, str | os.PathLike):
            self.origin = os.fspath(encoder_from)
            check_generator_folder(self.origin)
            encoder_from = load(self.origin)
        if not isinstance(encoder_from, TextGenerator):
            raise InputError(
                f"{NAME} must be a fitted TextGenerator, or the folder of a saved one. Received: {encoder_from!r}"
            )
        if not hasattr(encoder_from, "network_"):
            raise InputError(
                f"{NAME} must be a fitted TextGenerator. Received: one that is not fitted. Call its `fit` first; where "
                "scikit-learn copies settings, as GridSearchCV does with its grid, give the folder of a saved one."
            )
        self.generator = encoder_from

    @property
    def network(self):
        """`GeneratorNetwork`, whose weights are taken over."""
        return self.generator.network_

    def settings(self):
        """What `build_classifier` takes as `encoder`.

        Returns:
            dict. Arguments of `build_generator`; kernel and precision are the classifier's own.
        """
        from nlpkit.models.pretrained import OF_THE_NETWORK

        given = self.generator.spec().network
        return {name: value for name, value in given.items() if name not in OF_THE_NETWORK}

    def layer(self):
        """A layer of its own with the generator's weights.

        Returns:
            `LanguageModelEncoder`.
        """
        from nlpkit.models.pretrained import build_encoder

        encoder = build_encoder(self.generator.text_to_ids_.vocabulary_size, self.settings())
        encoder.start_from(self.network)
        return encoder

    def text_layer(self, max_length):
        """The generator's text layer for rows of another length; its vocabulary is shared.

        Args:
            max_length: int. Longest text, in tokens, its end included.

        Returns:
            `TextToIds`.

        Raises:
            InputError: If there is no room for a token.
        """
        from nlpkit.text import Packer, TextToIds

        text = self.generator.text_to_ids_
        packer = {**text.settings()["packer"], "max_length": max_length}
        return TextToIds(
            text.tokenizer,
            text.normalizer,
            Packer(**packer, name="packer"),
            text.max_vocabulary_size,
            text.min_frequency,
        )

    def digest(self):
        """What tells this encoder from others: a hash of its weights, as a str."""
        found = hashlib.sha256()
        for part in (self.network.embedding, self.network.body):
            for weight in part.get_weights():
                found.update(weight.tobytes())
        return found.hexdigest()

    def reason(self):
        """Where the encoder came from, as a row of the report's choices.

        Returns:
            dict of `setting`, `value` and `reason`.
        """
        report = self.generator.report_
        rows = report.get("data", {}).get("train", {}).get("rows")
        perplexity = report.get("perplexity", {}).get("validation")
        reason = f"text layer, embedding and layers ({self.settings()['cell']}) of this language model"
        reason += "" if rows is None else f", which read {rows:,} texts"
        reason += "" if perplexity is None else f"; validation perplexity {perplexity:,.2f}"
        return {"setting": "encoder_from", "value": self.origin, "reason": reason}


def check_generator_folder(folder):
    """Raises unless a folder holds a text generator; nothing heavy is imported for that.

    Args:
        folder: Path of a model folder.

    Raises:
        InputError: If it is missing, foreign, incomplete, or of another task.
    """
    try:
        task = read_spec(folder).task
    except InputError as error:
        raise InputError(f"{NAME} must be the folder of a saved text generator. {error}") from None
    if task != "generator":
        raise InputError(
            f"{NAME} must be the folder of a saved text generator. Received: {folder}, which holds a {task}. Train "
            "one: nlpkit train generator --data FILE --out FOLDER"
        )


def check_decided(classifier, options):
    """Raises if something is asked for that the generator decides.

    Args:
        classifier: `TextClassifier` with an `encoder_from`.
        options: dict. Its groups of options.

    Raises:
        InputError: If there is any; all are named.
    """
    found = [name for name, default in DECIDED.items() if getattr(classifier, name) != default]
    found += [f"options['text']['{name}']" for name in options["text"] if name != "max_length"]
    found += [f"options['network']['{name}']" for name in DECIDED_IN_NETWORK if name in options["network"]]
    if found:
        raise InputError(
            f"{NAME} brings its text layer and its encoder, so that only `max_length` and what stands above the "
            f"encoder can be chosen. Received: encoder_from with {', '.join(found)}. Leave that out, or encoder_from."
        )


def check_no_layers(options):
    """Raises if a training without `encoder_from` is to go layer by layer.

    Args:
        options: dict. A classifier's groups of options.

    Raises:
        InputError: If it is.
    """
    given = [name for name in ("gradual_unfreezing", "layer_decay") if name in options["training"]]
    if given:
        raise InputError(
            f"{' and '.join(given)} in options['training'] need a pretrained encoder. Received: encoder_from=None. "
            "Give one, or leave that out."
        )
