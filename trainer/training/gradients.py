"""Gradients of a step on one replica or many: accumulated, clipped, checked for overflow."""

import keras
import tensorflow as tf


def replica_zeros(variables: list[keras.Variable]) -> list[tf.Variable]:
    """A variable for the gradients of each of these, with a value of its own on each replica."""
    return [
        tf.Variable(
            tf.zeros(variable.shape, variable.dtype),
            trainable=False,
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.SUM,
        )
        for variable in variables
    ]


def clipped(gradients: list[tf.Tensor], norm: tf.Tensor) -> list[tf.Tensor]:
    """Scales this replica's share of the gradients so that their sum has at most this global norm.

    Pascanu et al. 2013, "On the difficulty of training recurrent neural networks". Keras clips each replica's
    share instead of the sum.
    """
    whole = tf.linalg.global_norm([replica_total(gradient) for gradient in gradients])
    return [gradient * (norm / tf.maximum(whole, norm)) for gradient in gradients]


def overflowing_together(gradients: list[tf.Tensor]) -> list[tf.Tensor]:
    """Spreads an overflow to all replicas: the loss-scaling optimizer checks its own replica only."""
    if tf.distribute.get_replica_context().num_replicas_in_sync == 1:
        return gradients
    # Zero times infinity is not a number.
    overflow = replica_total(tf.add_n([tf.reduce_sum(0 * gradient) for gradient in gradients]))
    return [gradients[0] + overflow, *gradients[1:]]


def replica_total(partial_sum: tf.Tensor) -> tf.Tensor:
    """Sum over the replicas."""
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return partial_sum
    return context.all_reduce(tf.distribute.ReduceOp.SUM, partial_sum)
