"""What the virtual machine would do in one inference, as tables: tensors, kernels, their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, Literal

import numpy as np
import tvm
from tvm import relax

from compile.graph.tensors import integers, is_operator
from depthbench.errors import InputError

# Storages and weights begin on one, as kernels read whole vectors.
ALIGNMENT = 64

Place = Literal["arena", "weights", "input", "output"]
# What is of no consequence here: shapes are static, and memory is planned.
_IGNORED = ("vm.builtin.check_tensor_info", "vm.builtin.match_shape")
# Both give the memory that they were given.
_VIEWS = ("vm.builtin.reshape", "vm.builtin.copy")


@dataclass(frozen=True)
class Tensor:
    """Dense numbers that begin `offset` bytes into a place, or into the input or output `port`."""

    place: Place
    port: int
    offset: int
    shape: tuple[int, ...]
    dtype: str

    @property
    def bytes(self) -> int:
        """How long it is."""
        return byte_size(self.shape, self.dtype)


@dataclass(frozen=True)
class KernelCall:
    """A kernel by its name in the module, and the numbers of its arguments in `Plan.tensors`."""

    kernel: str
    arguments: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """One inference: the kernels `calls` in order, then `copies` of tensors to outputs.

    Tensors of inputs and outputs come first. An output is written by its kernel where it lies, or
    is a copy where it is a constant, an input, or another output's own memory.
    """

    tensors: tuple[Tensor, ...]
    calls: tuple[KernelCall, ...]
    copies: tuple[tuple[int, int], ...]
    arena_bytes: int
    weights: tuple[np.ndarray, ...]

    @property
    def port_tensors(self) -> int:
        """How many of the tensors are of inputs and outputs."""
        return sum(one.place in ("input", "output") for one in self.tensors)


@dataclass
class _Storage:
    """Memory of the arena, or of an output: `end` is where its last tensor ends."""

    bytes: int
    end: int = 0


@dataclass(frozen=True)
class _View:
    """A tensor in memory that has no place yet."""

    memory: _Storage | int | bytes  # of the arena, an input's number, or a constant's content
    offset: int
    shape: tuple[int, ...]
    dtype: str


@dataclass
class _Walk:
    """What is found in the planned module's `main`, binding after binding."""

    where: str
    views: dict[relax.Var, Any] = field(default_factory=dict)
    storages: list[_Storage] = field(default_factory=list)
    weights: dict[bytes, np.ndarray] = field(default_factory=dict)
    calls: list[tuple[str, list[_View]]] = field(default_factory=list)

    def bind(self, var: relax.Var, value: Any) -> None:
        """Take note of what a variable is from now on."""
        if is_operator(value, "vm.alloc_storage"):
            (size,) = integers(value.args[0].values)
            self.views[var] = _Storage(size)
            self.storages.append(self.views[var])
        elif is_operator(value, "vm.alloc_tensor"):
            self.views[var] = self._allocated(value)
        elif is_operator(value, "vm.kill_object", "null_value") or _is_packed(value, *_IGNORED):
            pass
        elif _is_packed(value, *_VIEWS):
            view = self.view(value.args[0])
            shape = _shape(var)
            self.views[var] = _View(view.memory, view.offset, shape, view.dtype)
        elif isinstance(value, relax.Call) and isinstance(value.op, tvm.ir.GlobalVar):
            arguments = [self.view(one) for one in value.args]
            self.calls.append((value.op.name_hint, arguments))
        elif isinstance(value, relax.Tuple):
            self.views[var] = [self.view(one) for one in value.fields]
        elif isinstance(value, relax.Var):
            self.views[var] = self.views[value]
        else:
            raise self.refusal(value)

    def view(self, value: Any) -> _View:
        """The tensor that an argument is."""
        if isinstance(value, tvm.ir.expr.GenericConst) and hasattr(value.value, "numpy"):
            array = value.value.numpy()
            key = f"{array.dtype} {array.shape} ".encode() + array.tobytes()
            self.weights[key] = array
            return _View(key, 0, array.shape, str(value.value.dtype))
        found = self.views.get(value) if isinstance(value, relax.Var) else None
        if not isinstance(found, _View):
            raise self.refusal(value)
        return found

    def _allocated(self, value: relax.Call) -> _View:
        storage, offset, shape, dtype = value.args[:4]
        memory = self.views[storage]
        begin, edges, kind = int(offset.value), integers(shape.values), str(dtype.value)
        memory.end = max(memory.end, begin + byte_size(edges, kind))
        return _View(memory, begin, edges, kind)

    def refusal(self, value: Any) -> InputError:
        """That there is something a package cannot do; it is named."""
        what: str = type(value).__name__
        if isinstance(value, relax.Call):
            op = value.op
            what = str(getattr(op, "global_symbol", None) or getattr(op, "name", what))
        return InputError(
            f"{self.where}: {what} needs TVM's virtual machine, and cannot be packaged"
        )


