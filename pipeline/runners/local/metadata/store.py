"""Opens ML Metadata: a file in the output folder, or a database server.

A server's URL contains a password, so an environment variable holds it. Settings, compiled files and logs
hold only the variable's name.
"""

import os
import re
import tempfile
import time
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from ml_metadata import MetadataStore, errors
from ml_metadata.proto import metadata_store_pb2 as mlmd

from petseg.errors import UserError
from petseg.settings import Settings
from pipeline.runs.run_log import redirect_output
from pipeline.settings import PipelineSettings

VARIABLE_PREFIX = "env:"
"""Prefix of a variable's name where a file could be given too."""

OPEN_ATTEMPTS = 4
SECONDS_BETWEEN_ATTEMPTS = 2.0

SHAPE = "mysql://user:password@host/database or postgresql://user:password@host/database"


def sqlite_config(database: Path, *, read_only: bool = False) -> mlmd.ConnectionConfig:
    """Connection to an SQLite file, which is created if it is missing and may be written."""
    config = mlmd.ConnectionConfig()
    config.sqlite.filename_uri = str(database)
    config.sqlite.connection_mode = (
        mlmd.SqliteMetadataSourceConfig.READONLY
        if read_only
        else mlmd.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    )
    return config


def server_config(variable: str) -> mlmd.ConnectionConfig:
    """Connection to the database server that an environment variable names.

    Parameters behind a `?` go to the driver: `sslmode`, `sslrootcert`, `sslcert`, `sslkey` for PostgreSQL;
    `ca`, `cert`, `key`, `verify_server_cert` for MySQL.

    Raises:
        UserError: The variable is not set or does not hold such a URL. The value is never shown.
    """
    url = _url(variable)
    config = mlmd.ConnectionConfig()
    # A killed run may leave its transactions open for a while.
    config.retry_options.max_num_retries = 10
    database = url.path.strip("/")
    if url.scheme == "mysql":
        config.mysql.MergeFrom(
            mlmd.MySQLDatabaseConfig(
                host=url.hostname,
                port=url.port or 3306,
                database=database,
                user=unquote(url.username or ""),
                password=unquote(url.password or ""),
            )
        )
        _set_tls(config.mysql.ssl_options, url, variable)
    else:
        config.postgresql.MergeFrom(
            mlmd.PostgreSQLDatabaseConfig(
                host=url.hostname,
                port=str(url.port or 5432),
                dbname=database,
                user=unquote(url.username or ""),
                password=unquote(url.password or ""),
            )
        )
        _set_tls(config.postgresql.ssloption, url, variable)
    return config


def open_server(variable: str) -> MetadataStore:
    """Connects to the database server that an environment variable names.

    Raises:
        UserError: As `server_config`, or the server cannot be reached or refuses.
    """
    config = server_config(variable)
    # The first run on a server creates database and tables; a second one at the same time fails.
    for _ in range(OPEN_ATTEMPTS - 1):
        try:
            return _connect(config)
        except ConnectionError:
            time.sleep(SECONDS_BETWEEN_ATTEMPTS)
    try:
        return _connect(config)
    except ConnectionError as error:
        url = _url(variable)
        said = str(error)
        for secret in (url.password, unquote(url.password or "")):
            said = said.replace(secret, "***") if secret else said
        hint = "; the account must have mysql_native_password" * (url.scheme == "mysql")
        raise UserError(
            f"environment variable {variable}: ML Metadata cannot use the {url.scheme} server "
            f"{url.hostname}: {said}{hint}"
        ) from None


def _connect(config: mlmd.ConnectionConfig) -> MetadataStore:
    # The exception does not hold the cause: ML Metadata writes it to stderr.
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "output.log")
        try:
            with redirect_output(log):
                return MetadataStore(config)
        except (RuntimeError, errors.StatusError) as error:
            causes = re.findall(r"^E.*\] (.+)$", log.read_text(errors="replace"), re.MULTILINE)
            raise ConnectionError(" ".join((causes or [str(error)])[-1].split())) from None


def check_can_be_stored(settings: PipelineSettings) -> None:
    """Refuses settings that ML Metadata cannot write to PostgreSQL.

    Its driver quotes strings with a backslash wrongly. JSON has one before each quote in a value, and the
    Tuner's JSON inside JSON always has some.

    Raises:
        UserError: `metadata.url_variable` names a PostgreSQL server, and the settings hold such a string.
    """
    variable = settings.metadata.url_variable or ""
    if _url(variable).scheme != "postgresql":
        return
    parts = ((key, value) for key, value in settings if isinstance(value, Settings))
    backslashed = [key for key, value in parts if "\\" in value.model_dump_json()]
    if backslashed or settings.tuner.enabled:
        what = (
            f"the quotes or backslashes in the settings {backslashed[0]}" if backslashed else "tuner.enabled"
        )
        raise UserError(
            f"environment variable {variable}: ML Metadata cannot write {what} to PostgreSQL; use MySQL or "
            "MariaDB"
        )


def open_store(location: str) -> MetadataStore:
    """Opens the store of earlier runs for reading.

    Args:
        location: An SQLite file, or `env:NAME` for the server whose URL that variable holds.

    Raises:
        UserError: There is no such store.
    """
    if location.startswith(VARIABLE_PREFIX):
        return open_server(location.removeprefix(VARIABLE_PREFIX))
    database = Path(location)
    if not database.is_file():
        raise UserError(
            f"--metadata {location}: there is no such file; use the metadata.db of an output folder, "
            f"or {VARIABLE_PREFIX}NAME"
        )
    try:
        return MetadataStore(sqlite_config(database, read_only=True))
    except (RuntimeError, errors.StatusError):
        raise UserError(f"--metadata {location} is not an SQLite file of ML Metadata") from None


def _url(variable: str) -> SplitResult:
    value = os.environ.get(variable)
    if not value:
        raise UserError(f"environment variable {variable} is not set; set it to {SHAPE}")
    try:
        url = urlsplit(value)
        port_is_right = url.port is None or url.port > 0
    except ValueError:
        port_is_right = False
    if not (port_is_right and url.scheme in ("mysql", "postgresql") and url.hostname and url.path.strip("/")):
        raise UserError(f"environment variable {variable} must be {SHAPE}; it is something else")
    return url


def _set_tls(
    options: mlmd.MySQLDatabaseConfig.SSLOptions | mlmd.PostgreSQLDatabaseConfig.SSLOptions,
    url: SplitResult,
    variable: str,
) -> None:
    fields = options.DESCRIPTOR.fields_by_name
    for key, value in parse_qsl(url.query):
        if key not in fields:
            raise UserError(
                f"environment variable {variable}: {key} is not a parameter of {url.scheme}://; "
                f"the parameters are {', '.join(sorted(fields))}"
            )
        is_switch = fields[key].type == fields[key].TYPE_BOOL
        setattr(options, key, value in ("1", "true") if is_switch else value)
