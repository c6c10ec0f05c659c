from hypothesis import given, settings
from hypothesis import strategies as st

from nlpkit.text import ByteTokenizer


@given(texts=st.lists(st.text() | st.binary(), max_size=5))
@settings(deadline=None, max_examples=60)
def test_ids_are_the_bytes_and_come_back(texts):
    expected = [text if isinstance(text, bytes) else text.encode() for text in texts]
    tokenizer = ByteTokenizer()
    ids = tokenizer(texts)
    assert ids.to_list() == [[4 + byte for byte in text] for text in expected]
    assert tokenizer.detokenize(ids).numpy().tolist() == expected


def test_special_ids_become_nothing():
    assert ByteTokenizer().detokenize([[2, 69, 1, 3, 0]]).numpy().tolist() == [b"A"]
    assert ByteTokenizer().vocabulary_size == 260 and not ByteTokenizer().needs_tensorflow_text