def plan_of(planned: tvm.IRModule, where: str) -> Plan:
    """The plan of a module that `compile.lowering.build.plan` made; `where` is its source.

    Raises InputError, in one line, for what needs the virtual machine at run time.
    """
    main = planned["main"]
    walk = _Walk(where)
    for place, parameter in enumerate(main.params):
        walk.views[parameter] = _View(place, 0, _shape(parameter), str(parameter.ty.dtype.dtype))
    if not isinstance(main.body, relax.SeqExpr):
        raise walk.refusal(main.body)
    for block in main.body.blocks:
        for binding in block.bindings:
            walk.bind(binding.var, binding.value)
    result = main.body.body
    outputs = walk.views[result] if isinstance(result, relax.Var) else None
    if outputs is None:
        outputs = [walk.view(one) for one in result.fields]
    return _placed(walk, [outputs] if isinstance(outputs, _View) else outputs)


def _placed(walk: _Walk, outputs: Sequence[_View]) -> Plan:
    written: dict[int, int] = {}  # storages that an output's buffer takes the place of
    for place, view in enumerate(outputs):
        memory = view.memory
        whole = isinstance(memory, _Storage) and memory.end == byte_size(view.shape, view.dtype)
        if whole and view.offset == 0 and id(memory) not in written:
            written[id(memory)] = place
    begins, arena_bytes = _laid_out(
        {id(one): one.bytes for one in walk.storages if id(one) not in written}
    )
    weight_begins, _ = _laid_out({key: one.nbytes for key, one in walk.weights.items()})

    def tensor(view: _View) -> Tensor:
        memory, at = view.memory, view.offset
        if isinstance(memory, int):
            return Tensor("input", memory, at, view.shape, view.dtype)
        if isinstance(memory, bytes):
            return Tensor("weights", 0, weight_begins[memory] + at, view.shape, view.dtype)
        if id(memory) in written:
            return Tensor("output", written[id(memory)], at, view.shape, view.dtype)
        return Tensor("arena", 0, begins[id(memory)] + at, view.shape, view.dtype)

    calls = [(kernel, [tensor(one) for one in views]) for kernel, views in walk.calls]
    results = [tensor(one) for one in outputs]
    copied = [
        (place, one)
        for place, one in enumerate(results)
        if (one.place, one.port) != ("output", place)
    ]
    used = dict.fromkeys(one for _, arguments in calls for one in arguments)
    used |= dict.fromkeys(one for _, one in copied)
    tensors = tuple(sorted(used, key=lambda one: one.place not in ("input", "output")))
    number = {one: place for place, one in enumerate(tensors)}
    return Plan(
        tensors,
        tuple(KernelCall(kernel, tuple(number[one] for one in args)) for kernel, args in calls),
        tuple((place, number[one]) for place, one in copied),
        arena_bytes,
        tuple(walk.weights.values()),
    )


def _laid_out(sizes: dict[Any, int]) -> tuple[dict[Any, int], int]:
    """Where each begins, one behind the other on multiples of ALIGNMENT, and the end."""
    begins, end = {}, 0
    for key, size in sizes.items():
        begins[key] = end
        end += aligned(size)
    return begins, end


def aligned(size: int) -> int:
    """The next multiple of ALIGNMENT."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def byte_size(shape: Sequence[int], dtype: str) -> int:
    """Bytes of a dense tensor."""
    return prod(shape) * -(-tvm.DataType(dtype).bits // 8)


def _is_packed(value: Any, *names: str) -> bool:
    return (
        isinstance(value, relax.Call)
        and isinstance(value.op, relax.ExternFunc)
        and str(value.op.global_symbol) in names
    )


def _shape(var: relax.Var) -> tuple[int, ...]:
    return integers(var.ty.shape.values)
