"""Files of encoder weights, as keras.applications publishes them; read without Keras."""

from pathlib import Path

import h5py

from petseg.errors import UserError


def stored_layers(path: Path, encoder: str) -> set[str]:
    """Names of the layers whose weights a file has.

    Args:
        path: HDF5, as `save_weights` of Keras 2 writes it.
        encoder: Name of the encoder, for the message.

    Raises:
        UserError: There is no such file, or it is damaged or of another kind.
    """
    if not path.is_file():
        raise UserError(f"model.encoder_weights: there is no file {path}; set a file, `imagenet` or null")
    try:
        with h5py.File(path) as file:
            stored = file.get("model_weights", file).attrs["layer_names"]
            return {name if isinstance(name, str) else name.decode() for name in stored}
    except (OSError, KeyError) as error:
        raise unfit(path, encoder, error) from error


def unfit(path: Path, encoder: str, error: Exception) -> UserError:
    """The error for a file that does not hold the encoder's weights."""
    return UserError(
        f"model.encoder_weights: {path} does not fit {encoder} of keras.applications without its top: "
        f"{' '.join(str(error).split())}; set the file that Keras publishes for it, `imagenet` or null"
    )
