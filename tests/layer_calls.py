"""How the contract calls a layer: its inputs and masks, and what becomes of them when rows or padding change."""

import dataclasses
import inspect

import keras
import numpy as np

# Where the steps of a sequence stand among twice as many, when padding comes right or left of them or between them.
PADDING = {
    "right": lambda steps: slice(steps),
    "left": lambda steps: slice(steps, None),
    "gaps": lambda steps: slice(1, None, 2),
}


@dataclasses.dataclass(frozen=True)
class LayerCall:
    """The tensors that a layer is called with.

    Args:
        inputs: An array; a list of arrays that is one argument; or a dict of the call arguments by name, the first of
            which is the positional one. Items of lists and dicts may be nests of arrays.
        mask: Bool array `(batch, time)`, or a list or dict of such for `inputs` of that kind, with `None` where there
            is none. Also for layers that take no mask, to say which steps are real.
        options: dict. Further call arguments.
        unbatched: Keys (`"inputs"`, an index, or a name) of inputs that have no batch axis.
        time_axes: dict of the time axes of inputs by key, where they are not the second axis of what has a mask of two
            axes, or of ids.
    """

    inputs: object
    mask: object = None
    options: dict = dataclasses.field(default_factory=dict)
    unbatched: tuple = ()
    time_axes: dict = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, inputs, mask=None):
        """A call of what may be one already. One mask for a list of two is that of the second, as attention has it."""
        if isinstance(inputs, cls):
            return inputs
        if isinstance(inputs, list) and mask is not None and not isinstance(mask, list | tuple):
            mask = [None, mask]
        return cls(inputs, mask)

    @property
    def parts(self):
        """The inputs by key."""
        return _by_key(self.inputs)

    @property
    def masks(self):
        """The masks that there are, by the keys of their inputs."""
        return {key: mask for key, mask in _by_key(self.mask).items() if mask is not None}

    def on(self, layer, **options):
        """The outputs of a layer."""
        options = {**self.options, **options}
        accepted = inspect.signature(layer.call).parameters
        if not isinstance(self.inputs, dict):
            masks = {"mask": self.mask} if self.masks else {}
            first = self.inputs
        else:
            (name, first), *others = self.inputs.items()
            masks = {"mask" if key == name else f"{key}_mask": mask for key, mask in self.masks.items()}
            options |= dict(others)
        options |= {key: mask for key, mask in masks.items() if key in accepted}
        return layer(first, **options)

    def row(self, number):
        """The call with one row of the batch alone."""
        return self._changed(lambda key, x: x if key in self.unbatched else x[number : number + 1])

    def padded(self, where="right", filler=7.0):
        """The call with as much padding again, at a place of `PADDING`; all padding holds `filler`, that of ids 0."""
        axes = self._time_axes()

        def longer(key, x):
            if x.dtype == bool:
                return _spread(x, axes[key][:1], where, False)
            if key in self.masks and axes[key]:
                x = np.where(self.masks[key][..., None], x, filler).astype(x.dtype)
            return _spread(x, axes[key], where, 0 if x.dtype.kind == "i" else filler)

        return self._changed(longer)

    @property
    def real(self):
        """Which steps of the first sequence are real; `None` if all are."""
        first = next(iter(self.parts))
        if first in self.masks and self.masks[first].ndim == 2:
            return self.masks[first]
        ids = [x for x in keras.tree.flatten(self._values()) if x.dtype.kind == "i" and x.ndim == 2]
        return ids[0] != 0 if ids else None

    @property
    def batch_size(self):
        """Number of rows."""
        return next(
            len(x)
            for key, nest in self.parts.items()
            if key not in self.unbatched
            for x in keras.tree.flatten(nest)
        )

    def symbolic(self, open_axes=True, make=None):
        """The call with symbolic tensors, the batch and the time of which may be open."""
        make = make or keras.KerasTensor
        axes = self._time_axes()

        def without_values(key, x):
            opened = set(axes[key]) | (set() if key in self.unbatched else {0}) if open_axes else ()
            shape = tuple(None if axis in opened else size for axis, size in enumerate(x.shape))
            return make(shape, x.dtype.name)

        return self._changed(without_values)

    def flat(self):
        """All tensors, masks at the end."""
        return keras.tree.flatten([*self._values(), *self.masks.values()])

    def filled(self, tensors):
        """The call with other tensors, in the order of `flat`."""
        tensors = iter(tensors)
        return self._changed(lambda key, x: next(tensors))

    def _values(self):
        return list(self.parts.values())

    def _time_axes(self):
        def of(key, nest):
            if key in self.time_axes:
                return self.time_axes[key]
            masked = key in self.masks and self.masks[key].ndim == 2
            ids = isinstance(nest, np.ndarray) and nest.dtype.kind == "i" and nest.ndim == 2
            return (1,) if masked or ids else ()

        return {key: of(key, nest) for key, nest in self.parts.items()}

    def _changed(self, change):
        """The call with `change(key, tensor)` in place of each input, and then of each mask."""
        parts = {
            key: keras.tree.map_structure(lambda x, key=key: change(key, x), nest)
            for key, nest in self.parts.items()
        }
        masks = {key: change(key, mask) for key, mask in self.masks.items()}
        inputs, mask = _like(self.inputs, parts), _like(self.inputs, masks) if masks else None
        return dataclasses.replace(self, inputs=inputs, mask=mask)


def _spread(x, axes, where, filler):
    """An array twice as long along some axes, with `filler` in what is new."""
    for axis in axes:
        steps = x.shape[axis]
        wider = np.full_like(np.concatenate([x, x], axis), filler)
        np.moveaxis(wider, axis, 0)[PADDING[where](steps)] = np.moveaxis(x, axis, 0)
        x = wider
    return x


def _by_key(nest):
    if isinstance(nest, dict):
        return nest
    if isinstance(nest, list | tuple):
        return dict(enumerate(nest))
    return {"inputs": nest}


def _like(inputs, found):
    """What was found by key, in the form of the inputs."""
    if isinstance(inputs, dict):
        return found
    if isinstance(inputs, list | tuple):
        return [found.get(key) for key in range(len(inputs))]
    return found["inputs"]
