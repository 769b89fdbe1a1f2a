"""One exchange out of ccxt without the other ninety: half of the memory, half of the start.

ccxt's packages import every exchange they have. Packages of the same names that import nothing
stand in for them here; what is asked of them that they do not have, they load when it is asked
for. Where that fails in any way, ccxt is imported as it is.
"""

import importlib
import importlib.util
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from bot.errors import ConfigError

_NAME: Final = re.compile(r"[a-z][a-z0-9]{1,30}")
_PACKAGES: Final = {"ccxt": "", "ccxt.async_support": "async_support", "ccxt.pro": "pro"}
_MARK: Final = "is_bare"
"""An attribute of the packages that stand in."""


def exchange_class(exchange_id: str, *, has_streams: bool) -> Any:
    """The asynchronous class of an exchange, the one with websockets where `has_streams`.

    Raises:
        ConfigError: ccxt knows no such exchange, or none with websockets.

    """
    package = "ccxt.pro" if has_streams else "ccxt.async_support"
    if not _NAME.fullmatch(exchange_id) or not _is_known(package, exchange_id):
        raise ConfigError(
            f"{exchange_id!r} is not an exchange that ccxt knows"
            + (" websockets of." if has_streams else "."),
            where="exchange.id",
            remedy="Write it as ccxt does, like binanceusdm or bybit.",
        )
    if "ccxt" not in sys.modules:
        _put_bare_packages()
    if hasattr(sys.modules["ccxt"], _MARK):
        try:
            return _one_class(package, exchange_id)
        except Exception:  # noqa: BLE001  (whatever it is, the plain way remains)
            _forget_all()
    return getattr(importlib.import_module(package), exchange_id)


def _root() -> Path:
    spec = importlib.util.find_spec("ccxt")
    if spec is not None and spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    raise ConfigError("ccxt is not installed.", remedy="Install liqbot with its dependencies.")


def _is_known(package: str, exchange_id: str) -> bool:
    return (_root() / _PACKAGES[package] / f"{exchange_id}.py").is_file()


def _put_bare_packages() -> None:
    root = _root()
    for name, folder in _PACKAGES.items():
        module = ModuleType(name)
        module.__path__ = [str(root / folder)]
        module.__spec__ = importlib.util.spec_from_loader(name, loader=None, is_package=True)
        if module.__spec__ is not None:
            module.__spec__.submodule_search_locations = module.__path__
        setattr(module, _MARK, True)
        module.__dict__["__getattr__"] = _lazily(name)
        sys.modules[name] = module
    top = sys.modules["ccxt"]
    for name in list(_PACKAGES)[1:]:
        setattr(top, name.partition(".")[2], sys.modules[name])
    try:
        _fill(top, importlib.import_module("ccxt.base.errors"))
        _fill(top, importlib.import_module("ccxt.base.decimal_to_precision"))
        _fill(top, importlib.import_module("ccxt.base.exchange"), "Exchange")
        for name in list(_PACKAGES)[1:]:
            _fill(sys.modules[name], importlib.import_module("ccxt.base.errors"))
            _fill(sys.modules[name], importlib.import_module("ccxt.base.decimal_to_precision"))
            exchange = importlib.import_module("ccxt.async_support.base.exchange")
            _fill(sys.modules[name], exchange, "Exchange")
    except Exception:  # noqa: BLE001  (whatever it is, the plain way remains)
        _forget_all()
        importlib.import_module("ccxt")


def _fill(package: ModuleType, source: ModuleType, *names: str) -> None:
    for name in names or [name for name in vars(source) if not name.startswith("_")]:
        setattr(package, name, getattr(source, name))


def _lazily(package: str) -> Callable[[str], Any]:
    """Give a `__getattr__` for a package: `ccxt.async_support.kraken` loads kraken."""

    def load(name: str) -> Any:
        if _NAME.fullmatch(name):
            try:
                return _one_class(package, name)
            except ImportError:
                pass
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return load


def _one_class(package: str, exchange_id: str) -> Any:
    if package == "ccxt.pro":
        # Its modules read the classes below them as attributes of the package.
        _one_class("ccxt.async_support", exchange_id)
    module = importlib.import_module(f"{package}.{exchange_id}")
    _bind(package)
    return getattr(module, exchange_id)


def _bind(package: str) -> None:
    """Make attributes of a package the classes, where importing has left the modules."""
    for name, module in list(sys.modules.items()):
        owner, _, leaf = name.rpartition(".")
        if owner == package and isinstance(getattr(module, leaf, None), type):
            setattr(sys.modules[package], leaf, getattr(module, leaf))


def _forget_all() -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "ccxt"]:
        del sys.modules[name]
