"""Operators that TVM does not know or reads wrongly, as functions of others; a family a file.

Each family's `DEFINITIONS` has, by domain and operator, a function from the operation to its body:
None where the operator is taken as it is. It raises InputError, without the node's name, for what
cannot be written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from compile.onnx.definitions import (
    affine_grid,
    arithmetic,
    attention,
    deformable,
    dynamic_products,
    einsum,
    elements,
    for_other_processors,
    fourier,
    fused_attention,
    fused_products,
    gelus,
    identity_matrices,
    image_of_columns,
    indices,
    integer_reductions,
    losses,
    matrix_inverse,
    normalizations,
    places_of_maxima,
    quantised_conversions,
    quantised_maps,
    quantised_products,
    random_numbers,
    recurrent,
    regions_of_interest,
    repetitions,
    rotary_embedding,
    scans,
    scattering,
    shifts,
    skip_normalizations,
    space_to_depth,
    unknown_sizes,
    windows,
    wrapped_padding,
)
from compile.onnx.function_body import Operation

if TYPE_CHECKING:
    import onnx

Definition = Callable[[Operation], "onnx.FunctionProto | None"]

DEFINITIONS: Mapping[tuple[str, str], Definition] = {
    **affine_grid.DEFINITIONS,
    **arithmetic.DEFINITIONS,
    **attention.DEFINITIONS,
    **deformable.DEFINITIONS,
    **dynamic_products.DEFINITIONS,
    **einsum.DEFINITIONS,
    **elements.DEFINITIONS,
    **for_other_processors.DEFINITIONS,
    **fourier.DEFINITIONS,
    **fused_attention.DEFINITIONS,
    **fused_products.DEFINITIONS,
    **gelus.DEFINITIONS,
    **identity_matrices.DEFINITIONS,
    **image_of_columns.DEFINITIONS,
    **indices.DEFINITIONS,
    **integer_reductions.DEFINITIONS,
    **losses.DEFINITIONS,
    **matrix_inverse.DEFINITIONS,
    **normalizations.DEFINITIONS,
    **places_of_maxima.DEFINITIONS,
    **quantised_conversions.DEFINITIONS,
    **quantised_maps.DEFINITIONS,
    **quantised_products.DEFINITIONS,
    **random_numbers.DEFINITIONS,
    **recurrent.DEFINITIONS,
    **regions_of_interest.DEFINITIONS,
    **repetitions.DEFINITIONS,
    **rotary_embedding.DEFINITIONS,
    **scans.DEFINITIONS,
    **scattering.DEFINITIONS,
    **shifts.DEFINITIONS,
    **skip_normalizations.DEFINITIONS,
    **space_to_depth.DEFINITIONS,
    **unknown_sizes.DEFINITIONS,
    **windows.DEFINITIONS,
    **wrapped_padding.DEFINITIONS,
}
"""By the operator's domain and name; "" is ONNX's own domain."""
