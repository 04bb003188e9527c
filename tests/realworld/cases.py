"""What is checked: every architecture as it is, some with one thing changed in Keras, some under a padding mask; as documents."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.realworld.architectures import ARCHITECTURES, MASK

HERE = Path(__file__).parent.resolve()


@dataclass(frozen=True)
class Case:
    """An architecture of the table, as both frameworks have it or with one thing changed.

    `keras` are settings of Keras's side alone, `masked` gives both a padding mask, `without_mask` none to Keras. `named` is what
    the report must say of where they part; empty where both are to agree.
    """

    architecture: str
    keras: str = ""
    masked: bool = False
    without_mask: bool = False
    named: str = ""

    @property
    def name(self) -> str:
        """What the case is called: `bert, layer_norm_eps=1e-5`."""
        said = [self.keras, "under a padding mask" * self.masked, "no mask in Keras" * self.without_mask]
        return ", ".join([self.architecture, *filter(None, said)])

    @property
    def document(self) -> str:
        """The scenario, as a person would write it: no line says which parameters correspond."""
        known = ARCHITECTURES[self.architecture]
        inputs = known.inputs | ({"attention_mask": MASK} if self.masked else {})
        whole = [name for name, values in inputs.items() if values.startswith("[")]
        code = f"{HERE}/models.py"
        settings = f", {self.keras}" if self.keras else ""
        lines = [
            f"name: {self.name}".replace(", ", " with ", 1),
            "model:",
            f"  torch: {{python: \"{code}:torch_model('{self.architecture}')\"}}",
            f"  tensorflow: {{python: \"{code}:keras_model('{self.architecture}'{settings})\"}}",
            "  at:",
            *(f"    {name}: {values}" for name, values in inputs.items()),
            f"  outputs: {{torch: {known.output}, tensorflow: {known.output}}}",
        ]
        if whole:
            lines.append(f"  dtypes: {{{', '.join(f'{name}: int64' for name in whole)}}}")
        if self.without_mask:
            lines.append("  call: {tensorflow: 'model(input_ids)'}")
        return "\n".join(lines) + "\n"


AS_THEY_ARE = [Case(name) for name in ARCHITECTURES]

# One setting other than PyTorch's, and what must be named.
CHANGED = [
    Case("bert", "layer_norm_eps=1e-5", named="embeddings.LayerNorm"),
    Case("electra", "layer_norm_eps=1e-3", named="embeddings.LayerNorm"),
    Case("gpt2", "layer_norm_epsilon=1e-3", named="h.0.ln_1"),
    Case("t5", "layer_norm_epsilon=1e-3", named="encoder.block.0.layer.0.layer_norm"),
    Case("vit", "layer_norm_eps=1e-5", named="encoder.layer.0.layernorm_before"),
    Case("roberta", "hidden_act='relu'", named="encoder.layer.0.intermediate.dense"),
    Case("distilbert", "activation='relu'", named="transformer.layer.0.ffn.lin1"),
    Case("bart", "activation_function='relu'", named="encoder.layers.0.fc1"),
    Case("whisper", "activation_function='relu'", named="encoder.layers.0.fc1"),
    Case("albert", "hidden_act='relu'", named="albert_layer_groups.0.albert_layers.0.ffn"),
    Case("convnext", "hidden_act='relu'", named="encoder.stages.0.layers.0.pwconv1"),
    Case("swin", "qkv_bias=False", named="encoder.layers.0.blocks.0.attention.self.query"),
    Case("bert", without_mask=True, named="encoder.layer.0.attention"),
    Case("mpnet", without_mask=True, named="encoder.layer.0.attention"),
]

# What parts under a padding mask.
MASKED = [Case(name, masked=True) for name in ("deberta", "deberta_v2", "esm")]
