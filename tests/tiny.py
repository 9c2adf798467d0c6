"""A tiny random model with a tokenizer of its own, in any of the families that we support.

Two layers, 32 wide, about 400 tokens, float32: real enough for every test, made in a second, the
same bytes each time.
"""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma3TextConfig,
    LlamaConfig,
    MistralConfig,
    Phi3Config,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen3Config,
)

from preceptor.model.quiet import quiet

FAMILIES = ("llama", "mistral", "qwen2", "qwen3", "gemma2", "gemma3", "phi3")

VOCABULARY = 400
CONTEXT = 512
WINDOW = 8
"""Sliding window in tokens, so that every test text is longer than it."""

BEGIN, END, PAD, TURN = "<|begin|>", "<|end|>", "<|pad|>", "<|turn|>"

CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "{{ message['role'] + '\n' + message['content'] + '<|turn|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant\n' }}{% endif %}"
)

TEXT = (
    "The patient was given 40 mg of furosemide and the swelling of both legs went down.",
    "Does the first sentence follow from the second? Answer yes, no or it is not possible to tell.",
    "Name the diseases, genes and drugs in this sentence, separated by semicolons.",
    "Below is an instruction that describes a task. Write a response that completes the request.",
    "OPTIONS:\n- yes\n- no\n- positive\n- negative\n### Instruction:\n### Response:\n",
    "user\nassistant\nsystem\nWhat is the capital of France? Paris is the capital of France.",
    "for (i = 0; i < 10; i++) { total += x[i]; }  // 3.14159, 2 + 2 = 4",
    "Größe, façade, naïve, Москва, 東京: a few words that are not plain English.",
)

SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    # Ten times the usual: attention that is nearly uniform would hide mistakes in it.
    "initializer_range": 0.2,
}


def make_tiny_model(
    folder: Path, family: str = "llama", seed: int = 0, context: int = CONTEXT
) -> Path:
    """Save a tiny random model and its tokenizer; returns the folder.

    Args:
        folder: Made when it is not there.
        family: One of FAMILIES. Layers have a sliding window of 8 where the family knows one; in
            Gemma 2, Gemma 3 and Qwen only the first of the two layers has it.
        seed: Of the weights.
        context: Tokens that the model says it can read. The default is too few for a teacher.
    """
    tokenizer = make_tiny_tokenizer(context)
    config = _config(family, tokenizer, context)
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
        for name, parameter in model.named_parameters():
            if "norm" in name or name.endswith("bias"):  # made as ones and zeros: hides mistakes
                parameter.data.add_(0.1 * torch.randn_like(parameter))
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return folder


def make_tiny_tokenizer(context: int = CONTEXT) -> PreTrainedTokenizerFast:
    """A byte-level BPE with begin, end and padding tokens, which puts BOS before every text."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[BEGIN, END, PAD, TURN],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    backend.train_from_iterator(TEXT, trainer)
    begin = backend.token_to_id(BEGIN)
    backend.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", pair=f"{BEGIN} $A {BEGIN} $B", special_tokens=[(BEGIN, begin)]
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=backend,
        bos_token=BEGIN,
        eos_token=END,
        pad_token=PAD,
        unk_token=PAD,  # never used, but Qwen's class would add one of its own
        extra_special_tokens=[TURN],
        chat_template=CHAT_TEMPLATE,
        model_max_length=context,
    )


def _config(family: str, tokenizer: PreTrainedTokenizerFast, context: int) -> PreTrainedConfig:
    common = SIZES | {
        "max_position_embeddings": context,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    layers: dict[str, Any] = {
        "layer_types": ["sliding_attention", "full_attention"],
        "sliding_window": WINDOW,
    }
    match family:
        case "llama":
            return LlamaConfig(**common)
        case "mistral":
            return MistralConfig(**common, sliding_window=WINDOW)
        case "qwen2":
            return Qwen2Config(**common, use_sliding_window=True, **layers)
        case "qwen3":
            return Qwen3Config(**common, head_dim=8, use_sliding_window=True, **layers)
        case "gemma2":
            return Gemma2Config(**common, head_dim=8, query_pre_attn_scalar=8, **layers)
        case "gemma3":
            return Gemma3TextConfig(**common, head_dim=8, query_pre_attn_scalar=8, **layers)
        case "phi3":
            return Phi3Config(**common, sliding_window=WINDOW)
        case _:
            raise ValueError(f"no tiny model of family {family!r}; there are {', '.join(FAMILIES)}")
