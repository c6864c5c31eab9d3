"""Where the data of a server lies: inside the instance's folder, or outside where its account cannot enter."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from rantai.errors import ServiceMissing
from rantai.local.state import outside_place
from rantai.local.system import SystemAccount

OWNER_NOTE = "belongs-to"


def data_folder(root: Path, name: str, account: SystemAccount | None) -> Path:
    """Make (or find) the folder `name` that `account` owns and can reach; None is our own account.

    A checkout under /root or in a private home cannot be entered by the `postgres` account: then the folder
    lies under /var/lib, named after the checkout's path. A folder already in use there is preferred, so that
    a later change of permissions does not start the world anew.
    """
    inside = root / name
    if account is None:
        inside.mkdir(parents=True, exist_ok=True, mode=0o700)
        return inside
    outside = outside_place(root) / name
    if outside.is_dir():
        _hand_over(outside, account)
        return outside
    inside.mkdir(parents=True, exist_ok=True, mode=0o700)
    if _hand_over(inside, account):
        return inside
    if not any(inside.iterdir()):
        inside.rmdir()
    outside.mkdir(parents=True, mode=0o700)
    outside.parent.chmod(0o711)
    # Whoever finds the folder later can see whose it is.
    (outside.parent / OWNER_NOTE).write_text(f"{root.absolute()}\n", encoding="utf-8")
    if _hand_over(outside, account):
        return outside
    raise ServiceMissing(f"The account {account.name} can write neither in {inside} nor in {outside}.")


def remove_folders(root: Path) -> None:
    """Remove the instance's folder and what lies outside for it."""
    shutil.rmtree(outside_place(root), ignore_errors=True)
    shutil.rmtree(root, ignore_errors=True)


def _hand_over(folder: Path, account: SystemAccount) -> bool:
    """Give the folder to the account and ask, as that account, whether it can write there."""
    try:
        os.chown(folder, account.uid, account.gid)
    except OSError:
        return False
    asked = subprocess.run(
        ["/bin/sh", "-c", 'test -w "$1" && test -x "$1"', "sh", str(folder)],
        cwd="/",
        user=account.uid,
        group=account.gid,
        extra_groups=[account.gid],
        check=False,
        capture_output=True,
        timeout=20,
    )
    return asked.returncode == 0
