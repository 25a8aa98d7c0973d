"""How a package re-exports its face without importing what is not used (PEP 562)."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def face(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """A module-level `__getattr__` for `package`: `homes` names the modules, each with its public names."""
    modules = {name: module for module, names in homes.items() for name in names.split()}

    def getattr_of_package(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(modules[name]), name)
        # a name that is also its module's (`replay`) would from now on give the module
        setattr(sys.modules[package], name, value)
        return value

    return getattr_of_package
