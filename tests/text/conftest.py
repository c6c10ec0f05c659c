import pytest
from text.pipeline_layers import learned_layers


@pytest.fixture(scope="session")
def layers():
    """Level to its layer; tests must not change them."""
    return learned_layers()
