"""Give outputs that are inputs or constants memory of their own."""

from __future__ import annotations

import tvm
from tvm import relax, te, topi
from tvm.ir.expr import GenericConst

from compile.graph.tensors import static_shape


def copy_outputs(mod: tvm.IRModule) -> tvm.IRModule:
    """The module of fused kernels, with one more for each output that none of them writes.

    What a caller does with the results then changes neither its inputs nor the model's constants,
    and a model of nothing else has code like any other.
    """
    main = mod["main"]
    aliases = {
        binding.var: binding.value
        for block in main.body.blocks
        for binding in block.bindings
        if isinstance(binding.value, relax.Var | relax.Tuple | GenericConst)
    }

    def source(expr: relax.Expr) -> relax.Expr:
        while isinstance(expr, relax.Var) and expr in aliases:
            expr = aliases[expr]
        return expr

    result = source(main.body.body)
    fields = list(result.fields) if isinstance(result, relax.Tuple) else [result]
    given = {
        place: original
        for place, original in enumerate(map(source, fields))
        if isinstance(original, GenericConst) or any(original.same_as(x) for x in main.params)
    }
    if not given:
        return mod
    builder = relax.BlockBuilder(mod)
    copies = []
    for place, original in given.items():
        kernel = builder.add_func(_copy(original), "copy")
        call = relax.call_tir(kernel, relax.Tuple([original]), original.ty)
        copies.append(relax.VarBinding(relax.Var(f"copy{place}", original.ty), call))
        fields[place] = copies[-1].var
    body = relax.Tuple(fields) if isinstance(result, relax.Tuple) else fields[0]
    sequence = relax.SeqExpr([*main.body.blocks, relax.BindingBlock(copies)], body)
    function = relax.Function(main.params, sequence, main.ret_ty, main.is_pure, main.attrs)
    builder.update_func(mod.get_global_var("main"), function)
    return builder.finalize()


def _copy(tensor: relax.Expr) -> tvm.tirx.PrimFunc:
    operand = te.placeholder(static_shape(tensor), str(tensor.ty.dtype), "x")
    function = te.create_prim_func([operand, topi.identity(operand)])
    return function.without_attr("global_symbol")  # it is "main"
