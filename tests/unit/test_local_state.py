"""What an instance remembers, and where its data may lie."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from rantai.errors import ServiceMissing
from rantai.local.ports import answers, free_port, is_free
from rantai.local.process import tail_of
from rantai.local.state import InstanceLock, InstanceState, outside_place


def test_what_is_remembered_is_read_back(tmp_path: Path) -> None:
    InstanceState(tmp_path).remember(port=5433, password="secret")
    again = InstanceState(tmp_path)
    assert (again.number("port"), again.text("password")) == (5433, "secret")
    assert again.text("port") is None


def test_a_copied_checkout_does_not_believe_the_state_of_the_original(tmp_path: Path) -> None:
    original, copy = tmp_path / "a", tmp_path / "b"
    original.mkdir()
    InstanceState(original).remember(port=5433)
    shutil.copytree(original, copy)
    assert InstanceState(copy).number("port") is None


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', json.dumps({"port": 1})])
def test_a_broken_state_file_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text, encoding="utf-8")
    assert InstanceState(tmp_path).number("port") is None


def test_the_state_file_with_its_passwords_is_private(tmp_path: Path) -> None:
    InstanceState(tmp_path).remember(password="secret")
    assert (tmp_path / "state.json").stat().st_mode & 0o077 == 0


def test_a_second_user_of_one_folder_is_told_who_has_it(tmp_path: Path) -> None:
    import os

    first, second = InstanceLock(tmp_path), InstanceLock(tmp_path)
    first.take()
    with pytest.raises(ServiceMissing, match=str(os.getpid())):
        second.take()
    first.release()
    second.take()
    second.release()


def test_two_checkouts_have_two_places_outside(tmp_path: Path) -> None:
    assert outside_place(tmp_path / "a") != outside_place(tmp_path / "b")
    assert outside_place(tmp_path / "a") == outside_place(tmp_path / "a")


def test_a_port_somebody_listens_on_is_not_free() -> None:
    import socket

    port = free_port()
    assert is_free(port)
    assert not answers(port)
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)
        assert answers(port)


def test_the_last_words_of_a_log_fit_in_a_sentence(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("one\ntwo\n\nthree\n", encoding="utf-8")
    assert tail_of(log, 3) == "two | three"
    assert tail_of(tmp_path / "none") == ""
