"""Candidates of a data scientist's own: named on the command line, kept with the model as source.

A pickled model says only where its class is found. So that it loads in any folder, the file that a
candidate comes from is run as a module which bears the hash of its text in its name: two states of
one file are two modules, and `train.registry.artefact` keeps the text beside the model.
"""

from __future__ import annotations

import ast
import hashlib
import pickle
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from sklearn.base import BaseEstimator, clone, is_regressor

import warehouse


class CandidateError(warehouse.ShopError):
    """A candidate cannot be used; the message says which, why and what to do."""


@dataclass(frozen=True)
class Source:
    """The text of a Python file that a model needs.

    Attributes
    ----------
    text
        What the file holds.
    file
        Where it lies, for tracebacks.
    """

    text: bytes
    file: Path

    @property
    def sha256(self) -> str:
        """Hash of the text."""
        return hashlib.sha256(self.text).hexdigest()

    @property
    def module_name(self) -> str:
        """Name of the module that the text is run as."""
        return f"candidate_{self.sha256[:16]}"

    def module(self) -> ModuleType:
        """Return the module; the text is run once per process."""
        if self.module_name not in sys.modules:
            module = ModuleType(self.module_name)
            module.__file__ = str(self.file)
            # there before it is run, as its classes look for it
            sys.modules[self.module_name] = module
            try:
                code = compile(self.text, str(self.file), "exec", dont_inherit=True)
                exec(code, vars(module))
            except BaseException:
                del sys.modules[self.module_name]
                raise
        return sys.modules[self.module_name]


@dataclass(frozen=True)
class OwnCandidate:
    """A candidate that is no part of the project.

    Attributes
    ----------
    name
        `module:function`, its name among the candidates.
    estimator
        What the function returned, unfitted.
    source
        The file that it comes from.
    """

    name: str
    estimator: BaseEstimator
    source: Source


def load_own(names: Sequence[str]) -> dict[str, OwnCandidate]:
    """Make the candidates that some functions return, by name.

    Parameters
    ----------
    names
        Each `module:function`. The module is one file, looked for in the current folder, then on
        the Python path; the function takes nothing and returns an unfitted scikit-learn regressor
        as `train.candidates.protocol` describes it.

    Raises
    ------
    CandidateError
        If there is no such file or function, or what it returns is no candidate.
    """
    return {name: _load(name) for name in names}


def hashes_of(own: Mapping[str, OwnCandidate]) -> dict[str, str]:
    """Return the hash of each candidate's file, by name."""
    return {name: candidate.source.sha256 for name, candidate in own.items()}


def _load(name: str) -> OwnCandidate:
    def refused(why: str) -> CandidateError:
        return CandidateError(f"--candidate {name}: {why}")

    module_name, colon, function = name.partition(":")
    if not (
        colon and function.isidentifier() and all(map(str.isidentifier, module_name.split(".")))
    ):
        raise refused("name a module and a function in it, like my_module:make")
    path = Path(*module_name.split(".")).with_suffix(".py")
    files = [Path(folder) / path for folder in (".", *sys.path)]
    file = next((file.resolve() for file in files if file.is_file()), None)
    if file is None:
        raise refused(f"there is no {path} in {Path.cwd()} or on the Python path")
    source = Source(file.read_bytes(), file)
    try:
        beside = _imported_beside(source)
        if beside:
            raise refused(
                f"{file} imports {', '.join(beside)} from its own folder, which would not be kept "
                "with the model: put all of it in one file, or install it as a package"
            )
        module = source.module()
    except CandidateError:
        raise
    except Exception as error:
        # whatever somebody else's code does
        raise refused(f"{file} cannot be imported ({_in_words(error)})") from error
    make = getattr(module, function, None)
    if not callable(make):
        raise refused(f"{file} has no function {function}")
    try:
        estimator = make()
    except Exception as error:
        raise refused(f"{function}() in {file} fails ({_in_words(error)})") from error
    if not (isinstance(estimator, BaseEstimator) and is_regressor(estimator)):
        raise refused(
            f"{function}() returns a {type(estimator).__name__}, not an unfitted scikit-learn "
            "regressor (sklearn.base.RegressorMixin and BaseEstimator, with fit and predict)"
        )
    try:
        pickle.dumps(clone(estimator))
    except Exception as error:
        raise refused(
            f"{type(estimator).__name__} cannot be cloned and pickled ({_in_words(error)}): keep "
            "its parameters as they are given, and define its classes and functions in the file, "
            "outside of others"
        ) from error
    return OwnCandidate(name, estimator, source)


def _imported_beside(source: Source) -> list[str]:
    """Name what it imports from its own folder, but for the project and installed packages."""
    folder = source.file.parent
    if "site-packages" in folder.parts:
        return []
    in_project = folder == warehouse.ROOT
    imported: set[str] = set()
    for node in ast.walk(ast.parse(source.text)):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module)
    roots = {name.partition(".")[0] for name in imported}
    return sorted(
        root
        for root in roots
        if ((folder / f"{root}.py").exists() and not (in_project and root == warehouse.__name__))
        or ((folder / root / "__init__.py").exists() and not in_project)
    )


def _in_words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
