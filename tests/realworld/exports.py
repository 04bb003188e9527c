"""Networks of `scenarios/model/networks` beside what nobuco makes of them, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent.resolve()
NETWORKS = HERE.parent.parent / "scenarios/model/networks"


@dataclass(frozen=True)
class Exported:
    """A network by the name of its file and its class; `place` is where the files of exported models are."""

    network: str
    kind: str
    place: Path = Path()
    named: str = ""

    @property
    def name(self) -> str:
        """What the case is called: `mobilenetv2 by nobuco`."""
        return f"{self.network} by nobuco"

    @property
    def file(self) -> Path:
        """The file of the exported model."""
        return self.place / f"{self.network}.h5"

    @property
    def command(self) -> list[str]:
        """The arguments of Python that write the file."""
        return [str(HERE / "nobuco_export.py"), str(NETWORKS), self.network, self.kind, str(self.file)]

    @property
    def document(self) -> str:
        """The scenario, as a person would write it: no line says which parameters correspond."""
        lines = [
            f"name: {self.name}",
            "model:",
            f"  torch: {{python: '{NETWORKS}/{self.network}_torch.py:{self.kind}()'}}",
            f"  tensorflow: {{python: \"{HERE}/exported_models.py:keras_model('{self.file}')\"}}",
            "  at: {x: 'normal(0, 3, (1, 3, 32, 32))'}",
            "  layout: channels",
        ]
        return "\n".join(lines) + "\n"


EXPORTED = [Exported("mobilenetv2", "MobileNetV2"), Exported("resnet18", "ResNet18"), Exported("convnext", "ConvNeXt")]
