"""What is expected to go wrong with a schedule falls back and says so; a bug reaches the caller."""

from __future__ import annotations

from collections.abc import Callable

import onnx
import pytest
import tvm
from tvm.error import InternalError
from tvm.s_tir import Schedule

from compile import targets
from compile.lowering import build
from compile.onnx.checked_model import Model, load_model
from compile.operators.matrix_product import MATRIX_PRODUCT
from compile.pipeline import generate
from compile.schedules import select
from compile.schedules.account import Reason
from compile.targets import Target
from depthbench.errors import InputError
from tests.compile.conftest import Agree, Graph

HOST = targets.get("host")
ScheduledBy = Callable[[select.Rule], None]


@pytest.fixture(scope="module")
def product(new_graph: type[Graph], tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A pointwise convolution."""
    graph = new_graph()
    y = graph.add("Conv", graph.input([1, 8, 4, 4]), graph.weight(16, 8, 1, 1))
    path = tmp_path_factory.mktemp("product") / "model.onnx"
    onnx.save(graph.model(y), str(path))
    return load_model(path)


@pytest.fixture
def scheduled_by(monkeypatch: pytest.MonkeyPatch) -> ScheduledBy:
    """Has products scheduled by another rule than their own."""
    return lambda rule: monkeypatch.setitem(select.FAMILIES, MATRIX_PRODUCT, rule)


@pytest.mark.parametrize("error", [TypeError, ValueError, AttributeError, RuntimeError])
def test_a_bug_in_a_schedule_reaches_the_caller(
    product: Model, scheduled_by: ScheduledBy, error: type[Exception]
) -> None:
    def broken(sch: Schedule, target: Target) -> None:
        raise error("a bug")

    scheduled_by(broken)
    with pytest.raises(InputError, match="a bug") as caught:
        generate(product, HOST)
    assert isinstance(caught.value.__cause__, error)


def test_a_step_that_does_not_fit_falls_back_by_name(
    product: Model, scheduled_by: ScheduledBy
) -> None:
    def unfit(sch: Schedule, target: Target) -> None:
        sch.get_sblock("no such block")

    scheduled_by(unfit)
    (fallback,) = generate(product, HOST).account.fallbacks
    assert (fallback.macs, fallback.schedule) == (16 * 8 * 16, "reduction")
    assert fallback.reason is Reason.SCHEDULE_REFUSED
    (refused,) = fallback.refused
    assert (refused.schedule, refused.reason) == (MATRIX_PRODUCT, Reason.SCHEDULE_REFUSED)
    assert "no such block" in refused.says
    assert fallback.to_dict(fallback.macs, fallback.bytes) == {
        "operator": fallback.operator,
        "macs": fallback.macs,
        "schedule": "reduction",
        "reason": "schedule_refused",
        "refused": [
            {"schedule": MATRIX_PRODUCT, "reason": "schedule_refused", "says": refused.says}
        ],
        "share": 1.0,
        "bytes_share": 1.0,
    }


def test_what_cannot_be_generated_is_scheduled_in_another_way(
    product: Model, scheduled_by: ScheduledBy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TVM refuses code for a function of the family, alone and in the module."""
    own, generate_code = select.FAMILIES[MATRIX_PRODUCT], build.generate_code
    made_by: list[str] = []

    def noted(sch: Schedule, target: Target) -> None:
        own(sch, target)
        made_by.append(MATRIX_PRODUCT)

    def refused(name: str, function: object, target: Target) -> None:
        refuse()

    def whole(planned: tvm.IRModule, target: Target) -> object:
        refuse()
        return generate_code(planned, target)

    def refuse() -> None:
        if made_by:
            made_by.clear()
            raise InternalError("no such instruction")

    scheduled_by(noted)
    monkeypatch.setattr(build, "build_function", refused)
    monkeypatch.setattr(build, "generate_code", whole)
    (fallback,) = generate(product, HOST).account.fallbacks
    assert fallback.reason is Reason.CODE_REFUSED
    assert [one.says for one in fallback.refused] == ["no such instruction"]


def test_what_has_no_family_says_so(agree: Agree, graph: Graph) -> None:
    """A convolution by computed weights."""
    weight = graph.add("Relu", graph.input([6, 4, 3, 3], "w"))
    compiled = agree(graph.model(graph.add("Conv", graph.input([1, 4, 9, 9]), weight)))
    (fallback,) = compiled.account.fallbacks
    assert (fallback.schedule, fallback.reason) == ("reduction", Reason.NO_FAMILY)
    assert (fallback.operator, fallback.refused) == ("conv2d", ())
    account = compiled.account.to_dict()
    assert account["scheduled_share"] == 0
    (shares,) = account["fallbacks"]
    assert (shares["share"], 0 < shares["bytes_share"] < 1) == (1, True)


def test_sums_of_integer_products_are_multiply_adds(agree: Agree, graph: Graph) -> None:
    """They have the default schedule, which is said."""
    a, b = (
        graph.add("Cast", graph.input(shape, name), to=onnx.TensorProto.INT32)
        for shape, name in (([6, 5], "a"), ([5, 7], "b"))
    )
    product = graph.add("MatMul", a, b)
    account = agree(graph.model(graph.add("Cast", product, to=1))).account.to_dict()
    assert account["macs"] == 6 * 5 * 7
    assert account["scheduled_share"] == 0


def test_sums_of_squares_and_products_of_elements_are_not(agree: Agree, graph: Graph) -> None:
    x = graph.input([6, 16])
    y = graph.add("LayerNormalization", x, graph.weight(16), graph.weight(16))
    z = graph.add("ReduceProd", x, graph.constant([1]), keepdims=1)
    account = agree(graph.model(graph.add("Add", y, z))).account.to_dict()
    assert (account["macs"], account["fallbacks"]) == (0, [])


def test_statements_are_left_to_tvm(agree: Agree, graph: Graph) -> None:
    compiled = agree(graph.model(graph.add("CumSum", graph.input([3, 7]), graph.constant(1))))
    assert [one.reason for one in compiled.account.fallbacks] == [Reason.NOT_BLOCKS]
    assert compiled.account.to_dict()["scheduled_share"] < 1
