"""States are found and deleted where runs put them, and the user's own files are left alone."""

from nlpkit.training.state_files import HALF_WRITTEN, holds_state, remove_states


def write(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"state")


def test_only_a_whole_state_counts(tmp_path):
    write(tmp_path / "lstm" / "state.tmp.npz")
    assert not holds_state(tmp_path)
    write(tmp_path / "bag" / "state.npz")
    assert holds_state(tmp_path)


def test_states_go_with_their_folders_and_nothing_else(tmp_path):
    for kept in ("bag/mine.txt", "mine/deeper/state.npz"):
        write(tmp_path / kept)
    for gone in ("bag/state.npz", "lstm/state.npz", "lstm/state.tmp.npz"):
        write(tmp_path / gone)
    remove_states(tmp_path)
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["bag/mine.txt", "mine/deeper/state.npz"] and not (tmp_path / "lstm").exists()


def test_an_emptied_folder_goes_too(tmp_path):
    folder = tmp_path / "model.checkpoint"
    write(folder / "lstm" / "state.tmp.npz")
    remove_states(folder, [HALF_WRITTEN])
    assert not folder.exists()
    remove_states(folder)
