"""Settings of Kubeflow Pipelines."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from petseg.settings import Settings
from pipeline.runners.address import checked_address

VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class KubeflowSettings(Settings):
    """A Kubeflow Pipelines deployment. Its token is read from a file, never from settings."""

    host: str | None = Field(
        None, description="Address of the Pipelines API, such as https://kubeflow.example.com/pipeline."
    )
    namespace: str | None = Field(
        None, description="Namespace of the runs; null for a single-user deployment."
    )
    volume_claim: str | None = Field(
        None, description="PersistentVolumeClaim that all steps mount; null: none."
    )
    mount_path: str = Field("/petseg", description="Folder at which the steps mount that volume.")
    work_folder: str | None = Field(
        None,
        description="Folder on that volume for checkpoints, known counts and, by default, pushed models; "
        "null: <mount_path>/<name>.",
    )
    secret_env: dict[str, tuple[VariableName, ...]] = Field(
        {},
        description="Secrets whose keys become environment variables of every step, such as {petseg-store: "
        "[AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY]}: the Secret's name and its keys.",
    )
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = Field(
        None, description="When machines pull the steps' images; null: Kubernetes' default."
    )

    @field_validator("host")
    @classmethod
    def _bare_address(cls, host: str | None) -> str | None:
        return host if host is None else checked_address(host)
