"""Random operators that reduce, normalise, multiply or accumulate along axes."""

from __future__ import annotations

from typing import Any

from random_models.draw import Draw, Drawer
from random_models.elementwise import broadcast, dtype_for

_REDUCTIONS = (
    *("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2"),
    *("ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"),
)


def _reduce(operator: str) -> Drawer:
    def draw_one(draw: Draw) -> None:
        shape = draw.shape(0)
        x = draw.input(shape, dtype_for(draw, operator, 0.8))
        attributes = draw.some(keepdims=draw.integer(0, 1))
        axes = draw.axes(len(shape)) if shape and draw.chance(0.8) else None
        if draw.opset < (13 if operator == "ReduceSum" else 18):
            draw.node(operator, [x], **({"axes": axes} if axes else {}), **attributes)
            return
        attributes |= draw.some(noop_with_empty_axes=draw.integer(0, 1))
        names = [x, draw.constant(axes, "int64")] if axes else [x]
        if not axes and draw.chance(0.3):
            names = [x, draw.constant([], "int64")]
        draw.node(operator, names, **attributes)

    return draw_one


def _arg(operator: str) -> Drawer:
    def draw_one(draw: Draw) -> None:
        shape = draw.shape()
        attributes = draw.some(axis=draw.axis(len(shape)), keepdims=draw.integer(0, 1))
        if draw.opset >= 12:
            attributes |= draw.some(select_last_index=draw.integer(0, 1))
        dtype = draw.one_of(["float32", "float32", "int32", "uint8", "int8"])
        draw.node(operator, [draw.input(shape, dtype)], **attributes)

    return draw_one


def _softmax(operator: str) -> Drawer:
    def draw_one(draw: Draw) -> None:
        shape = draw.shape()
        draw.node(operator, [draw.input(shape)], **draw.some(axis=draw.axis(len(shape))))

    return draw_one


def cumulate(operator: str) -> Drawer:
    """CumSum or CumProd."""

    def draw_one(draw: Draw) -> None:
        shape = draw.shape()
        axis = draw.constant(draw.axis(len(shape)), draw.one_of(["int64", "int32"]))
        attributes = draw.some(exclusive=draw.integer(0, 1), reverse=draw.integer(0, 1))
        x = draw.input(shape, draw.one_of(["float32", "float32", "int32", "int64"]))
        draw.node(operator, [x, axis], **attributes)

    return draw_one


def top_k(draw: Draw) -> None:
    """TopK, largest or smallest, sorted."""
    shape = draw.shape()
    axis = draw.axis(len(shape))
    k = draw.integer(1, shape[axis])
    attributes: dict[str, Any] = (
        draw.some(axis=axis) if axis in (-1, len(shape) - 1) else {"axis": axis}
    )
    x = draw.input(shape, draw.one_of(["float32", "float32", "int64", "int32"]))
    if draw.opset < 10:
        draw.results("TopK", [draw.input(shape)], 2, k=k, **attributes)
        return
    if draw.opset >= 11:
        attributes |= draw.some(largest=draw.integer(0, 1))
    draw.results("TopK", [x, draw.constant([k], "int64")], 2, **attributes)


def batch_normalization(draw: Draw) -> None:
    """BatchNormalization in inference, of any rank."""
    shape = draw.image(axes=draw.one_of([1, 2, 2, 3])) if draw.chance(0.7) else draw.shape(2, 3)
    channels = [shape[1]]
    constant = 0.9
    scale, bias, mean = (draw.operand(channels, constant=constant) for _ in range(3))
    variance = draw.constant(abs(draw.array(channels)))
    attributes = draw.some(epsilon=draw.one_of([1e-5, 1e-3, 0.1]), momentum=0.8)
    draw.node("BatchNormalization", [draw.input(shape), scale, bias, mean, variance], **attributes)


