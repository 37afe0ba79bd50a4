"""What a QGIS authentication configuration holds for Earth Engine. The configuration's id travels; its content only here."""

from __future__ import annotations

from qgis.core import QgsApplication, QgsAuthMethodConfig, QgsProcessingException

from .text import tr


def of_configuration(identifier: str | None) -> str:
    """The secret of an authentication configuration, for the engine's standard input alone; '' for no id.

    *Basic authentication* holds in its password a service account's key or the content of the client's login file
    (both JSON); *API header* an access token under ``Authorization``.

    Raises
    ------
    QgsProcessingException
        When there is no such configuration, it cannot be opened, or it holds nothing of use.
    """
    if not identifier:
        return ""
    config = QgsAuthMethodConfig()
    fine, config = _loaded(identifier, config)
    if not fine:
        raise QgsProcessingException(
            tr("The authentication configuration {} cannot be opened. Check it in QGIS's options, and the master password.").format(
                identifier
            )
        )
    held = config.configMap()
    secret = held.get("password") or next((v for k, v in held.items() if k.lower() == "authorization"), "")
    if not secret:
        raise QgsProcessingException(
            tr("The authentication configuration {} holds no login for Earth Engine. Use Basic authentication with a service "
               "account's key as password, or API header with Authorization.").format(config.name())
        )  # fmt: skip
    return secret


def _loaded(identifier, config):
    answer = QgsApplication.authManager().loadAuthenticationConfig(identifier, config, True)
    return answer if isinstance(answer, tuple) else (answer, config)
