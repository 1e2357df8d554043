"""The image of the Dockerfile, built and run without Docker: step by step, in an empty folder."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import warehouse

ROOT = warehouse.ROOT
DOCKERFILE = ROOT / "Dockerfile"
# the folders of the image that steps of the Dockerfile write
FOLDERS = ("/app", "/opt/venv", "/data", "/inbox", "/tmp")


@dataclass
class Image:
    """What the Dockerfile says, as steps of a shell in an empty folder in place of `/`."""

    root: Path
    steps: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def placed(self, text: str) -> str:
        """Let absolute paths lead into the folder."""
        return re.sub(rf"(?<![\w.])({'|'.join(FOLDERS)})(?![\w-])", rf"{self.root}\1", text)

    @property
    def variables(self) -> dict[str, str]:
        return {
            **{name: os.environ[name] for name in os.environ if name.startswith("PIP_")},
            "PATH": os.environ["PATH"],
            "TMPDIR": f"{self.root}/tmp",
            **self.environment,
        }

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the image as `docker run IMAGE ARGUMENTS` would."""
        return subprocess.run(
            [*self.entrypoint, *arguments],
            cwd=self.root / "app",
            env={**self.variables, **variables},
            capture_output=True,
            text=True,
        )


def instructions() -> list[tuple[str, str]]:
    """Return the lines of the Dockerfile, each with its first word."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [tuple(line.split(maxsplit=1)) for line in lines if line]


def read(root: Path, arguments: Mapping[str, str]) -> Image:
    """Read the Dockerfile; ownership and users are left out, as an empty folder has none."""
    image = Image(root)
    folder = "/"
    for word, rest in instructions():
        if word == "FROM":
            image.environment, folder = {}, "/"
        elif word == "ENV":
            for pair in shlex.split(rest):
                name, _, value = pair.partition("=")
                known = image.environment.get(name, os.environ.get(name, ""))
                image.environment[name] = image.placed(value).replace(f"${name}", known)
        elif word == "WORKDIR":
            folder = rest
            image.steps.append(f"mkdir -p {image.placed(rest)}")
        elif word == "RUN":
            rest = re.sub(r" && chown [^&]+", "", rest)
            image.steps.append(f"cd {image.placed(folder)} && {image.placed(rest)}")
        elif word == "COPY":
            copied = rest.split()
            if not copied[0].startswith("--from"):
                source, target = copied
                target = image.placed(target if target.startswith("/") else f"{folder}/{target}")
                image.steps.append(
                    f"mkdir -p $(dirname {target}) && cp -r {root}/context/{source} {target}"
                    if source != "."
                    else f"mkdir -p {target} && cp -r {root}/context/. {target}"
                )
        elif word == "ARG":
            name, _, value = rest.partition("=")
            image.steps.append(f"{name}={arguments.get(name, value)}")
        elif word == "ENTRYPOINT":
            image.entrypoint = json.loads(rest)
        elif word == "CMD":
            image.command = json.loads(rest)
        elif word == "HEALTHCHECK":
            image.health = json.loads(rest.partition(" CMD ")[2])
        else:
            assert word in ("USER", "EXPOSE"), f"{word}: this test does not know how to run it"
    return image


def sent(context: Path) -> None:
    """Copy what .dockerignore lets through."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    without = [rule for rule in rules[1:] if not rule.startswith("!")]
    for rule in rules[1:]:
        if rule.startswith("!"):
            source, target = ROOT / rule[1:], context / rule[1:]
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target)
            else:
                shutil.copy(source, target)
    for rule in without:
        for left in context.glob(rule):
            shutil.rmtree(left) if left.is_dir() else left.unlink()


def built(root: Path, **arguments: str) -> Image:
    """Build the image in an empty folder, with arguments as `--build-arg` gives them."""
    for folder in ("context", "tmp"):
        (root / folder).mkdir()
    sent(root / "context")
    image = read(root, arguments)
    script = "\n".join(["set -eu", *image.steps])
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", script], env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{script}\n{done.stderr[-3000:]}"
    shutil.rmtree(root / "context")
    return image