def instance_normalization(draw: Draw) -> None:
    """InstanceNormalization of images of one to three axes."""
    shape = draw.image(axes=draw.one_of([1, 2, 2, 3]), least=2)
    names = [draw.input(shape), draw.operand([shape[1]]), draw.operand([shape[1]])]
    draw.node("InstanceNormalization", names, **draw.some(epsilon=draw.one_of([1e-5, 1e-2])))


def layer_normalization(draw: Draw) -> None:
    """LayerNormalization from any axis, with its mean and deviation among the results."""
    shape = draw.shape()
    axis = draw.axis(len(shape))
    if draw.chance(0.4):
        axis = -1
    attributes = {"axis": axis} if axis != -1 or draw.chance(0.5) else {}
    attributes |= draw.some(epsilon=draw.one_of([1e-5, 1e-2]))
    rest = shape[axis:]
    names = [draw.input(shape), draw.operand(rest, constant=0.8)]
    if draw.chance(0.7):
        names.append(draw.operand(rest, constant=0.8))
    count = draw.one_of([1, 1, 1, 2, 3])
    draw.results("LayerNormalization", names, count, **attributes)


def rms_normalization(draw: Draw) -> None:
    """RMSNormalization from any axis."""
    shape = draw.shape()
    axis = draw.axis(len(shape))
    names = [draw.input(shape), draw.operand(shape[axis:])]
    draw.node("RMSNormalization", names, axis=axis, **draw.some(epsilon=1e-3))


def group_normalization(draw: Draw) -> None:
    """GroupNormalization; its scales are of groups, then of channels."""
    groups = draw.integer(1, 4)
    shape = draw.image(groups * draw.integer(1, 4))
    length = [groups if draw.opset < 21 else shape[1]]
    names = [draw.input(shape), draw.operand(length), draw.operand(length)]
    attributes = draw.some(epsilon=draw.one_of([1e-5, 1e-2]))
    draw.node("GroupNormalization", names, num_groups=groups, **attributes)


def lrn(draw: Draw) -> None:
    """LRN over any number of channels."""
    attributes = draw.some(alpha=draw.real(0.0001, 0.5), beta=0.5, bias=draw.real(0.5, 2))
    draw.node("LRN", [draw.input(draw.image())], size=draw.integer(1, 5), **attributes)


def lp_normalization(draw: Draw) -> None:
    """LpNormalization along any axis."""
    shape = draw.shape()
    attributes = draw.some(axis=draw.axis(len(shape)), p=draw.integer(1, 2))
    draw.node("LpNormalization", [draw.input(shape)], **attributes)


def mean_variance_normalization(draw: Draw) -> None:
    """MeanVarianceNormalization over any axes."""
    shape = draw.image()
    attributes = draw.some(axes=draw.one_of([[0, 2, 3], [2, 3], [1, 2, 3]]))
    draw.node("MeanVarianceNormalization", [draw.input(shape)], **attributes)


def matmul(draw: Draw) -> None:
    """MatMul of ranks 1 to 4, batches broadcast."""
    m, k, n = draw.integer(1, 20), draw.integer(1, 20), draw.integer(1, 20)
    batch = draw.shape(0, 2, 4)
    a, b = [*batch, m, k], [*broadcast(draw, batch), k, n]
    if draw.chance(0.15):
        a = [k]
    if draw.chance(0.15):
        b = [k]
    names = [draw.input(a), draw.operand(b, constant=0.6)]
    if draw.chance(0.1):
        names = [draw.constant(draw.array(a)), draw.input(b)]
    draw.node("MatMul", names)


def gemm(draw: Draw) -> None:
    """Gemm with both operands transposed or not, and C of any shape that broadcasts."""
    m, k, n = draw.integer(1, 20), draw.integer(1, 20), draw.integer(1, 20)
    first, second = draw.integer(0, 1), draw.integer(0, 1)
    attributes = draw.some(alpha=draw.real(-2, 2), beta=draw.real(-2, 2))
    attributes |= {"transA": first} if first or draw.chance(0.5) else {}
    attributes |= {"transB": second} if second or draw.chance(0.5) else {}
    names = [draw.input([k, m] if first else [m, k])]
    names.append(draw.operand([n, k] if second else [k, n], constant=0.7))
    if draw.opset < 11 or draw.chance(0.7):
        names.append(draw.operand(draw.one_of([[n], [1], [], [m, n], [m, 1], [1, n]])))
    draw.node("Gemm", names, **attributes)


