"""`rantai demo` from nothing to the end of its story: heat comes late, stock is held, promises move."""

from __future__ import annotations

import re
import signal
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from rantai.local.ports import free_port
from rantai.local.services import LocalServices
from tests.support.running import Running, all_gone, descendants, local_servers_missing
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc"),
    pytest.mark.skipif(bool(local_servers_missing()), reason=local_servers_missing()),
]

# Generous: other tests run beside, and a machine with two cores makes the world in a minute then.
_READY_S = 240
# The house promises two minutes from "ready"; a loaded machine gets twice that.
_STORY_S = 240


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Running]:
    folder = tmp_path / "instance"
    command = [sys.executable, "-m", "rantai", "demo", "--folder", str(folder), "--port", str(free_port())]
    running = Running(command, tmp_path / "heard")
    yield running
    running.end_hard()
    LocalServices(folder).forget()


def test_the_demo_tells_from_a_fever_to_the_moved_bookings_and_leaves_nothing_behind(demo: Running) -> None:
    demo.wait_for("Ctrl-C ends everything", _READY_S)
    said = demo.said
    log_ins = re.findall(r"^    (\S+) +/ (\S+) ", said, re.MULTILINE)
    assert len(log_ins) >= 5
    address = re.search(r"Pages: +(http://\S+)/", said)
    assert address is not None
    with urllib.request.urlopen(f"{address.group(1)}/", timeout=10) as page:
        assert page.status == 200
        assert b"Rantai" in page.read()

    demo.wait_for("ALARM HEAT", _STORY_S)
    demo.wait_for("held at", 30)
    demo.wait_for("moved out at", 60)
    demo.wait_for("offered a place at", 60)
    # Not only looked a place for: told, through a gateway that checks who sends.
    demo.wait_for(" sent (+", 60)
    outbox = re.search(r"SMS: +(http://\S+/)", said)
    assert outbox is not None, said
    with urllib.request.urlopen(outbox.group(1), timeout=10) as page:
        texts = page.read().decode()
    assert "Tempat pengganti sudah dipesankan" in texts
    assert f'<a href="{address.group(1)}/daftar/tiket/' in texts
    assert re.search(r"\+62\d{6}", texts) is None, "no whole number"
    story = demo.said
    alarm = re.search(r"ALARM HEAT: sensor (\S+) in .*, (Puskesmas \w+) above \+8 °C .* \(\+([\d.]+) s after", story)
    assert alarm is not None, story
    held = re.search(r"→ (\d+) batch(?:es)? held at (.+?): (\d+) vials, (\d+) doses withdrawn \(\+([\d.]+) s\)", story)
    assert held is not None, story
    assert held.group(2) == alarm.group(2)
    assert int(held.group(4)) >= int(held.group(3)) > 0
    moved = re.search(r"→ (\d+) bookings? moved out at (.+?)(?:, \d+ in all)? \(\+([\d.]+) s\)", story)
    assert moved is not None, story
    assert int(moved.group(1)) > 0
    sent = re.search(r"→ (\d+) messages? about (.+?) sent \(\+([\d.]+) s\)", story)
    assert sent is not None, story
    assert int(sent.group(1)) > 0

    pids = descendants(demo.process.pid)
    assert len(pids) > 5
    demo.process.send_signal(signal.SIGINT)
    assert demo.ends(60) == 0
    eventually(lambda: all_gone(pids))
    assert "ended (exit code" not in demo.said, "no program fell on the way"
