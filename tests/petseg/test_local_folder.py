"""Trying whether a folder can be written, while others write there."""

import os

from petseg.files import local_folder


def test_what_another_run_publishes_meanwhile_stays(tmp_path, monkeypatch):
    pushed = tmp_path / "shared" / "serving_model"

    def publish_meanwhile(descriptor: int) -> None:
        (pushed / "1").mkdir()
        (pushed / "1" / "saved_model.pb").write_bytes(b"graph")

    monkeypatch.setattr(os, "fsync", publish_meanwhile)
    local_folder.check_writable_folder("push.directory", pushed)
    assert (pushed / "1" / "saved_model.pb").read_bytes() == b"graph"
    assert [entry.name for entry in pushed.iterdir()] == ["1"]


def test_folders_made_for_the_probe_are_deleted(tmp_path):
    local_folder.check_writable_folder("output", tmp_path / "a" / "b" / "c")
    assert list(tmp_path.iterdir()) == []
