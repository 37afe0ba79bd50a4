"""An export as a user runs it, from the dialog of a QGIS with a profile of its own: all that QGIS writes lies in one folder.

Run as ``python session.py FOLDER``, with a JSON object on standard input: `parameters` of exportcomposites, and `secret`,
which becomes the password of an authentication configuration. Leaves the profile with its history, the dialog's log, the
message log, a model that holds the algorithm, and a project with the layers.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsAuthMethodConfig,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProject,
)
from qgis.PyQt.QtWidgets import QTextEdit

ALGORITHM = "phenofuse:exportcomposites"


def main() -> None:
    """Log in, run the dialog to its end, save everything."""
    folder, given = Path(sys.argv[1]), json.load(sys.stdin)
    os.environ["QGIS_CUSTOM_CONFIG_PATH"] = str(folder / "profile")  # from QGIS 3.40 on it comes before what is said here
    application = QgsApplication([], True, str(folder / "profile"))
    application.initQgis()
    said = (folder / "messages.log").open("w", encoding="utf-8")
    application.messageLog().messageReceived.connect(lambda text, tag, level: said.write(f"{tag}: {text}\n"))
    start_processing()
    parameters = {**given["parameters"], "AUTH": stored(given["secret"])}
    run_in_dialog(parameters, folder)
    model_with(parameters).toFile(str(folder / "model.model3"))
    QgsProject.instance().write(str(folder / "project.qgz"))
    said.close()
    layers = sorted(layer.name() for layer in QgsProject.instance().mapLayers().values())
    print(json.dumps({"account": parameters["AUTH"], "layers": layers}), flush=True)
    os._exit(0)  # QGIS may crash while it is taken down


def start_processing() -> None:
    """Processing and the provider, as QGIS starts them."""
    sys.path.append(str(Path(QgsApplication.pkgDataPath(), "python", "plugins")))
    from processing.core.Processing import Processing

    Processing.initialize()
    import phenofuse

    start_processing.plugin = phenofuse.classFactory(None)  # kept: the registry does not hold it
    start_processing.plugin.initProcessing()


def stored(secret: str) -> str:
    """Id of a new authentication configuration that holds the secret."""
    manager, config = QgsApplication.authManager(), QgsAuthMethodConfig("Basic")
    config.setName("Earth Engine")
    config.setConfig("password", secret)
    manager.setMasterPassword("test", True)
    answer = manager.storeAuthenticationConfig(config)
    if not (answer[0] if isinstance(answer, tuple) else answer):
        sys.exit("this QGIS cannot store authentication configurations")
    return config.id()


def run_in_dialog(parameters: dict, folder: Path) -> None:
    """Press 'Run' and wait; the dialog writes the history."""
    from processing.gui.AlgorithmDialog import AlgorithmDialog

    dialog = AlgorithmDialog(QgsApplication.processingRegistry().createAlgorithmById(ALGORITHM))
    dialog.setParameters(parameters)
    dialog.runAlgorithm()
    until = time.monotonic() + 120
    while not dialog.wasExecuted() and time.monotonic() < until:
        QgsApplication.processEvents()
        time.sleep(0.02)
    shown = "\n".join(text.toHtml() for text in dialog.findChildren(QTextEdit))
    (folder / "dialog.log").write_text(shown, encoding="utf-8")


def model_with(parameters: dict):
    """A model of this one step with all its values."""
    model, child = QgsProcessingModelAlgorithm("Export", "Test"), QgsProcessingModelChildAlgorithm(ALGORITHM)
    for key, value in parameters.items():
        child.addParameterSources(key, [QgsProcessingModelChildParameterSource.fromStaticValue(value)])
    model.addChildAlgorithm(child)
    return model


if __name__ == "__main__":
    main()
