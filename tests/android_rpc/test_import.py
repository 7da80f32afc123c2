"""Heavy packages are imported when they are used."""

from __future__ import annotations

import subprocess
import sys


def test_importing_the_package_imports_nothing_heavy() -> None:
    modules = ("bundle", "tracker", "emulated", "remote", "session", "choose", "device")
    program = f"import sys, {', '.join(f'android_rpc.{name}' for name in modules)}\n"
    program += "print(*sorted({'tvm', 'tvm_ffi', 'torch', 'numpy', 'pandas'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""
