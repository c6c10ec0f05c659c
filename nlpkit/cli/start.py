"""Imports TensorFlow without its start-up messages, and what commands need with it."""

import contextlib
import os
import sys
import tempfile


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


def start_tensorflow():
    """Imports TensorFlow and finds its devices, silently; a log level that the user has set stays."""
    if "tensorflow" in sys.modules:
        return
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") != "3":
        return  # someone who asks for messages gets all of them
    with quiet_stderr():
        import tensorflow as tf

        tf.config.list_physical_devices()


def load_model(folder):
    """Loads a saved model.

    Args:
        folder: Path. A model folder.

    Returns:
        The estimator.

    Raises:
        InputError: If the folder is missing or holds no model.
    """
    from nlpkit.estimators.saving import load, read_spec

    read_spec(folder)  # its errors come before the seconds that importing TensorFlow takes
    start_tensorflow()
    return load(folder)
