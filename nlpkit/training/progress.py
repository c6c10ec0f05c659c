"""A progress bar over the whole training, with the time left."""

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


def announce(text):
    """Prints a line about the training on standard error.

    Args:
        text: str.

    Example:
        >>> from nlpkit.training.progress import announce
        >>> announce("lstm:")
    """
    Console(stderr=True).print(text, highlight=False)


class ProgressBar(keras.callbacks.Callback):
    """Shows one bar over all epochs on standard error, and a line with the results of each epoch.

    Args:
        epochs: int. Epochs in all.
        steps: int. Steps per epoch.
        first_epoch: int. Epochs that an earlier run has done. Defaults to 0.

    Example:
        >>> from nlpkit.training.progress import ProgressBar
        >>> ProgressBar(epochs=2, steps=10).bar.tasks[0].total
        20
    """

    def __init__(self, epochs, steps, first_epoch=0):
        super().__init__()
        columns = [
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[loss]}"),
        ]
        self.epochs, self.steps = epochs, steps
        self.bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self.task = self.bar.add_task(
            "training", total=epochs * steps, completed=first_epoch * steps, loss=""
        )

    def on_train_begin(self, logs=None):
        self.bar.start()

    def on_epoch_begin(self, epoch, logs=None):
        self.bar.update(self.task, description=f"epoch {epoch + 1}/{self.epochs}")

    def on_train_batch_end(self, batch, logs=None):
        self.bar.update(self.task, advance=1, loss=f"loss {logs['loss']:.4f}")

    def on_epoch_end(self, epoch, logs=None):
        shown = "  ".join(f"{name} {value:.4f}" for name, value in logs.items() if name != "learning_rate")
        self.bar.console.print(f"epoch {epoch + 1}/{self.epochs}  {shown}", highlight=False)

    def on_train_end(self, logs=None):
        self.bar.stop()
