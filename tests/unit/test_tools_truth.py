"""The tools that check the project are pinned, come from registries only, and run what exists."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.support.axe import axe_script

ROOT = Path(__file__).parents[2]


def loaded(name: str) -> Any:
    return json.loads((ROOT / name).read_text(encoding="utf-8"))


def test_npm_brings_tools_only_each_in_one_version() -> None:
    package = loaded("package.json")
    assert package["private"] is True
    assert {"dependencies", "scripts"} & set(package) == set()
    assert [name for name, version in package["devDependencies"].items() if not re.fullmatch(r"[\d.]+", version)] == []


def test_npm_s_lock_names_hashes_and_no_registry_and_lets_no_package_run_a_program() -> None:
    lock = loaded("package-lock.json")["packages"]
    assert lock[""]["devDependencies"] == loaded("package.json")["devDependencies"]
    for name, entry in lock.items():
        assert not {"resolved", "hasInstallScript"} & set(entry), name
        assert not name or entry["integrity"].startswith("sha512-"), name
    assert {"omit-lockfile-registry-resolved=true", "ignore-scripts=true"} <= set((ROOT / ".npmrc").read_text().split())


def test_axe_is_there_in_the_version_of_the_lock() -> None:
    assert f"axe v{loaded('package.json')['devDependencies']['axe-core']}" in axe_script()[:200]
