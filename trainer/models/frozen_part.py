"""Splits a network where its frozen part ends, so that the frozen part can be computed once."""

from collections.abc import Iterable

import keras
from keras import tree

from trainer.models.blocks import ENCODER_NAME


def cut_frozen_part(model: keras.Model) -> tuple[keras.Model, keras.Model] | None:
    """Splits a network into two parts, which share its layers and weights.

    The cut is as deep as possible: after every encoder layer that is neither trained nor follows a trained
    one. The first part outputs all tensors that cross the cut, and the second takes them: the deepest one,
    and the finer ones that skips of the trained part need.

    Args:
        model: A network of `build_model`, from photos to logits, with a layer `encoder`.

    Returns:
        The part from photos to features, and the part from a list of these to logits. None if nothing is
        frozen.
    """
    encoder = model.get_layer(ENCODER_NAME)
    features = _unique(
        tensor for op in model.operations for tensor in _inputs(op) if tensor._keras_history[0] is encoder
    )
    taps = [encoder.outputs[feature._keras_history[2]] for feature in features]
    is_frozen = _frozen_tensors(encoder)
    trained_taps = [tap for tap in taps if id(tap) not in is_frozen]
    taken = _frozen_sources(trained_taps, is_frozen)
    crossing = _unique([*taken, *(tap for tap in taps if id(tap) in is_frozen)])
    frozen = keras.Model(encoder.inputs, crossing)
    if not frozen.weights:
        return None
    inputs = [keras.Input(tensor.shape[1:], dtype=tensor.dtype) for tensor in crossing]
    known = dict(zip(map(id, crossing), inputs, strict=True))
    if trained_taps:
        # The class of the encoder decides how BatchNorm behaves.
        trained = type(encoder)(taken, trained_taps, name=ENCODER_NAME)
        known |= zip(map(id, trained_taps), trained([known[id(tensor)] for tensor in taken]), strict=True)
    decoder = keras.Model(features, model.output)
    return frozen, keras.Model(inputs, decoder([known[id(tap)] for tap in taps]))


def _frozen_tensors(encoder: keras.Model) -> set[int]:
    """Ids of the tensors that do not depend on trained layers."""
    frozen: set[int] = set()
    for op in encoder.operations:
        if not getattr(op, "trainable_variables", ()) and all(id(tensor) in frozen for tensor in _inputs(op)):
            frozen |= {id(tensor) for tensor in tree.flatten(op.output)}
    return frozen


def _frozen_sources(taps: list[keras.KerasTensor], frozen: set[int]) -> list[keras.KerasTensor]:
    """The last frozen tensors on the paths to these taps."""
    sources, waiting, seen = [], list(taps), set()
    while waiting:
        tensor = waiting.pop()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        if id(tensor) in frozen:
            sources.append(tensor)
        else:
            waiting += _inputs(tensor._keras_history[0])
    return sources


def _inputs(op: keras.Operation) -> list[keras.KerasTensor]:
    """The inputs of an operation in the graph that it was made in; none for an input layer."""
    return [] if isinstance(op, keras.layers.InputLayer) else tree.flatten(op.input)


def _unique(tensors: Iterable[keras.KerasTensor]) -> list[keras.KerasTensor]:
    return list({id(tensor): tensor for tensor in tensors}.values())
