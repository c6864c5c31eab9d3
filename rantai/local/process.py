"""Server processes as children: started under an account, dying with us, stopped and killed on demand."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from rantai.errors import ServiceMissing
from rantai.local.system import SystemAccount

_LOG_LIMIT_BYTES = 10_000_000


def _for_us_alone(log: Path) -> BinaryIO:
    """The log, opened to be added to; what servers say of their clients is nobody else's to read."""
    sink = open(log, "ab", opener=lambda path, flags: os.open(path, flags, 0o600))  # noqa: SIM115 - the caller closes it
    os.fchmod(sink.fileno(), 0o600)  # one of an earlier version may have been open to all
    return sink


class ServerProcess:
    """One child process that writes to a log file.

    On Linux the kernel sends the child `stop_signal` when the thread that started it ends (the parent-death
    signal), so that a SIGKILL of the parent leaves nothing behind. Start it from a thread that lives long. With
    `outlives_parent` it lives on, as on systems that have no such signal.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        log: Path,
        stop_signal: signal.Signals = signal.SIGTERM,
        account: SystemAccount | None = None,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        outlives_parent: bool = False,
    ) -> None:
        self._stop_signal = stop_signal
        self._log = log
        _turn_over(log)
        with _for_us_alone(log) as sink:
            # Set after the account was changed: a change of credentials clears the parent-death signal.
            prefix = [] if outlives_parent else _dies_with_parent(stop_signal)
            self._child = subprocess.Popen(
                [*prefix, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                cwd=folder or Path("/"),
                env=dict(environment) if environment is not None else None,
                # Ctrl-C at the terminal goes to the whole foreground group; servers are stopped by us, in order.
                start_new_session=True,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=_groups_of(account) if account else None,
            )

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether the child lives."""
        return self._child.poll() is None

    @property
    def exit_code(self) -> int | None:
        """What the child ended with, None while it lives."""
        return self._child.poll()

    def send(self, number: signal.Signals) -> None:
        """Send a signal; no error when the child is gone."""
        self._child.send_signal(number)

    def ask_to_stop(self) -> None:
        """Send the stop signal and do not wait; no error when the child is gone."""
        if self.running:
            self.send(self._stop_signal)

    def stop(self, *, timeout_s: float = 20.0) -> None:
        """Ask the child to end and wait; after `timeout_s` it is killed."""
        if self.running:
            self.send(self._stop_signal)
            try:
                self._child.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.kill()
        else:
            self._child.wait()

    def kill(self) -> None:
        """SIGKILL, at once, and reap the child."""
        self._child.kill()
        self._child.wait()

    def tail(self, lines: int = 5) -> str:
        """The last lines of the log, for error sentences."""
        return tail_of(self._log, lines)


def tail_of(log: Path, lines: int = 5) -> str:
    """The last lines of a log file, joined by ` | `; empty when there is no log."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return " | ".join(line.strip() for line in text.splitlines()[-lines:] if line.strip())


def run_once(
    arguments: Sequence[str],
    *,
    account: SystemAccount | None,
    environment: Mapping[str, str],
    what: str,
    timeout_s: float = 180,
) -> None:
    """Run a program to its end under `account`; `ServiceMissing` with its last words when it fails."""
    done = subprocess.run(
        list(arguments),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        cwd="/",
        env=dict(environment),
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=_groups_of(account) if account else None,
        check=False,
        timeout=timeout_s,
    )
    if done.returncode != 0:
        words = " | ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        raise ServiceMissing(f"{what} failed: {words or f'exit code {done.returncode}'}.")


def is_alive(pid: int) -> bool:
    """Whether a process with this id exists and is more than a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    with contextlib.suppress(OSError, IndexError):
        # "1234 (name) Z …": the name may hold spaces and brackets, the state follows the last bracket.
        return (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0] != "Z"
        )
    return True


def folder_of(pid: int) -> Path | None:
    """Working directory of a process; None where the system does not tell (macOS) or the process is gone."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except OSError:
        return None


def command_of(pid: int) -> list[str]:
    """Command line of a process; empty where the system does not tell or the process is gone."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return []
    return [part.decode("utf-8", "replace") for part in raw.split(b"\0") if part]


def end_process(pid: int, number: signal.Signals, *, timeout_s: float = 20.0) -> None:
    """Send `number` to a process that is not our child and wait until it is gone; SIGKILL after `timeout_s`."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
        deadline = time.monotonic() + timeout_s
        while is_alive(pid):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)


def _turn_over(log: Path) -> None:
    """Begin a new file when the old one is big; the one before stays as `….1`."""
    try:
        if log.stat().st_size > _LOG_LIMIT_BYTES:
            log.replace(log.with_name(f"{log.name}.1"))
    except FileNotFoundError:
        return


def _groups_of(account: SystemAccount) -> list[int]:
    return os.getgrouplist(account.name, account.gid)


def _dies_with_parent(number: signal.Signals) -> list[str]:
    """`setpriv` (util-linux) sets the parent-death signal and then becomes the server: same process id."""
    setpriv = shutil.which("setpriv", path="/usr/bin:/bin:/usr/sbin:/sbin")
    return [setpriv, "--pdeathsig", number.name.removeprefix("SIG"), "--"] if setpriv else []
