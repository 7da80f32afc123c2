"""What an operator tells its schedule: annotations of its blocks, which survive fusion."""

from __future__ import annotations

# The family of the schedule that the block is made for.
FAMILY = "compile.family"
# The multiply-adds that the operator asks for, without those of padded channels and pixels.
MACS = "compile.macs"
# What the operator computes, by which tuned choices are known; an attribute of functions, too.
WORKLOAD = "compile.workload"
# Convolutions: steps of a sum that share a piece of the weights in the first cache, rows that a
# band needs beyond its own, blocks of channels in a group, and bytes that a row of outputs reads.
CHUNK = "compile.chunk"
HALO = "compile.halo"
GROUP_BLOCKS = "compile.group_blocks"
INPUT_BYTES_A_ROW = "compile.input_bytes_a_row"
# Convolutions that read their image without a copy: tiles that reach beyond the ends of a row.
FIRST_EDGE, LAST_EDGE = "compile.first", "compile.last"
# Depthwise convolutions: bytes of one input; channels that are left over for the last vector.
IMAGE_BYTES, REST = "compile.image_bytes", "compile.rest"
# Winograd: the width of a tile's outputs.
TILE_WIDTH = "compile.tile_width"
