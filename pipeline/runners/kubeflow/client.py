"""Talks to a Kubeflow Pipelines deployment."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import urllib3

from petseg.errors import UserError
from pipeline.settings import PipelineSettings

TOKEN_FILE = "KF_PIPELINES_SA_TOKEN_PATH"
"""Environment variable that kfp, too, takes the token's file from."""

SECONDS = 20
"""How long a deployment may take to say that it is there."""


class KubeflowClient:
    """A deployment that has been seen to answer and to accept the token."""

    def __init__(self, settings: PipelineSettings):
        """Asks the deployment for its health.

        Raises:
            UserError: No address is set, nothing answers there, or the token is missing or refused.
        """
        runner = settings.runner
        if not runner.kubeflow.host:
            raise UserError(
                "runner.kubeflow.host is not set; give the address of the Pipelines API, such as "
                "https://kubeflow.example.com/pipeline"
            )
        self._host = runner.kubeflow.host
        self._name = settings.name
        self._namespace = runner.kubeflow.namespace
        self._service_account = runner.service_account
        self._token_file = _token_file()
        if self._health().get("multi_user") and not self._namespace:
            raise UserError(f"runner.kubeflow.namespace is not set, and {self._host} serves several users")

    def submit(self, compiled: Path) -> str:
        """Starts a run, in an experiment named after the pipeline.

        Returns:
            The run's page.

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
        # Before kfp's client, which asks five times in 25 seconds before it says that nobody answers.
        headers = {}
        if self._token_file:
            headers["Authorization"] = f"Bearer {self._token_file.read_text().strip()}"
        url = f"{self._host}/apis/v2beta1/healthz"
        try:
            answer = requests.get(url, headers=headers, timeout=SECONDS, allow_redirects=False)
        except requests.exceptions.SSLError:
            raise UserError(
                f"runner.kubeflow.host: the certificate of {self._host} is not trusted; REQUESTS_CA_BUNDLE "
                "names the file of the authority that signed it"
            ) from None
        except requests.RequestException as error:
            raise self._unreachable(error) from None
        if answer.status_code != 200:
            raise self._refused(answer.status_code, answer.text)
        try:
            return answer.json()
        except requests.JSONDecodeError:
            raise UserError(
                f"runner.kubeflow.host: {url} answers, but not as the Pipelines API does; on Kubeflow its "
                "address often ends with /pipeline"
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
            f"runner.kubeflow.host: nothing answers at {self._host} ({type(error).__name__}); check the "
            "address, the network and `kubectl port-forward`"
        )

    def _refused(self, status: int, said: str) -> UserError:
        said = " ".join(said.split())[:300]
        if status == 403:
            return UserError(
                f"{self._host} refuses the token's account (403): {said}; it needs the role kubeflow-edit in "
                f"namespace {self._namespace or 'kubeflow'}"
            )
        if status == 401 or 300 <= status < 400:
            return UserError(
                f"{self._host} asks for credentials ({status}); {TOKEN_FILE} must name a file with a valid "
                "token, such as `kubectl create token` writes"
            )
        return UserError(f"{self._host} answered {status}: {said}")


def _token_file() -> Path | None:
    named = os.environ.get(TOKEN_FILE)
    if named and not Path(named).is_file():
        raise UserError(f"{TOKEN_FILE} must name a file with a token; there is none at {named}")
    return Path(named) if named else None
