"""The architectures of transformers that exist in both frameworks: their classes, a tiny configuration, and their inputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# What a text model of the usual names is made with.
_TEXT = {
    "vocab_size": 40,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 24,
}
_BART = {
    "vocab_size": 40,
    "d_model": 16,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 24,
    "decoder_ffn_dim": 20,
    "max_position_embeddings": 24,
    "use_cache": False,
}
_VISION = {
    "image_size": 16,
    "patch_size": 8,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
}
_SPEECH = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "conv_dim": [8, 8],
    "conv_stride": [4, 2],
    "conv_kernel": [8, 3],
    "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
    "vocab_size": 12,
}

TOKENS = "[[3, 17, 8, 12, 5, 9, 22, 11], [7, 21, 14, 6, 13, 4, 16, 10]]"
FEWER = "[[23, 5, 9, 14], [23, 8, 33, 6]]"
MASK = "[[1, 1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 0, 0, 0]]"
IMAGE = "normal(0, 1, (2, 3, 16, 16))"


@dataclass(frozen=True)
class Architecture:
    """A model of transformers: what its classes are called (`Bert` for `BertModel` and `TFBertModel`), and its configuration.

    `model` is the end of the names of its classes, `inputs` are what it is called with, by name, `output` is the output that is
    compared, and `dtypes` those of the inputs that hold no real numbers.
    """

    stem: str
    settings: dict[str, Any]
    inputs: dict[str, str] = field(default_factory=lambda: {"input_ids": TOKENS, "attention_mask": MASK})
    output: str = "last_hidden_state"
    model: str = "Model"

    @property
    def whole(self) -> tuple[str, ...]:
        """The inputs that hold whole numbers."""
        return tuple(name for name, values in self.inputs.items() if values.startswith("["))


_BOTH = {"input_ids": TOKENS, "attention_mask": MASK, "decoder_input_ids": FEWER}
_IMAGE = {"pixel_values": IMAGE}
_IDS = {"input_ids": TOKENS}

ARCHITECTURES: dict[str, Architecture] = {
    "albert": Architecture("Albert", {**_TEXT, "embedding_size": 12}),
    "bert": Architecture("Bert", _TEXT),
    "camembert": Architecture("Camembert", _TEXT),
    "convbert": Architecture(
        "ConvBert", {**_TEXT, "num_attention_heads": 4, "embedding_size": 12, "head_ratio": 2, "conv_kernel_size": 3}
    ),
    "ctrl": Architecture(
        "CTRL",
        {"vocab_size": 40, "n_positions": 24, "n_embd": 16, "dff": 24, "n_layer": 2, "n_head": 2, "use_cache": False},
    ),
    "deberta": Architecture(
        "Deberta",
        {**_TEXT, "relative_attention": True, "pos_att_type": ["p2c", "c2p"], "max_relative_positions": 8},
        _IDS,
    ),
    "deberta_v2": Architecture(
        "DebertaV2",
        {**_TEXT, "relative_attention": True, "pos_att_type": ["p2c", "c2p"], "max_relative_positions": 8},
        _IDS,
    ),
    "distilbert": Architecture(
        "DistilBert",
        {"vocab_size": 40, "dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 24, "max_position_embeddings": 24},
    ),
    "electra": Architecture("Electra", {**_TEXT, "embedding_size": 12}),
    "esm": Architecture(
        "Esm", {**_TEXT, "mask_token_id": 39, "pad_token_id": 1, "position_embedding_type": "absolute"}, _IDS
    ),
    "flaubert": Architecture(
        "Flaubert", {"vocab_size": 40, "emb_dim": 16, "n_layers": 2, "n_heads": 2, "max_position_embeddings": 24}
    ),
    "funnel": Architecture(
        "Funnel",
        {
            "vocab_size": 40,
            "block_sizes": [1, 1],
            "num_decoder_layers": 1,
            "d_model": 16,
            "n_head": 2,
            "d_head": 8,
            "d_inner": 24,
        },
    ),
    "gpt2": Architecture(
        "GPT2", {"vocab_size": 40, "n_positions": 24, "n_embd": 16, "n_layer": 2, "n_head": 2, "use_cache": False}
    ),
    "gptj": Architecture(
        "GPTJ",
        {
            "vocab_size": 40,
            "n_positions": 24,
            "n_embd": 16,
            "n_layer": 2,
            "n_head": 2,
            "rotary_dim": 4,
            "use_cache": False,
        },
    ),
    "layoutlm": Architecture("LayoutLM", {**_TEXT, "max_2d_position_embeddings": 20}),
    "longformer": Architecture("Longformer", {**_TEXT, "attention_window": 4}),
    "lxmert": Architecture(
        "Lxmert",
        {
            "vocab_size": 40,
            "hidden_size": 16,
            "num_attention_heads": 2,
            "intermediate_size": 24,
            "max_position_embeddings": 24,
            "l_layers": 1,
            "x_layers": 1,
            "r_layers": 1,
            "visual_feat_dim": 6,
        },
        {
            "input_ids": TOKENS,
            "attention_mask": MASK,
            "visual_feats": "normal(0, 1, (2, 3, 6))",
            "visual_pos": "uniform(0, 1, (2, 3, 4))",
        },
        "language_output",
    ),
    "mobilebert": Architecture(
        "MobileBert", {**_TEXT, "embedding_size": 12, "intra_bottleneck_size": 8, "num_feedforward_networks": 2}
    ),
    "mpnet": Architecture("MPNet", _TEXT),
    "openai_gpt": Architecture(
        "OpenAIGPT", {"vocab_size": 40, "n_positions": 24, "n_embd": 16, "n_layer": 2, "n_head": 2}
    ),
    "opt": Architecture(
        "OPT",
        {
            "vocab_size": 40,
            "hidden_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "ffn_dim": 24,
            "max_position_embeddings": 24,
            "word_embed_proj_dim": 16,
            "use_cache": False,
        },
    ),
    "rembert": Architecture("RemBert", {**_TEXT, "input_embedding_size": 12, "output_embedding_size": 20}),
    "roberta": Architecture("Roberta", _TEXT),
    "roberta_prelayernorm": Architecture("RobertaPreLayerNorm", _TEXT),
    "roformer": Architecture("RoFormer", {**_TEXT, "embedding_size": 16}),
    "tapas": Architecture("Tapas", {**_TEXT, "type_vocab_sizes": [3, 8, 8, 2, 8, 8, 4]}),
    "xglm": Architecture(
        "XGLM",
        {
            "vocab_size": 40,
            "d_model": 16,
            "num_layers": 2,
            "attention_heads": 2,
            "ffn_dim": 24,
            "max_position_embeddings": 24,
            "use_cache": False,
        },
    ),
    "xlm": Architecture(
        "XLM", {"vocab_size": 40, "emb_dim": 16, "n_layers": 2, "n_heads": 2, "max_position_embeddings": 24}
    ),
    "xlm_roberta": Architecture("XLMRoberta", _TEXT),
    "xlnet": Architecture(
        "XLNet", {"vocab_size": 40, "d_model": 16, "n_layer": 2, "n_head": 2, "d_inner": 24, "use_mems_eval": False}
    ),
    "dpr": Architecture("DPR", _TEXT, output="pooler_output", model="QuestionEncoder"),
    "bart": Architecture("Bart", _BART, _BOTH),
    "blenderbot": Architecture("Blenderbot", _BART, _BOTH),
    "blenderbot_small": Architecture("BlenderbotSmall", _BART, _BOTH),
    "led": Architecture(
        "LED",
        {
            **{key: value for key, value in _BART.items() if key != "max_position_embeddings"},
            "max_encoder_position_embeddings": 24,
            "max_decoder_position_embeddings": 24,
            "attention_window": 4,
        },
        _BOTH,
    ),
    "marian": Architecture("Marian", {**_BART, "pad_token_id": 39, "decoder_start_token_id": 39}, _BOTH),
    "mbart": Architecture("MBart", _BART, _BOTH),
    "pegasus": Architecture("Pegasus", _BART, _BOTH),
    "t5": Architecture(
        "T5",
        {"vocab_size": 40, "d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 2, "num_heads": 2, "use_cache": False},
        _BOTH,
    ),
    "mt5": Architecture(
        "MT5",
        {"vocab_size": 40, "d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 2, "num_heads": 2, "use_cache": False},
        _BOTH,
    ),
    "mistral": Architecture("Mistral", {**_TEXT, "num_key_value_heads": 1, "use_cache": False}),
    "vit": Architecture("ViT", _VISION, _IMAGE),
    "deit": Architecture("DeiT", _VISION, _IMAGE),
    "data2vec_vision": Architecture("Data2VecVision", {**_VISION, "layer_scale_init_value": 0.1}, _IMAGE),
    "swin": Architecture(
        "Swin",
        {"image_size": 16, "patch_size": 2, "embed_dim": 8, "depths": [1, 2], "num_heads": [1, 2], "window_size": 2},
        _IMAGE,
    ),
    "convnext": Architecture(
        "ConvNext", {"hidden_sizes": [8, 12], "depths": [1, 2], "num_stages": 2, "patch_size": 4}, _IMAGE
    ),
    "convnextv2": Architecture(
        "ConvNextV2", {"hidden_sizes": [8, 12], "depths": [1, 2], "num_stages": 2, "patch_size": 4}, _IMAGE
    ),
    "resnet": Architecture("ResNet", {"embedding_size": 8, "hidden_sizes": [16, 24], "depths": [1, 2]}, _IMAGE),
    "regnet": Architecture(
        "RegNet", {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 2], "groups_width": 4}, _IMAGE
    ),
    "mobilevit": Architecture(
        "MobileViT",
        {
            "image_size": 32,
            "hidden_sizes": [8, 12, 16],
            "neck_hidden_sizes": [4, 6, 8, 10, 12, 14, 20],
            "num_attention_heads": 2,
        },
        {"pixel_values": "normal(0, 1, (2, 3, 64, 64))"},
    ),
    "segformer": Architecture(
        "Segformer",
        {
            "num_encoder_blocks": 2,
            "depths": [1, 1],
            "sr_ratios": [2, 1],
            "hidden_sizes": [12, 20],
            "patch_sizes": [7, 3],
            "strides": [4, 2],
            "num_attention_heads": [1, 2],
            "mlp_ratios": [2, 2],
        },
        {"pixel_values": "normal(0, 1, (2, 3, 32, 32))"},
    ),
    "cvt": Architecture(
        "Cvt",
        {
            "embed_dim": [8, 12, 16],
            "num_heads": [1, 2, 2],
            "depth": [1, 2, 3],
            "mlp_ratio": [2.0, 2.0, 2.0],
            "image_size": 32,
        },
        {"pixel_values": "normal(0, 1, (2, 3, 32, 32))"},
    ),
    "swiftformer": Architecture(
        "SwiftFormer",
        {"image_size": 32, "depths": [1, 1, 1, 1], "embed_dims": [8, 12, 16, 20], "mlp_ratio": 2},
        {"pixel_values": "normal(0, 1, (2, 3, 64, 64))"},
    ),
    "wav2vec2": Architecture("Wav2Vec2", _SPEECH, {"input_values": "normal(0, 1, (2, 200))"}),
    "hubert": Architecture("Hubert", _SPEECH, {"input_values": "normal(0, 1, (2, 200))"}),
    "whisper": Architecture(
        "Whisper",
        {
            **{key: value for key, value in _BART.items() if key != "max_position_embeddings"},
            "num_mel_bins": 6,
            "max_source_positions": 10,
            "max_target_positions": 12,
            "pad_token_id": 39,
            "bos_token_id": 38,
            "eos_token_id": 38,
            "decoder_start_token_id": 38,
        },
        {"input_features": "normal(0, 1, (2, 6, 20))", "decoder_input_ids": FEWER},
    ),
    "speech_to_text": Architecture(
        "Speech2Text",
        {
            **{key: value for key, value in _BART.items() if key != "max_position_embeddings"},
            "num_conv_layers": 2,
            "conv_channels": 10,
            "conv_kernel_sizes": [3, 3],
            "input_feat_per_channel": 6,
            "max_source_positions": 24,
            "max_target_positions": 24,
        },
        {"input_features": "normal(0, 1, (2, 20, 6))", "decoder_input_ids": FEWER},
    ),
    "clip": Architecture(
        "CLIP",
        {
            "text_config": {**_TEXT, "eos_token_id": 2, "bos_token_id": 0},
            "vision_config": {**_VISION},
            "projection_dim": 12,
        },
        {"input_ids": TOKENS, "pixel_values": IMAGE, "attention_mask": MASK},
        "logits_per_image",
    ),
    "blip": Architecture(
        "Blip",
        {
            "text_config": {
                **_TEXT,
                "encoder_hidden_size": 16,
                "bos_token_id": 0,
                "sep_token_id": 2,
                "projection_dim": 12,
            },
            "vision_config": {**_VISION, "num_channels": 3},
            "projection_dim": 12,
        },
        {"input_ids": TOKENS, "pixel_values": IMAGE, "attention_mask": MASK},
        "logits_per_image",
    ),
    "groupvit": Architecture(
        "GroupViT",
        {
            "text_config": {**_TEXT, "eos_token_id": 2, "bos_token_id": 0},
            "vision_config": {
                "image_size": 16,
                "patch_size": 4,
                "hidden_size": 16,
                "depths": [1, 1, 1],
                "num_group_tokens": [4, 2, 0],
                "num_output_groups": [4, 2, 0],
                "num_attention_heads": 2,
                "intermediate_size": 24,
            },
            "projection_dim": 12,
            "projection_intermediate_dim": 20,
        },
        {"input_ids": TOKENS, "pixel_values": IMAGE, "attention_mask": MASK},
        "logits_per_image",
    ),
    "sam": Architecture(
        "Sam",
        {
            "vision_config": {
                "hidden_size": 16,
                "output_channels": 16,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "image_size": 32,
                "patch_size": 8,
                "window_size": 2,
                "global_attn_indexes": [1],
                "mlp_dim": 24,
                "num_pos_feats": 8,
            },
            "prompt_encoder_config": {"hidden_size": 16, "image_size": 32, "patch_size": 8, "mask_input_channels": 4},
            "mask_decoder_config": {
                "hidden_size": 16,
                "mlp_dim": 24,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "attention_downsample_rate": 2,
                "iou_head_hidden_dim": 20,
            },
        },
        {"pixel_values": "normal(0, 1, (2, 3, 32, 32))", "input_points": "uniform(0, 30, (2, 1, 2, 2))"},
        "pred_masks",
    ),
}
