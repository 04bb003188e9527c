"""Models of timm beside those of `keras.applications` and of kecam: in evaluation, forward and backward, on small images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent.resolve()
# The file that makes the models of a library.
_FILES = {"keras.applications": "applications.py", "kecam": "kecam_models.py"}


@dataclass(frozen=True)
class Images:
    """A model of timm and one of another library that is the same network, and the size of the images that they are given.

    `said` and `keras_said` are settings of either side, as they are written behind the name: what the libraries let one set,
    such as an epsilon. `call` is how timm's model is called, where it is given something else than the images.
    """

    timm: str
    keras: str
    library: str
    size: int = 64
    batch: int = 1
    said: str = ""
    keras_said: str = ""
    call: str = ""

    @property
    def name(self) -> str:
        """What the case is called: `resnet50 and ResNet50`, with the settings that are not the usual ones."""
        said = ", ".join(
            each for each in (self.said, self.keras_said, self.call, f"{self.batch} images" * (self.batch > 1)) if each
        )
        return f"{self.timm} and {self.keras}{f' ({said})' if said else ''}"

    @property
    def named(self) -> str:
        """What the report must name: nothing is put in wrong here."""
        return ""

    @property
    def document(self) -> str:
        """The scenario, as a person would write it: no line says which parameters correspond."""
        ours, theirs = (f", {text}" if text else "" for text in (self.said, self.keras_said))
        shape = (self.batch, 3, self.size, self.size)
        lines = [
            f"name: {self.timm} and {self.keras}",
            "model:",
            f"  torch: {{python: \"{HERE}/timm_models.py:torch_model('{self.timm}'{ours})\"}}",
            f"  tensorflow: {{python: \"{HERE}/{_FILES[self.library]}:keras_model('{self.keras}', {self.size}{theirs})\"}}",
            f"  at: {{x: 'normal(0, 1, {shape})'}}",
            "  layout: channels",
            *([f"  call: {{torch: '{self.call}'}}"] if self.call else []),
        ]
        return "\n".join(lines) + "\n"


def _applications(timm: str, keras: str, **more: object) -> Images:
    return Images(timm, keras, "keras.applications", **more)  # type: ignore[arg-type]


def _kecam(timm: str, keras: str, **more: object) -> Images:
    return Images(timm, keras, "kecam", **more)  # type: ignore[arg-type]


_BARE = "include_preprocessing=False"
_SMALL = "img_size=64"

APPLICATIONS = [
    _applications("resnet50", "ResNet50"),
    _applications("resnetv2_50", "ResNet50V2"),
    _applications("densenet121", "DenseNet121"),
    _applications("densenet121", "DenseNet121", said="eps=1.001e-5"),
    _applications("mobilenetv1_100", "MobileNet"),
    _applications("mobilenetv1_100", "MobileNet", said="pad_type='same', eps=1e-3"),
    _applications("mobilenetv2_100", "MobileNetV2"),
    _applications("mobilenetv2_100", "MobileNetV2", said="pad_type='same', eps=1e-3"),
    _applications("tf_mobilenetv3_small_100", "MobileNetV3Small", keras_said=_BARE),
    _applications("tf_mobilenetv3_large_100", "MobileNetV3Large", keras_said=_BARE),
    _applications("tf_efficientnet_b0", "EfficientNetB0"),
    _applications("tf_efficientnetv2_b0", "EfficientNetV2B0", keras_said=_BARE),
    _applications("convnext_tiny", "ConvNeXtTiny", keras_said=_BARE),
    _applications("inception_v3", "InceptionV3", size=80, said="scale=False"),
    _applications("inception_resnet_v2", "InceptionResNetV2", size=80, said="scale=False"),
    _applications("legacy_xception", "Xception", size=75, said="eps=1e-3"),
    _applications("vgg16", "VGG16", size=224),
]

KECAM = [
    _kecam("convnextv2_atto", "ConvNeXtV2Atto"),
    _kecam("edgenext_xx_small", "EdgeNeXt_XX_Small"),
    _kecam("efficientvit_b0", "EfficientViT_B0"),
    _kecam("fasternet_t0", "FasterNetT0"),
    _kecam("ghostnet_100", "GhostNet_100"),
    _kecam("inception_next_tiny", "InceptionNeXtTiny"),
    _kecam("lcnet_050", "LCNet050"),
    _kecam("levit_128s", "LeViT128S", said=f"{_SMALL}, distilled=False"),
    _kecam("levit_128s", "LeViT128S", said=f"{_SMALL}, distilled=False", batch=2),
    _kecam("mixer_s32_224", "MLPMixerS32", said=_SMALL),
    _kecam("mixer_s32_224", "MLPMixerS32", said=f"{_SMALL}, eps=1e-5"),
    _kecam("gmlp_ti16_224", "GMLPTiny16", said=f"{_SMALL}, eps=1e-5"),
    _kecam("mobilenetv3_small_050", "MobileNetV3Small050"),
    _kecam("mobilevit_xxs", "MobileViT_XXS"),
    _kecam("mobilevitv2_050", "MobileViT_V2_050"),
    _kecam("pvt_v2_b0", "PVT_V2B0"),
    _kecam("resmlp_12_224", "ResMLP12", said=_SMALL),
    _kecam("resnet50d", "ResNet50D"),
    _kecam("tf_efficientnet_lite0", "EfficientNetV1Lite0"),
    _kecam("tf_efficientnet_lite0", "EfficientNetV1Lite0", keras_said="activation='relu6'"),
    _kecam("tinynet_e", "TinyNetE"),
    _kecam("vit_tiny_patch16_224", "ViTTinyPatch16", said=_SMALL),
]
