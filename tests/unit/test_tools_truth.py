"""The tools that check the project are pinned, come from registries only, and run what exists."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.support.axe import axe_script

ROOT = Path(__file__).parents[2]
HOOKS = ".pre-commit-config.yaml"
WORKFLOW = ".github/workflows/ci.yml"
LONGEST_LINE = 130


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands(target: str) -> list[str]:
    """The commands of a target of the Makefile, variables filled in."""
    lines = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", text("Makefile"), re.MULTILINE)
    assert lines, target
    values = dict(re.findall(r"^(\w+) [:?]= ?(.*)$", text("Makefile"), re.MULTILINE))

    def filled(line: str) -> str:
        found = re.sub(r"\$\((\w+)\)", lambda name: values[name[1]], line)
        return filled(found) if "$(" in found else found

    return [filled(line.removeprefix("\t@")) for line in lines[1].splitlines()]


def tool_of(command: str) -> tuple[str, str]:
    """What a command runs, and what it does with it: ("ruff", "check"), ("djangofmt", "--check"), ("mypy", "")."""
    words = command.replace(".venv/bin/node node_modules/.bin/", ".venv/bin/").split()
    verb = words[1] if words[1:] and words[1] in {"check", "format", "--check"} else ""
    return words[0].rsplit("/", 1)[-1], verb


def test_npm_brings_tools_only_each_in_one_version() -> None:
    package = json.loads(text("package.json"))
    assert package["private"] is True
    assert {"dependencies", "scripts"} & set(package) == set()
    assert [name for name, version in package["devDependencies"].items() if not re.fullmatch(r"[\d.]+", version)] == []


def test_npm_s_lock_names_hashes_and_no_registry_and_lets_no_package_run_a_program() -> None:
    lock = json.loads(text("package-lock.json"))["packages"]
    assert lock[""]["devDependencies"] == json.loads(text("package.json"))["devDependencies"]
    for name, entry in lock.items():
        assert not {"resolved", "hasInstallScript"} & set(entry), name
        assert not name or entry["integrity"].startswith("sha512-"), name
    assert {"omit-lockfile-registry-resolved=true", "ignore-scripts=true"} <= set(text(".npmrc").split())


def test_axe_is_there_in_the_version_of_the_lock() -> None:
    assert f"axe v{json.loads(text('package.json'))['devDependencies']['axe-core']}" in axe_script()[:200]


def test_every_tool_that_lint_runs_is_installed() -> None:
    for command in commands("lint"):
        for program in re.findall(r"\S*\.?bin/\S+|node_modules/\S+", command):
            assert (ROOT / program).exists(), command


def test_a_commit_is_judged_by_the_very_tools_of_lint() -> None:
    config = yaml.safe_load(text(HOOKS))
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    hooks = config["repos"][0]["hooks"]
    assert {hook["language"] for hook in hooks} == {"system"}
    assert sorted(tool_of(hook["entry"]) for hook in hooks) == sorted(map(tool_of, commands("lint")))
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for hook in hooks:
        pattern = hook.get("files", "")
        assert any(re.search(pattern, name) for name in tracked), hook["id"]


def test_the_public_ci_runs_what_ours_runs_with_pinned_actions() -> None:
    jobs: dict[str, Any] = yaml.safe_load(text(WORKFLOW))["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    ours = re.findall(r"^make .*$", text(".ci/run"), re.MULTILINE)
    assert sorted(step["run"] for step in steps if "run" in step) == sorted(ours)
    for line in ours:
        assert commands(line.removeprefix("make "))
    for uses in re.findall(r"uses: (.*)", text(WORKFLOW)):
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v[\d.]+", uses), uses
    for name in re.findall(r"'([^']+)'", text(WORKFLOW)):
        assert (ROOT / name).is_file(), name


def test_every_exception_from_the_types_gives_its_reason() -> None:
    """mypy itself asks for the code."""
    files = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    bare = [
        f"{name}:{number}"
        for name in files.stdout.split()
        for number, line in enumerate(text(name).splitlines(), start=1)
        if re.search(r"# type: [i]gnore\b(?!\[[a-z, -]+\]  # \w)", line)
    ]
    assert bare == []


def test_no_line_of_a_template_runs_out_of_an_editor() -> None:
    long = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in ROOT.glob("dashboard/*/templates/*.html")
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if len(line) > LONGEST_LINE
    ]
    assert long == []


def test_what_is_asynchronous_runs_in_a_thread_of_its_own() -> None:
    # A browser test before leaves its loop running in the main thread, where asyncio.run refuses.
    call = "asyncio." + "run("
    tests = Path(__file__).parents[1]
    found = [str(path.relative_to(tests)) for path in tests.rglob("*.py") if call in path.read_text(encoding="utf-8")]
    assert found == [], "use tests.support.loops.finished"
