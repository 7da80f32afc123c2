"""Link a package's shared library."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from compile.package import object_file
from compile.package.toolchain import Platform, run_zig
from depthbench.errors import InputError

# Segments on multiples of 64 KiB suit every page that arm64 kernels have.
_FLAGS = (
    *("-shared", "-s", "-Wl,-z,max-page-size=65536", "-Wl,-z,noexecstack", "-Wl,-z,now"),
    *("-Wl,--no-undefined", "-Wl,--build-id=none", "-Wl,--hash-style=both"),
    # A second network in the process has the same names. A class of Java's that is unloaded must
    # not take the code from under the threads of an instance that nobody closed.
    *("-Wl,-Bsymbolic", "-Wl,-z,nodelete"),
)
# What an app may call: the API, and what Java's machine looks for.
_EXPORTS = "{ global: depth_*; JNI_On*; local: *; };\n"
# What both glibc and Android's C library have, by the library in which Android has it.
_LIBC = """memcpy memset memmove memcmp strlen snprintf vsnprintf pthread_create pthread_join
    pthread_self pthread_key_create pthread_key_delete pthread_setspecific pthread_getspecific
    mmap munmap open close lseek clock_gettime getauxval syscall"""
LIBC = frozenset(_LIBC.split())
_MATH = """acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2
    expm1 fabs floor fma fmax fmin fmod hypot ldexp log log10 log1p log2 nearbyint pow rint round
    sin sinh sqrt tan tanh tgamma lgamma trunc nextafter"""
LIBM = frozenset(name + suffix for name in _MATH.split() for suffix in ("", "f"))


def check_symbols(library: Sequence[Path], kernels: Sequence[Path], where: str) -> set[str]:
    """The symbols that the objects need of the system.

    Raises InputError where they need more than every system has: kernels that call TVM's runtime,
    by name or by a pointer that the runtime sets.
    """
    needed = object_file.undefined([*library, *kernels])
    pointers = {
        one.name for file in kernels for one in object_file.symbols(file) if one.is_runtime_pointer
    }
    given = {one.name for file in library for one in object_file.symbols(file) if one.defined}
    if unknown := sorted(needed - LIBC - LIBM | pointers - given):
        raise InputError(
            f"{where}: its kernels call {', '.join(unknown)}, which a package does not have"
        )
    return needed


def link_shared(
    objects: Sequence[Path], needed: set[str], platform: Platform, library: Path, work: Path
) -> None:
    """Link the objects into `library`, which shows the API alone; `work` is for what it takes.

    `needed` are the symbols of the system's libraries.
    """
    exports = work / "exports.map"
    exports.write_text(_EXPORTS)
    words = ["cc", "-target", platform.triple, *_FLAGS, f"-Wl,--version-script={exports}"]
    words += [f"-Wl,-soname,{library.name}", *map(str, objects)]
    if platform.is_android:
        words += ["-nostdlib", *map(str, _android_stubs(needed, platform, work))]
    else:
        words += ["-lpthread", *(["-lm"] if needed & LIBM else [])]
    run_zig(words, library)


def _android_stubs(needed: set[str], platform: Platform, work: Path) -> list[Path]:
    """Libraries that stand for Android's own, with what is needed of them."""
    made = []
    for name, has in (("libc.so", LIBC), ("libm.so", LIBM)):
        if not needed & has:
            continue
        source = work / f"{name}.c"
        source.write_text("".join(f"void {one}(void) {{}}\n" for one in sorted(needed & has)))
        words = ["cc", "-target", platform.triple, "-nostdlib", "-shared", "-fno-builtin", "-w"]
        made.append(run_zig([*words, f"-Wl,-soname,{name}", str(source)], work / name))
    return made
