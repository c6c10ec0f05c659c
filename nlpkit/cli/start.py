"""Imports TensorFlow without its start-up messages, and what commands need with it."""

import contextlib
import os
import sys
import tempfile

from nlpkit.errors import InputError

# What a model folder holds, and the commands for it.
TASKS = {
    "classifier": ("a classifier", "nlpkit predict, nlpkit evaluate and nlpkit export"),
    "generator": ("a text generator", "nlpkit generate, nlpkit score, nlpkit evaluate and nlpkit export"),
    "text_to_text": (
        "a text-to-text model", "nlpkit translate, nlpkit evaluate, nlpkit score and nlpkit export"
    ),
    "chatbot": ("a chatbot", "nlpkit chat, nlpkit evaluate, nlpkit score and nlpkit export"),
    "captioner": ("an image captioner", "nlpkit.load in Python and nlpkit export"),
}  # fmt: skip
# How `nlpkit train` calls a task that has another name in a file.
COMMANDS = {"text_to_text": "text-to-text"}


@contextlib.contextmanager
def quiet_stderr():
    """Keeps what is written to file descriptor 2 from the user, unless the block fails.

    TensorFlow's libraries write there before they read their log level.

    Yields:
        Nothing.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        try:
            yield
        except Exception:
            sys.stderr.flush()
            log.seek(0)
            os.write(kept, log.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)


def quiet_unless_asked():
    """What keeps messages of libraries from the user, unless a log level other than 3 is set: then it does nothing.

    Returns:
        Context manager.

    Example:
        >>> from nlpkit.cli.start import quiet_unless_asked
        >>> with quiet_unless_asked():
        ...     print("on standard output")
        on standard output
    """
    asked = os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3") != "3"
    return contextlib.nullcontext() if asked else quiet_stderr()


def start_tensorflow():
    """Imports TensorFlow and finds its devices, silently; a log level that the user has set stays."""
    if "tensorflow" in sys.modules:
        return
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") != "3":
        return  # someone who asks for messages gets all of them
    with quiet_stderr():
        import tensorflow as tf

        tf.config.list_physical_devices()


def load_model(folder, task=None):
    """Loads a saved model.

    Args:
        folder: Path. A model folder.
        task: str. One of `TASKS`, what the command can work with. Defaults to `None`: with all.

    Returns:
        The estimator.

    Raises:
        InputError: If the folder is missing, holds no model, or one for another task.
    """
    from nlpkit.estimators.saving import load, read_spec

    found = read_spec(folder).task  # its errors come before the seconds that importing TensorFlow takes
    if task not in (None, found):
        raise InputError(
            f"{folder} holds {TASKS[found][0]}; this command needs {TASKS[task][0]}. Use {TASKS[found][1]} with it, "
            f"or train the other: nlpkit train {COMMANDS.get(task, task)} --data FILE --out FOLDER."
        )
    start_tensorflow()
    return load(folder)
