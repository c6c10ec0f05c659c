"""What a saved model is, as data: the pydantic models behind `spec.json`."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from nlpkit.errors import InputError

FORMAT_VERSION = 1
# Labels as JSON and the command line write them: the label 1 is "1".
ClassWeights = Annotated[
    dict[str, float],
    BeforeValidator(
        lambda given: {str(k): v for k, v in given.items()} if isinstance(given, dict) else given
    ),
]
Share = Annotated[float, Field(ge=0.0, lt=1.0)]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class FitSettings(_Settings):
    """How a network is trained, whatever it is for.

    Args:
        epochs: int. Largest number of passes over the data.
        batch_size: int. Texts per step.
        optimizer: `"adamw"`, `"sgd"` or `"averaged_sgd"`, which keeps the mean of the weights of many steps once the
            validation loss no longer falls.
        learning_rate: float. Peak learning rate. Gradient descent wants one a thousand times as high as AdamW, or more.
        weight_decay: float. Decoupled weight decay; biases are left out.
        clip_norm: float. Limit of the norm of the gradient of all weights together.
        schedule: `"cosine"`, `"inverse_sqrt"` (the rate falls with the square root of the steps), `"plateau"` or
            `"constant"`, each after the warm-up.
        warmup: float. Part of all steps in which the learning rate rises from zero, whatever the schedule.
        patience: int. Epochs without a better validation result before training stops; `None` never stops.
        mixed_precision: bool. 16-bit arithmetic with 32-bit weights: float16 on a GPU, bfloat16 elsewhere.
        tensorboard: str. Folder for a TensorBoard log, or `None`.

    Example:
        >>> from nlpkit.spec import FitSettings
        >>> FitSettings(epochs=3).schedule
        'cosine'

    Raises:
        InputError: Through `parse_settings`, if a setting is unknown or out of range; all errors at once.
    """

    epochs: int = Field(10, ge=1)
    batch_size: int = Field(64, ge=1)
    optimizer: Literal["adamw", "sgd", "averaged_sgd"] = "adamw"
    learning_rate: float = Field(1e-3, gt=0.0)
    weight_decay: float = Field(0.0, ge=0.0)
    clip_norm: float = Field(1.0, gt=0.0)
    schedule: Literal["cosine", "inverse_sqrt", "plateau", "constant"] = "cosine"
    warmup: Share = 0.05
    patience: int | None = Field(3, ge=1)
    mixed_precision: bool = False
    tensorboard: str | None = None


class TrainingSettings(FitSettings):
    """How a classifier is trained: all of `FitSettings`, and what only labels or a pretrained encoder have.

    Args:
        label_smoothing: float between 0 and 1.
        class_weight: `"balanced"`, a dict from label to weight, or `None`.
        gradual_unfreezing: bool. With a pretrained encoder: its layers join in from epoch to epoch, the lowest last.
        layer_decay: float. With a pretrained encoder: the learning rate of each layer over that of the one above it.

    Example:
        >>> from nlpkit.spec import TrainingSettings
        >>> TrainingSettings(epochs=3).batch_size
        64

    Raises:
        InputError: Through `parse_settings`, as for `FitSettings`.
    """

    label_smoothing: Share = 0.0
    class_weight: Literal["balanced"] | ClassWeights | None = None
    gradual_unfreezing: bool = False
    layer_decay: float = Field(1.0, gt=0.0, le=1.0)


class LanguageModelSettings(FitSettings):
    """How a language model is trained: all of `FitSettings`, and how the text is cut.

    Args:
        sequence_length: int. Steps of a segment, through which gradients flow.
        documents: bool. Whether each text is read by itself, in training and evaluation; else all are one long text.
        reset_states: float between 0 and 1. Part of the rows whose state begins anew at a segment, so that the network
            also learns from where a text begins: one that never does may go astray from there.

    Example:
        >>> from nlpkit.spec import LanguageModelSettings
        >>> LanguageModelSettings().sequence_length
        35

    Raises:
        InputError: Through `parse_settings`, as for `FitSettings`.
    """

    batch_size: int = Field(20, ge=1)
    learning_rate: float = Field(2e-3, gt=0.0)
    sequence_length: int = Field(35, ge=1)
    documents: bool = False
    reset_states: Share = 0.02


class TextToTextSettings(FitSettings):
    """How an encoder-decoder is trained: all of `FitSettings`, and what only pairs of texts have.

    Args:
        batch_size: int. Pairs per step.
        batch_tokens: int. As many pairs per step as fit into so many tokens, counted on the longer side and with its
            padding; takes the place of `batch_size`. `None` counts pairs.
        max_source_length: int. Tokens of a source that are read in training, its end among them; longer ones are cut.
            `None` leaves it to the lengths that there are.
        label_smoothing: float between 0 and 1.
        scheduled_sampling: float between 0 and 1. Part of the decoder's inputs that are its own predictions at the
            end; it rises evenly from none, over the epochs, or over the time where that is over first.
        coverage_loss: float. Weight of the loss for attending to the same place again.
        average_epochs: int. The mean of the weights of so many last epochs is taken where its validation loss is lower
            than that of the best epoch; 1 takes no mean.

    Example:
        >>> from nlpkit.spec import TextToTextSettings
        >>> TextToTextSettings(label_smoothing=0.1).average_epochs
        1

    Raises:
        InputError: Through `parse_settings`, as for `FitSettings`.
    """

    batch_size: int = Field(64, ge=1)
    batch_tokens: int | None = Field(None, ge=1)
    max_source_length: int | None = Field(None, ge=2)
    label_smoothing: Share = 0.0
    scheduled_sampling: float = Field(0.0, ge=0.0, le=1.0)
    coverage_loss: float = Field(0.0, ge=0.0)
    average_epochs: int = Field(1, ge=1)


class ModelSpec(_Settings):
    """What rebuilds any model beside its weights and its vocabulary file.

    Args:
        format_version: int. Raised when the folder's layout changes.
        nlpkit: str. Version that wrote it.
        text: dict. Settings of `TextToIds`.
        vocabulary_size: int. Number of ids, to tell a damaged vocabulary file.
        network: dict. Keyword arguments of the builder.
        estimator: dict. Constructor arguments of the estimator.

    Example:
        >>> from nlpkit.spec import ModelSpec
        >>> ModelSpec.model_fields["network"].is_required()
        True
    """

    format_version: Literal[1]
    nlpkit: str
    text: dict
    vocabulary_size: int
    network: dict
    estimator: dict


class ClassifierSpec(ModelSpec):
    """The content of `spec.json` of a classifier.

    Args:
        task: `"classifier"`.
        labels: list of str or int. In the order of the probabilities.
        multi_label: bool. Whether a text has any number of labels.
        label_separator: str. What parts the labels of one text in a file, as in the training data; `None` where
            nothing does.
        temperature: float. The logits are divided by it.
        training: `TrainingSettings`.

    Raises:
        InputError: Through `parse_settings`, if a field is missing, unknown or of the wrong type.

    Example:
        >>> from nlpkit.spec import ClassifierSpec
        >>> ClassifierSpec.model_fields["temperature"].is_required()
        True
    """

    task: Literal["classifier"]
    labels: list[str] | list[int] | list[bool] | list[float]
    multi_label: bool
    label_separator: str | None = None
    temperature: float = Field(gt=0.0)
    training: TrainingSettings


class GeneratorSpec(ModelSpec):
    """The content of `spec.json` of a text generator.

    Args:
        task: `"generator"`.
        training: `LanguageModelSettings`.
        whole_files: bool. Whether each file of the training data was one text, with its line breaks.

    Raises:
        InputError: Through `parse_settings`, if a field is missing, unknown or of the wrong type.

    Example:
        >>> from nlpkit.spec import GeneratorSpec
        >>> GeneratorSpec.model_fields["training"].is_required()
        True
    """

    task: Literal["generator"]
    training: LanguageModelSettings
    whole_files: bool = False


class TextToTextSpec(ModelSpec):
    """The content of `spec.json` of a model that writes the target of a source.

    Args:
        task: `"text_to_text"`, `"captioner"` or `"chatbot"`.
        max_new_tokens: int. Most tokens that are written unless another number is given.
        training: `TextToTextSettings`.

    Raises:
        InputError: Through `parse_settings`, if a field is missing, unknown or of the wrong type.

    Example:
        >>> from nlpkit.spec import TextToTextSpec
        >>> TextToTextSpec.model_fields["max_new_tokens"].is_required()
        True
    """

    task: Literal["text_to_text", "captioner", "chatbot"]
    max_new_tokens: int
    training: TextToTextSettings


SPECS = {
    "classifier": ClassifierSpec,
    "generator": GeneratorSpec,
    "text_to_text": TextToTextSpec,
    "captioner": TextToTextSpec,
    "chatbot": TextToTextSpec,
}


def parse_settings(model, values, where):
    """Checks settings against a pydantic model and reports all errors at once.

    Args:
        model: A pydantic model class of this file.
        values: dict. What was received.
        where: str. Where it came from, for the message.

    Returns:
        An instance of `model`.

    Raises:
        InputError: If anything is wrong, with one line per error.

    Example:
        >>> from nlpkit.spec import TrainingSettings, parse_settings
        >>> parse_settings(TrainingSettings, {"epochs": 2}, "options").epochs
        2
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        lines = [
            f"  {'.'.join(map(str, e['loc']))}: {e['msg']}. Received: {e['input']!r}" for e in error.errors()
        ]
        allowed = ", ".join(model.model_fields)
        raise InputError(
            f"{where}: {len(lines)} setting(s) cannot be used:\n"
            + "\n".join(lines)
            + f"\nThe settings are: {allowed}"
        ) from None
