"""Models of timm beside those of `keras.applications`: in evaluation, forward, on one small image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent.resolve()


@dataclass(frozen=True)
class Images:
    """A model of timm and one of `keras.applications` that is the same network, and the size of the image that they are given."""

    timm: str
    keras: str
    size: int = 32
    named: str = ""

    @property
    def name(self) -> str:
        """What the case is called: `resnet50 and ResNet50`."""
        return f"{self.timm} and {self.keras}"

    @property
    def document(self) -> str:
        """The scenario, as a person would write it: no line says which parameters correspond."""
        lines = [
            f"name: {self.name}",
            "model:",
            f"  torch: {{python: \"{HERE}/timm_models.py:torch_model('{self.timm}')\"}}",
            f"  tensorflow: {{python: \"{HERE}/applications.py:keras_model('{self.keras}', {self.size})\"}}",
            f"  at: {{x: 'normal(0, 1, (1, 3, {self.size}, {self.size}))'}}",
            "  layout: channels",
            "  compare: [forward]",
        ]
        return "\n".join(lines) + "\n"


IMAGES = [
    Images("resnet50", "ResNet50"),
    Images("resnet101", "ResNet101"),
    Images("resnetv2_50", "ResNet50V2"),
    Images("vgg16", "VGG16"),
    Images("vgg19", "VGG19"),
    Images("densenet121", "DenseNet121"),
    Images("densenet169", "DenseNet169"),
    Images("mobilenetv1_100", "MobileNet"),
    Images("mobilenetv2_100", "MobileNetV2"),
    Images("tf_mobilenetv3_small_100", "MobileNetV3Small"),
    Images("tf_mobilenetv3_large_100", "MobileNetV3Large"),
    Images("efficientnet_b0", "EfficientNetB0"),
    Images("tf_efficientnet_b0", "EfficientNetB0"),
    Images("tf_efficientnetv2_b0", "EfficientNetV2B0"),
    Images("convnext_tiny", "ConvNeXtTiny"),
    Images("inception_v3", "InceptionV3", 80),
    Images("inception_resnet_v2", "InceptionResNetV2", 80),
    Images("xception41", "Xception", 75),
    Images("legacy_xception", "Xception", 75),
    Images("nasnetalarge", "NASNetLarge", 64),
]
