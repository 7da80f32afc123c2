"""Which entries of a network's tensors belong to one channel, found by running it on shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

aten = torch.ops.aten
Axis = tuple[str, int]
"""A tensor of the network by its name, and one of its axes."""

STAYS = 0
"""The label of what cannot be removed: the image's channels and the prediction's."""

NORMS = {aten.native_batch_norm, aten._native_batch_norm_legit_no_training}
MOVES = {
    *(aten.view, aten._unsafe_view, aten.transpose, aten.permute, aten.expand, aten.cat),
    *(aten.unsqueeze, aten.squeeze, aten.clone, aten.alias, aten.detach),
}
"""What puts entries elsewhere, and can do the same with labels."""

MAPS = {
    *(aten.upsample_nearest2d, aten.upsample_bilinear2d, aten.max_pool2d_with_indices),
    *(aten.avg_pool2d, aten._adaptive_avg_pool2d, aten.mean, aten.constant_pad_nd, aten.slice),
}
"""What works on every channel by itself, as long as there are as many channels behind it."""


class ChannelFlow(TorchDispatchMode):
    """Labels every channel that a network computes, and notes which are tied to which.

    Within it the network runs on an image on PyTorch's meta device. The labels of a value are
    integers that broadcast to its shape; at most one axis of theirs is longer than 1. Tied are
    channels that are added or multiplied, that lie in one group of a convolution, or at one
    place of the parts of a split or of the rows of a reshape. Of an operator that is not known,
    all channels stay.
    """

    def __init__(self, tensors: Mapping[str, Tensor], image: Tensor) -> None:
        super().__init__()
        self._names = {id(tensor): name for name, tensor in tensors.items()}
        self._turned: dict[int, tuple[Tensor, Tensor]] = {}
        # The value is kept with its labels so that no other value gets its id.
        self._known: dict[int, tuple[Tensor, Tensor]] = {}
        self._count = 1
        self._ties: list[tuple[Tensor, Tensor]] = []
        self._owned: dict[Axis, Tensor] = {}
        self._set(image, torch.full((1,) * image.dim(), STAYS))

    def channels(self, prediction: Tensor) -> dict[Axis, np.ndarray]:
        """For each axis of a tensor, the number of the channel that owns an entry.

        Entries that stay have -1; tied channels have one number. Axes are in the order of the
        computation.
        """
        self._keep(prediction)
        one, other = (
            torch.cat([labels.flatten() for labels in side])
            for side in zip(*self._ties, strict=True)
        )
        links = coo_array((np.ones(len(one)), (one, other)), shape=(self._count, self._count))
        _, numbers = connected_components(links, directed=False)
        numbers = np.where(numbers == numbers[STAYS], -1, numbers)
        return {axis: numbers[labels.numpy()] for axis, labels in self._owned.items()}

    def __torch_dispatch__(
        self,
        function: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        operator = function.overloadpacket
        result = self._computed(function, operator, args, kwargs)
        if operator is aten.t and id(args[0]) in self._names:
            self._turned[id(result)] = (result, args[0])
        elif any(self._labels(value) is not None for value in _tensors((args, kwargs))):
            self._follow(function, operator, args, kwargs, result)
        return result

    def _computed(self, function: Any, operator: Any, args: Any, kwargs: Any) -> Any:
        """What an operator gives; of some, shapes alone would take PyTorch milliseconds."""
        if operator in NORMS:
            return torch.empty_like(args[0]), args[0].new_empty(0), args[0].new_empty(0)
        if torch.Tag.pointwise in function.tags and not (_tensors(args[1:]) or kwargs):
            return args[0] if function._schema.is_mutable else torch.empty_like(args[0])
        return function(*args, **kwargs)

    def _follow(self, function: Any, operator: Any, args: Any, kwargs: Any, result: Any) -> None:
        first = _tensors(result)[0]
        if operator is aten.convolution and id(args[1]) in self._names and not args[6]:
            self._product(args[0], args[1], args[2], first, groups=args[8])
        elif operator is aten.addmm and id(args[2]) in self._turned:
            self._product(args[1], self._turned[id(args[2])][1], args[0], first)
        elif operator in NORMS:
            labels = self._along(args[0], 1)
            for tensor in args[1:5]:
                self._own(tensor, 0, labels)
            self._set(first, self._labels(args[0]))
        elif operator in MOVES:
            self._set(first, self._settled(self._moved(function, args, kwargs)))
        elif operator is aten.split:
            self._split(self._moved(function, args, kwargs), result)
        elif operator in MAPS and self._is_map(args[0], first):
            self._set(first, self._labels(args[0]))
        elif torch.Tag.pointwise in function.tags:
            self._join(_tensors((args, kwargs)), first)
        else:
            for value in _tensors((args, kwargs)):
                self._keep(value)
            for value in _tensors(result):
                self._set(value, torch.full((1,) * value.dim(), STAYS))

    def _product(
        self, value: Tensor, weight: Tensor, bias: Tensor | None, result: Tensor, groups: int = 1
    ) -> None:
        """A convolution or a linear layer: what it gives are new channels."""
        inputs = self._along(value, 1)
        outputs = torch.arange(self._count, self._count + result.shape[1])
        self._count += result.shape[1]
        self._own(weight, 0, outputs)
        if bias is not None:
            self._own(bias, 0, outputs)
        if groups == 1:
            self._own(weight, 1, inputs)
        else:
            within, outside = inputs.reshape(groups, -1), outputs.reshape(groups, -1)
            self._tie(within[:, :1].expand_as(within), within)
            self._tie(within[:, :1].expand_as(outside), outside)
        self._set(result, outputs.reshape(1, -1, *(1,) * (result.dim() - 2)))

    def _split(self, parts: Sequence[Tensor], results: Sequence[Tensor]) -> None:
        """The code behind a split takes parts of the same size: all lose the same places."""
        for part, result in zip(parts, results, strict=True):
            if part.shape == parts[0].shape:
                self._tie(parts[0], part)
            else:
                self._tie(torch.full_like(part, STAYS), part)
            self._set(result, self._settled(part))

    def _join(self, values: Sequence[Tensor], result: Tensor) -> None:
        joined, fixed = torch.full((1,) * result.dim(), STAYS), []
        first = True
        for value in values:
            labels = self._labels(value)
            missing = (1,) * (result.dim() - value.dim())
            if labels is None:
                fixed.append((*missing, *value.shape))
            elif first:
                joined, first = labels.reshape(*missing, *labels.shape), False
            else:
                both = torch.broadcast_tensors(joined, labels.reshape(*missing, *labels.shape))
                self._tie(*both)
                joined = self._settled(both[0])
        # A constant with a number a channel has no name to be shortened by.
        if any(a > 1 < b for shape in fixed for a, b in zip(shape, joined.shape, strict=True)):
            self._tie(torch.full_like(joined, STAYS), joined)
        self._set(result, joined)

    def _is_map(self, value: Tensor, result: Tensor) -> bool:
        labels = self._labels(value)
        return (
            labels is not None
            and result.dim() == value.dim()
            and all(
                a == b
                for a, b, many in zip(value.shape, result.shape, labels.shape, strict=True)
                if many > 1
            )
        )

    def _moved(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """What an operator makes of the labels of its values."""

        def whole(value: Any) -> Any:
            if not isinstance(value, Tensor):
                return value
            labels = self._labels(value)
            labels = torch.tensor(STAYS) if labels is None else labels
            return labels.expand(value.shape).contiguous()

        return function(*tree_map(whole, args), **tree_map(whole, kwargs))

    def _settled(self, labels: Tensor) -> Tensor:
        """Labels that differ along their longest axis only; along the others they are tied."""
        long = []
        for axis in range(labels.dim()):
            first = labels.narrow(axis, 0, 1)
            if torch.equal(first.expand_as(labels), labels):
                labels = first
            else:
                long.append(axis)
        for axis in sorted(long, key=lambda axis: labels.shape[axis])[:-1]:
            labels = self._tied(labels, axis)
        return labels

    def _along(self, value: Tensor, axis: int) -> Tensor:
        """The labels of a value by their place on `axis`; what differs elsewhere is tied."""
        labels = self._labels(value)
        assert labels is not None
        for other in range(labels.dim()):
            if other != axis:
                labels = self._tied(labels, other)
        return labels.flatten().expand(value.shape[axis])

    def _tied(self, labels: Tensor, axis: int) -> Tensor:
        first = labels.narrow(axis, 0, 1)
        if labels.shape[axis] > 1:
            self._tie(first.expand_as(labels), labels)
        return first

    def _own(self, tensor: Tensor, axis: int, labels: Tensor) -> None:
        name = self._names[id(tensor)]
        before = self._owned.setdefault((name, axis), labels)
        if before is not labels:
            self._tie(before, labels)

    def _keep(self, value: Tensor) -> None:
        labels = self._labels(value)
        if labels is not None:
            self._tie(torch.full_like(labels, STAYS), labels)

    def _tie(self, one: Tensor, other: Tensor) -> None:
        self._ties.append((one, other))

    def _labels(self, value: Tensor) -> Tensor | None:
        return self._known[id(value)][1] if id(value) in self._known else None

    def _set(self, value: Tensor, labels: Tensor | None) -> None:
        assert labels is not None
        self._known[id(value)] = (value, labels)


def _tensors(values: Any) -> list[Tensor]:
    return [value for value in tree_leaves(values) if isinstance(value, Tensor)]
