"""Talks to a Kubeflow Pipelines deployment."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import urllib3
import yaml

from petseg.errors import UserError
from pipeline.settings import PipelineSettings

TOKEN_FILE = "KF_PIPELINES_SA_TOKEN_PATH"
"""Environment variable with the path of the token file; kfp reads it too."""

SECONDS = 20
"""Timeout of the health check."""


class KubeflowClient:
    """A connection to a deployment that has accepted the token."""

    def __init__(self, settings: PipelineSettings):
        """Checks the health of the deployment.

        Raises:
            UserError: No address is set, nothing answers there, or the token is missing or refused.
        """
        runner = settings.runner
        if not runner.kubeflow.host:
            raise UserError(
                "runner.kubeflow.host is not set; set it to the address of the Pipelines API, such as "
                "https://kubeflow.example.com/pipeline"
            )
        self._host = runner.kubeflow.host
        self._name = settings.name
        self._namespace = runner.kubeflow.namespace
        self._service_account = runner.service_account
        self._token_file = _token_file()
        if self._health().get("multi_user") and not self._namespace:
            raise UserError(
                f"runner.kubeflow.namespace is not set; {self._host} serves several users and needs it"
            )

    def submit(self, compiled: Path) -> str:
        """Starts a run, in an experiment named after the pipeline.

        Returns:
            URL of the run's page.

        Raises:
            UserError: The deployment refuses.
        """
        with self._refusals():
            run = self._client().create_run_from_pipeline_package(
                str(compiled),
                experiment_name=self._name,
                run_name=self._name,
                namespace=self._namespace,
                service_account=self._service_account,
                pipeline_root=compiled_root(compiled),
            )
        return f"{self._host}/#/runs/details/{run.run_id}"

    def _client(self) -> Any:
        import kfp.client
        from kfp.client import set_volume_credentials

        credentials = (
            set_volume_credentials.ServiceAccountTokenVolumeCredentials(str(self._token_file))
            if self._token_file
            else None
        )
        return kfp.client.Client(
            host=self._host,
            namespace=self._namespace or "kubeflow",
            credentials=credentials,
            ssl_ca_cert=os.environ.get("REQUESTS_CA_BUNDLE"),
        )

    def _health(self) -> dict[str, Any]:
        # kfp's client would retry for 25 seconds before it reports an unreachable address.
        headers = {}
        if self._token_file:
            headers["Authorization"] = f"Bearer {self._token_file.read_text().strip()}"
        url = f"{self._host}/apis/v2beta1/healthz"
        try:
            answer = requests.get(url, headers=headers, timeout=SECONDS, allow_redirects=False)
        except requests.exceptions.SSLError:
            raise UserError(
                f"runner.kubeflow.host: the certificate of {self._host} is not trusted; set "
                "REQUESTS_CA_BUNDLE to the file of the authority that signed it"
            ) from None
        except requests.RequestException as error:
            raise self._unreachable(error) from None
        if answer.status_code != 200:
            raise self._refused(answer.status_code, answer.text)
        try:
            return answer.json()
        except requests.JSONDecodeError:
            raise UserError(
                f"runner.kubeflow.host: {url} answers, but is not the Pipelines API; on Kubeflow "
                "its address often ends with /pipeline"
            ) from None

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        import kfp_server_api

        try:
            yield
        except kfp_server_api.ApiException as error:
            raise self._refused(error.status, str(error.body)) from None
        except urllib3.exceptions.HTTPError as error:
            raise self._unreachable(error) from None

    def _unreachable(self, error: Exception) -> UserError:
        return UserError(
            f"runner.kubeflow.host: no answer from {self._host} ({type(error).__name__}); check the "
            "address, the network and `kubectl port-forward`"
        )

    def _refused(self, status: int, said: str) -> UserError:
        said = " ".join(said.split())[:300]
        if status == 403:
            return UserError(
                f"{self._host} refuses the account of the token (403): {said}; it needs the role "
                "kubeflow-edit in "
                f"namespace {self._namespace or 'kubeflow'}"
            )
        if status == 401 or 300 <= status < 400:
            return UserError(
                f"{self._host} asks for credentials ({status}); set {TOKEN_FILE} to a file with a valid "
                "token, such as one from `kubectl create token --audience pipelines.kubeflow.org`"
            )
        return UserError(f"{self._host} answered {status}: {said}")


def compiled_root(compiled: Path) -> str | None:
    """The pipeline root in a compiled file, which the API server does not read; None: the namespace's own."""
    return next(yaml.safe_load_all(compiled.read_text(encoding="utf-8"))).get("defaultPipelineRoot")


def _token_file() -> Path | None:
    named = os.environ.get(TOKEN_FILE)
    if named and not Path(named).is_file():
        raise UserError(f"{TOKEN_FILE} must name a file with a token; {named} does not exist")
    return Path(named) if named else None
