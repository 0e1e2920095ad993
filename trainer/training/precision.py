"""Mixed precision: the number type that the network computes in. Weights, softmax and loss stay float32."""

from pathlib import Path

import tensorflow as tf

from petseg.errors import UserError

BFLOAT16_CPU_FLAGS = ("avx512_bf16", "amx_bf16")
BFLOAT16_GPU = (8, 0)
"""Lowest compute capability (Ampere) of GPUs that multiply bfloat16."""


def compute_dtype(precision: str) -> str:
    """The number type that the network's layers compute in on the devices of this process.

    float16 has a narrow range, so its training scales the loss (Micikevicius et al. 2018, "Mixed Precision
    Training"); bfloat16 has float32's range and needs no scaling, but fewer devices support it.

    Args:
        precision: `trainer.precision`: off, float16, bfloat16, or auto: bfloat16 if the device supports it,
            else float16 on a GPU, else float32.

    Returns:
        `float32`, `float16` or `bfloat16`.

    Raises:
        UserError: bfloat16 is set, and the device does not support it.
    """
    if precision == "off":
        return "float32"
    gpus = tf.config.list_physical_devices("GPU")
    has_bfloat16 = _all_gpus_have_bfloat16(gpus) if gpus else _cpu_has_bfloat16()
    if precision == "auto":
        return "bfloat16" if has_bfloat16 else "float16" if gpus else "float32"
    if precision == "bfloat16" and not has_bfloat16:
        raise UserError(
            "trainer.precision: bfloat16 needs a GPU of compute capability 8.0 or a CPU with "
            f"{' or '.join(BFLOAT16_CPU_FLAGS)}, and this machine has neither; set auto or off"
        )
    return precision


def _all_gpus_have_bfloat16(gpus: list[tf.config.PhysicalDevice]) -> bool:
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    return all(each.get("compute_capability", (0, 0)) >= BFLOAT16_GPU for each in details)


def _cpu_has_bfloat16() -> bool:
    info = Path("/proc/cpuinfo")
    return info.exists() and not set(BFLOAT16_CPU_FLAGS).isdisjoint(info.read_text().split())