def einsum(draw: Draw) -> None:
    """Einsum: products, transposes, sums, diagonals."""
    equations = (
        *("bij,bjk->bik", "ij,kj->ik", "bhid,bhjd->bhij", "ij->ji", "ij->i", "ij,j->i", "i,j->ij"),
        *("bchw,cd->bdhw", "...ij,...jk->...ik", "ii->i", "ij,jk", "bnd,hdk->bhnk", "ij,ij->"),
    )
    equation = draw.one_of(equations)
    edges = {letter: draw.integer(1, 6) for letter in "bcdhijknw"}
    shapes = []
    for term in equation.split("->")[0].split(","):
        batch = [2] if "..." in term else []
        shapes.append(batch + [edges[letter] for letter in term.replace("...", "")])
    names = [draw.input(shapes[0]), *(draw.operand(shape) for shape in shapes[1:])]
    draw.node("Einsum", names, equation=equation)


def attention(draw: Draw) -> None:
    """Attention of four axes or three, with masks and fewer heads of keys."""
    batch, heads, size = draw.integer(1, 2), draw.integer(1, 4), draw.integer(1, 8)
    shared = draw.one_of([heads, heads, 1])
    queries, keys = draw.integer(1, 6), draw.integer(1, 6)
    attributes: dict[str, Any] = draw.some(scale=draw.real(0.1, 1), is_causal=draw.integer(0, 1))
    if draw.chance(0.5):
        names = [draw.input([batch, heads, queries, size])]
        names += [draw.input([batch, shared, keys, size]) for _ in range(2)]
    else:
        attributes |= {"q_num_heads": heads, "kv_num_heads": shared}
        names = [draw.input([batch, queries, heads * size])]
        names += [draw.input([batch, keys, shared * size]) for _ in range(2)]
    if draw.chance(0.4):
        names.append(draw.operand([queries, keys], draw.one_of(["float32", "bool"])))
    draw.node("Attention", names, **attributes)


def rotary_embedding(draw: Draw) -> None:
    """RotaryEmbedding of four axes."""
    batch, heads, length, size = draw.integer(1, 2), draw.integer(1, 3), draw.integer(1, 6), 8
    caches = [draw.operand([batch, length, size // 2]) for _ in range(2)]
    attributes = draw.some(interleaved=draw.integer(0, 1))
    draw.node("RotaryEmbedding", [draw.input([batch, heads, length, size]), *caches], **attributes)


def det(draw: Draw) -> None:
    """Det of small matrices."""
    edge = draw.integer(1, 4)
    draw.node("Det", [draw.input([*draw.shape(0, 2, 3), edge, edge])])


DRAWERS: dict[str, Drawer] = {
    **{name: _reduce(name) for name in _REDUCTIONS},
    **{name: _arg(name) for name in ("ArgMax", "ArgMin")},
    **{name: _softmax(name) for name in ("Softmax", "LogSoftmax", "Hardmax")},
    "CumSum": cumulate("CumSum"),
    "CumProd": cumulate("CumProd"),
    "TopK": top_k,
    "BatchNormalization": batch_normalization,
    "InstanceNormalization": instance_normalization,
    "LayerNormalization": layer_normalization,
    "RMSNormalization": rms_normalization,
    "GroupNormalization": group_normalization,
    "LRN": lrn,
    "LpNormalization": lp_normalization,
    "MeanVarianceNormalization": mean_variance_normalization,
    "MatMul": matmul,
    "Gemm": gemm,
    "Einsum": einsum,
    "Attention": attention,
    "RotaryEmbedding": rotary_embedding,
    "Det": det,
}
