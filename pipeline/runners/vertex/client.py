"""Talks to Vertex AI Pipelines."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from petseg.errors import UserError
from pipeline.settings import PipelineSettings

SCOPE = "https://www.googleapis.com/auth/cloud-platform"


class VertexClient:
    """A connection to a Vertex AI project, with credentials that Google has accepted."""

    def __init__(self, settings: PipelineSettings):
        """Finds the default credentials and signs in.

        Raises:
            UserError: A setting or the credentials are missing, or Google refuses them.
        """
        vertex = settings.runner.vertex
        for key in ("project", "region"):
            if not getattr(vertex, key):
                raise UserError(f"runner.vertex.{key} is not set; set it to the {key} of the run")
        self._project, self._region = vertex.project, vertex.region
        self._endpoint = vertex.endpoint or f"https://{vertex.region}-aiplatform.googleapis.com"
        self._service_account = settings.runner.service_account
        self._network, self._labels = vertex.network, vertex.labels
        self._credentials = _credentials()

    def submit(self, compiled: Path) -> str:
        """Starts a run.

        Returns:
            URL of the run's page.

        Raises:
            UserError: Vertex cannot be reached, or refuses.
        """
        from google.cloud import aiplatform_v1

        client = self._service(aiplatform_v1.PipelineServiceClient)
        with self._refusals():
            created = client.create_pipeline_job(parent=self._parent, pipeline_job=self._job(compiled))
        run_id = created.name.rsplit("/", 1)[-1]
        return (
            f"https://console.cloud.google.com/vertex-ai/locations/{self._region}/pipelines/runs/{run_id}"
            f"?project={self._project}"
        )

    def _job(self, compiled: Path) -> Any:
        """The PipelineJob of a compiled file, with the account, network and labels of the settings."""
        from google.cloud import aiplatform_v1
        from google.protobuf import json_format

        job = aiplatform_v1.PipelineJob()
        json_format.ParseDict(json.loads(compiled.read_text(encoding="utf-8")), job._pb)
        job.service_account, job.network = self._service_account, self._network
        job.labels.update(self._labels)
        return job

    @property
    def _parent(self) -> str:
        return f"projects/{self._project}/locations/{self._region}"

    def _service(self, kind: Any) -> Any:
        """A client of a Vertex service. It uses REST, which passes through proxies that block gRPC."""
        from google.api_core.client_options import ClientOptions

        options = ClientOptions(api_endpoint=self._endpoint)
        return kind(credentials=self._credentials, transport="rest", client_options=options)

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        from google.api_core import exceptions

        try:
            yield
        except exceptions.GoogleAPICallError as error:
            raise self._refused(error) from None
        except OSError as error:
            raise UserError(
                f"no answer from {self._endpoint} ({type(error).__name__}); check runner.vertex.region "
                "and the network"
            ) from None

    def _refused(self, error: Any) -> UserError:
        from google.api_core import exceptions

        said = " ".join(error.message.split())[:300]
        where = f"project {self._project} in {self._region}"
        if isinstance(error, exceptions.Unauthorized):
            return UserError(f"Vertex AI does not accept the credentials: {said}; {SIGN_IN}")
        if isinstance(error, exceptions.Forbidden):
            return UserError(
                f"Vertex AI refuses the account (403) for {where}: {said}; it needs roles/aiplatform.user, "
                "and roles/iam.serviceAccountUser on runner.service_account"
            )
        if isinstance(error, exceptions.NotFound):
            return UserError(f"Vertex AI does not find {where}: {said}; check runner.vertex")
        return UserError(f"Vertex AI answered {error.code} for {where}: {said}")


SIGN_IN = (
    "sign in with `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a "
    "key file"
)


def _credentials() -> Any:
    import google.auth
    from google.auth import exceptions
    from google.auth.transport.requests import Request

    try:
        credentials, _ = google.auth.default(scopes=[SCOPE])
        credentials.refresh(Request())
    except exceptions.DefaultCredentialsError as error:
        raise UserError(f"no usable Google credentials: {_first_sentence(error)}; {SIGN_IN}") from None
    except exceptions.TransportError as error:
        raise UserError(
            f"cannot reach Google's sign-in ({_first_sentence(error)}); check the network"
        ) from None
    except exceptions.RefreshError as error:
        raise UserError(f"Google refuses the credentials: {_first_sentence(error)}; {SIGN_IN}") from None
    return credentials


def _first_sentence(error: Exception) -> str:
    return " ".join(str(error.args[0]).split()).split(". ")[0][:300].rstrip(".")
