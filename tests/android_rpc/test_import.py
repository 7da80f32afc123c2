"""Heavy packages are imported when they are used."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import android_rpc


def test_importing_the_package_imports_nothing_heavy() -> None:
    names = pkgutil.walk_packages(android_rpc.__path__, "android_rpc.")
    program = f"import sys, {', '.join(module.name for module in names)}\n"
    program += "print(*sorted({'tvm', 'tvm_ffi', 'torch', 'numpy', 'pandas'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""
