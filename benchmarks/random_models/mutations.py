"""What may be wrong with a model's file: each mutation takes a good one and harms it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from onnx import TensorProto, helper

Random = np.random.Generator
Mutation = Callable[[Random, bytes, Path], bytes]

_INTEGERS = (0, -1, 1, 2, 7, -7, 2**31 - 1, -(2**31), 2**31, 2**40, 2**62, 2**63 - 1, -(2**63))
_FLOATS = (0.0, -1.0, 1e-30, 3e38, float("inf"), float("nan"))
_STRINGS = (
    *(
        "",
        "x",
        "a\nb",
        "\r\n\r\n",
        "grün 深度 🙂",
        "\x1b[31mred",
        "../../etc/passwd",
        "%s%n{0}",
        "\0",
    ),
    *("a" * 5000, " ", "If", "Loop", "Constant", "'\"\\", "y0", "w0", "x0", "com.microsoft"),
)
WEIGHTS_FILE = "weights.bin"


def truncate(random: Random, content: bytes, folder: Path) -> bytes:
    """The file ends early."""
    return content[: random.integers(0, len(content))]


def flip_bits(random: Random, content: bytes, folder: Path) -> bytes:
    """One bit to twenty are others."""
    changed = bytearray(content)
    for place in random.integers(0, len(content), random.integers(1, 21)):
        changed[place] ^= 1 << int(random.integers(0, 8))
    return bytes(changed)


def insert_bytes(random: Random, content: bytes, folder: Path) -> bytes:
    """Bytes are inserted somewhere."""
    place = random.integers(0, len(content))
    return content[:place] + random.bytes(int(random.integers(1, 65))) + content[place:]


def remove_bytes(random: Random, content: bytes, folder: Path) -> bytes:
    """Bytes are missing somewhere."""
    place = random.integers(0, len(content))
    return content[:place] + content[place + int(random.integers(1, 65)) :]


def repeat_bytes(random: Random, content: bytes, folder: Path) -> bytes:
    """A part of the file stands there twice."""
    begin, end = sorted(map(int, random.integers(0, len(content), 2)))
    return content[:end] + content[begin:]


def _messages(message: Message) -> Iterator[Message]:
    yield message
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for inner in value if field.is_repeated else [value]:
                yield from _messages(inner)


def _field(random: Random, content: bytes) -> tuple[onnx.ModelProto, Message, FieldDescriptor]:
    """A model, and a field of one of its messages that is there."""
    model = onnx.ModelProto.FromString(content)
    found = [one for one in _messages(model) if one.ListFields()]
    message = found[random.integers(0, len(found))]
    fields = [field for field, _ in message.ListFields()]
    return model, message, fields[random.integers(0, len(fields))]


def drop_field(random: Random, content: bytes, folder: Path) -> bytes:
    """A field is missing."""
    model, message, field = _field(random, content)
    message.ClearField(field.name)
    return model.SerializeToString()


def repeat_field(random: Random, content: bytes, folder: Path) -> bytes:
    """What a repeated field holds stands there twice, or in another order."""
    for _ in range(20):
        model, message, field = _field(random, content)
        if field.is_repeated:
            values = list(getattr(message, field.name))
            more = values * 2 if random.random() < 0.5 else values[::-1]
            message.ClearField(field.name)
            getattr(message, field.name).extend(more)
            return model.SerializeToString()
    return content


def change_field(random: Random, content: bytes, folder: Path) -> bytes:
    """One field to three hold another number, name or type."""
    for _ in range(random.integers(1, 4)):
        model, message, field = _field(random, content)
        while field.type == FieldDescriptor.TYPE_MESSAGE:
            model, message, field = _field(random, content)
        value = _another(random, field)
        if field.is_repeated:
            values = getattr(message, field.name)
            values[random.integers(0, len(values))] = value
        else:
            setattr(message, field.name, value)
        content = model.SerializeToString()
    return content


def _another(random: Random, field: FieldDescriptor) -> Any:
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        if field.type == FieldDescriptor.TYPE_BYTES:
            return random.bytes(int(random.integers(0, 40)))
        return _STRINGS[random.integers(0, len(_STRINGS))]
    if field.cpp_type in (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE):
        return _FLOATS[random.integers(0, len(_FLOATS))]
    if field.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
        values = field.enum_type.values
        return values[random.integers(0, len(values))].number
    value = _INTEGERS[random.integers(0, len(_INTEGERS))]
    if field.cpp_type == FieldDescriptor.CPPTYPE_INT64:
        return value
    return int(random.integers(0, 25)) if random.random() < 0.6 else value % 2**31


def lie_about_shapes(random: Random, content: bytes, folder: Path) -> bytes:
    """Edges of inputs, outputs, weights or between nodes are huge, negative, zero or wrong."""
    model = onnx.ModelProto.FromString(content)
    dims: list[Any] = []
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        dims.extend(value.type.tensor_type.shape.dim)
    chosen = _INTEGERS[random.integers(0, len(_INTEGERS))]
    tensors = [tensor for tensor in model.graph.initializer if tensor.dims]
    if tensors and (not dims or random.random() < 0.4):
        tensor = tensors[random.integers(0, len(tensors))]
        tensor.dims[random.integers(0, len(tensor.dims))] = chosen
    elif dims:
        dims[random.integers(0, len(dims))].dim_value = chosen
    return model.SerializeToString()


def rename(random: Random, content: bytes, folder: Path) -> bytes:
    """Names with newlines or none at all, everywhere that they are used."""
    model = onnx.ModelProto.FromString(content)
    graph = model.graph
    names = [name for node in graph.node for name in (*node.input, *node.output) if name]
    old, new = names[random.integers(0, len(names))], _STRINGS[random.integers(0, len(_STRINGS))]
    for message in _messages(model):
        for field, value in message.ListFields():
            if field.type == FieldDescriptor.TYPE_STRING:
                if field.is_repeated:
                    value[:] = [new if one == old else one for one in value]
                elif value == old:
                    setattr(message, field.name, new)
    return model.SerializeToString()


def rewire(random: Random, content: bytes, folder: Path) -> bytes:
    """A node reads another value: a later one, which makes a cycle, or one that is not there."""
    model = onnx.ModelProto.FromString(content)
    graph = model.graph
    readers = [node for node in graph.node if node.input]
    values = [name for node in graph.node for name in node.output]
    values += [value.name for value in graph.input] + ["nothing"]
    node = readers[random.integers(0, len(readers))]
    node.input[random.integers(0, len(node.input))] = values[random.integers(0, len(values))]
    return model.SerializeToString()


def nest(random: Random, content: bytes, folder: Path) -> bytes:
    """The graph lies in a branch of an If in a branch of an If, up to three hundred deep."""
    model = onnx.ModelProto.FromString(content)
    graph = model.graph
    inner = onnx.GraphProto(name="deep", node=graph.node, output=graph.output).SerializeToString()
    names = [value.name for value in graph.output]
    for _ in range(random.integers(1, 300)):
        # In bytes: protobuf itself writes no more than it reads.
        branches = [
            onnx.AttributeProto(name=name, type=onnx.AttributeProto.GRAPH).SerializeToString()
            + _part(onnx.AttributeProto, "g", inner)
            for name in ("then_branch", "else_branch")
        ]
        node = helper.make_node("If", ["deep"], names).SerializeToString()
        for branch in branches[: 1 if len(inner) > 2**16 else 2]:
            node += _part(onnx.NodeProto, "attribute", branch)
        rest = onnx.GraphProto(name="deep", output=graph.output).SerializeToString()
        inner = rest + _part(onnx.GraphProto, "node", node)
    value = helper.make_tensor("", TensorProto.BOOL, [], [True])
    condition = helper.make_node("Constant", [], ["deep"], value=value)
    del graph.node[:], graph.output[:]
    graph.node.append(condition)
    whole = graph.SerializeToString() + inner
    model.ClearField("graph")
    return model.SerializeToString() + _part(onnx.ModelProto, "graph", whole)


def _part(kind: type[Message], field: str, content: bytes) -> bytes:
    """A field of a message, as it stands in a file."""
    key = kind.DESCRIPTOR.fields_by_name[field].number << 3 | 2
    return b"".join(map(_number, (key, len(content)))) + content


def _number(value: int) -> bytes:
    low, rest = value & 127, value >> 7
    return bytes([low | 128]) + _number(rest) if rest else bytes([low])


def call_itself(random: Random, content: bytes, folder: Path) -> bytes:
    """A function of the model calls itself, or another that calls it."""
    model = onnx.ModelProto.FromString(content)
    name = model.graph.input[0].name
    opsets = [*model.opset_import, helper.make_opsetid("own", 1)]
    other = "f" if random.random() < 0.5 else "g"
    for own, called in (("f", other), ("g", "f")):
        node = helper.make_node(called, ["a"], ["b"], domain="own")
        model.functions.append(helper.make_function("own", own, ["a"], ["b"], [node], opsets))
    model.opset_import.append(opsets[-1])
    model.graph.node.insert(0, helper.make_node("f", [name], ["called"], domain="own"))
    return model.SerializeToString()


def lie_about_weights(random: Random, content: bytes, folder: Path) -> bytes:
    """Weights in a file that is missing, too short, outside, or of another size than it says."""
    model = onnx.ModelProto.FromString(content)
    (folder / WEIGHTS_FILE).write_bytes(random.bytes(int(random.integers(0, 3000))))
    for tensor in model.graph.initializer:
        size = len(tensor.raw_data)
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        places = [
            WEIGHTS_FILE,
            WEIGHTS_FILE,
            WEIGHTS_FILE,
            "",
            ".",
            "none.bin",
            "/dev/zero",
            "../../../etc/passwd",
            "a\nb",
            "\0",
            "x" * 300,
        ]
        entries = {"location": places[random.integers(0, len(places))]}
        if random.random() < 0.7:
            entries["length"] = str([size, 0, -1, 2**40, "long", ""][random.integers(0, 6)])
        if random.random() < 0.7:
            entries["offset"] = str([0, 4, 1, -4, 2**63, "far"][random.integers(0, 6)])
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=value)
    return model.SerializeToString()


def grow(random: Random, content: bytes, folder: Path) -> bytes:
    """A few small constants ask for a huge tensor."""
    model = onnx.ModelProto.FromString(content)
    edge = int(_INTEGERS[random.integers(6, len(_INTEGERS))]) if random.random() < 0.5 else 10**5
    shape = helper.make_tensor("huge", TensorProto.INT64, [3], [edge, 300, 300])
    operator = ["ConstantOfShape", "Expand", "Tile", "Reshape"][random.integers(0, 4)]
    model.graph.initializer.append(shape)
    name = model.graph.input[0].name
    inputs = ["huge"] if operator == "ConstantOfShape" else [name, "huge"]
    model.graph.node.append(helper.make_node(operator, inputs, ["vast"]))
    if random.random() < 0.5:
        model.graph.node.append(helper.make_node("ReduceMax", ["vast"], ["most"], keepdims=0))
        model.graph.output.append(helper.make_tensor_value_info("most", 1, []))
    else:
        model.graph.output.append(helper.make_tensor_value_info("vast", 1, ["a", "b", "c"]))
    return model.SerializeToString()


MUTATIONS: tuple[Mutation, ...] = (
    *(truncate, flip_bits, insert_bytes, remove_bytes, repeat_bytes, drop_field, repeat_field),
    *(change_field, change_field, change_field, change_field, lie_about_shapes, lie_about_shapes),
    *(rename, rewire, rewire, nest, call_itself, lie_about_weights, lie_about_weights, grow),
)
