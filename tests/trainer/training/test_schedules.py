import keras
import numpy as np
import pytest

from trainer.training.schedules import WarmUpSchedule


def test_rises_linearly_then_falls_along_a_cosine():
    schedule = WarmUpSchedule(peak=0.4, warmup_steps=4, total_steps=12)
    rates = [float(schedule(step)) for step in range(13)]
    np.testing.assert_allclose(rates[:5], [0.1, 0.2, 0.3, 0.4, 0.4], rtol=1e-6)
    np.testing.assert_allclose(rates[6], 0.4 * (1 + np.cos(np.pi / 4)) / 2, rtol=1e-5)
    np.testing.assert_allclose(rates[8], 0.2, rtol=1e-5)
    np.testing.assert_allclose(rates[12], 0, atol=1e-8)


def test_constant_stays_at_the_peak():
    schedule = WarmUpSchedule(peak=0.4, warmup_steps=2, total_steps=10, shape="constant")
    np.testing.assert_allclose(
        [float(schedule(step)) for step in (0, 1, 2, 9, 99)], [0.2, 0.4, 0.4, 0.4, 0.4]
    )


def test_without_warm_up_starts_at_the_peak():
    assert float(WarmUpSchedule(peak=0.4, warmup_steps=0, total_steps=10)(0)) == pytest.approx(0.4)


def test_a_warm_up_as_long_as_the_training_stays_finite():
    schedule = WarmUpSchedule(peak=0.4, warmup_steps=10, total_steps=5)
    np.testing.assert_allclose([float(schedule(step)) for step in (4, 9, 10)], [0.2, 0.4, 0.4], rtol=1e-6)


def test_is_serialisable():
    schedule = WarmUpSchedule(peak=0.4, warmup_steps=4, total_steps=12, shape="constant")
    optimizer = keras.optimizers.Adam(schedule)
    again = keras.optimizers.Adam.from_config(optimizer.get_config())
    assert float(again._learning_rate(1)) == float(schedule(1))


def test_refuses_other_shapes():
    with pytest.raises(ValueError, match="'linear'"):
        WarmUpSchedule(peak=1, warmup_steps=0, total_steps=1, shape="linear")
