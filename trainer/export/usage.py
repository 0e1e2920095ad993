"""The model card's part on use: the class table, and how clients call the model."""

from petseg.class_table import ClassTable

USE = """## Use

The model takes JPEG, PNG, BMP, and GIF files of any size, obeys EXIF, and returns `mask_png_bytes`, a PNG of
the photo's size whose pixels are the values below, `class_shares`, and `confidence`. Photos in other formats
that it was trained on, such as 16-bit TIFF, are converted by `petseg predict` and `petseg app`.

{classes}

In TensorFlow, where `FOLDER` is the folder of this version:

```python
import tensorflow as tf

model = tf.saved_model.load("FOLDER")
outputs = model.signatures["serving_default"](image_bytes=tf.constant([open("photo.jpg", "rb").read()]))
mask = tf.io.decode_png(outputs["mask_png_bytes"][0])[..., 0].numpy()
shares, confidence = outputs["class_shares"][0].numpy(), float(outputs["confidence"][0])
```

With TensorFlow Serving, where `VERSIONS` is the absolute path of the folder of all versions:

```bash
docker run -d -p 8500:8500 -p 8501:8501 -e MODEL_NAME=petseg -v VERSIONS:/models/petseg:ro tensorflow/serving
```

over REST:

```bash
echo "{{\\"instances\\": [{{\\"b64\\": \\"$(base64 -w0 photo.jpg)\\"}}]}}" > request.json
curl -s -d @request.json http://localhost:8501/v1/models/petseg:predict
```

and over gRPC, with `pip install tensorflow-serving-api`:

```python
import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

request = predict_pb2.PredictRequest()
request.model_spec.name, request.model_spec.signature_name = "petseg", "serving_default"
request.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto([open("photo.jpg", "rb").read()]))
with grpc.insecure_channel("localhost:8500") as channel:
    response = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=30)
open("mask.png", "wb").write(response.outputs["mask_png_bytes"].string_val[0])
```

`keras.models.load_model` does not load a SavedModel, and the network alone neither decodes nor resizes photos
as the training did. `trainer.export.export_model.load_trained` rebuilds the Keras model from `assets.extra/`.
"""


def usage(classes: ClassTable) -> str:
    """The section in Markdown."""
    rows = [f"| {entry.value} | {entry.name} | `{entry.color}` |" for entry in classes.classes]
    return USE.format(classes="\n".join(["| value | class | color |", "|---:|---|---|", *rows]))
