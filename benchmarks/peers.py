"""Other tools to measure beside: each a function that loads one and gives its judge, reviews in, whether each is positive out."""

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

Judge = Callable[[list[str]], list[bool]]

_CUT = 96  # tokens; what the plain export reads of a review
_BATCH = 32


def pipeline() -> Judge:
    """The pipeline of `transformers` in torch, as its guide shows it: a classifier of the encoder's shape and with its tokenizer.

    Its weights are drawn at random, since only its speed is asked for; what they say is not.
    """
    from transformers import pipeline as pipeline_of

    tokens = _tokens()
    classify = pipeline_of("text-classification", model=_classifier(tokens), tokenizer=tokens, device="cpu")
    return lambda reviews: [said["label"] == "LABEL_1" for said in classify(reviews, truncation=True)]


def plain_export() -> Judge:
    """The same classifier as ONNX Runtime's guide exports it: one graph in 8 bits, batches of similar length, reviews cut at 96 tokens."""
    import numpy as np
    import onnxruntime
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic

    tokens = _tokens()
    with tempfile.TemporaryDirectory() as folder:
        whole, small = (str(Path(folder) / name) for name in ("whole.onnx", "small.onnx"))
        ids = torch.ones(2, 8, dtype=torch.long)
        axes = {name: {0: "texts", 1: "length"} for name in ("input_ids", "attention_mask")}
        model = _classifier(tokens)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations, and branches that only check shapes
            torch.onnx.export(
                model,
                (ids, ids),
                whole,
                input_names=list(axes),
                output_names=["logits"],
                dynamic_axes=axes,
                opset_version=17,
                dynamo=False,
            )
        quantize_dynamic(whole, small, per_channel=True, weight_type=QuantType.QInt8)
        session = onnxruntime.InferenceSession(small, providers=["CPUExecutionProvider"])

    def judge(reviews: list[str]) -> list[bool]:
        verdicts: dict[int, bool] = {}
        order = sorted(range(len(reviews)), key=lambda n: len(reviews[n]))
        for low in range(0, len(order), _BATCH):
            places = order[low : low + _BATCH]
            said = tokens(
                [reviews[n] for n in places], truncation=True, max_length=_CUT, padding=True, return_tensors="np"
            )
            given = {name: np.asarray(said[name], dtype=np.int64) for name in axes}
            (logits,) = session.run(None, given)
            verdicts.update(zip(places, (logits[:, 1] > logits[:, 0]).tolist(), strict=True))
        return [verdicts[n] for n in range(len(reviews))]

    return judge


def _tokens() -> Any:
    from transformers import PreTrainedTokenizerFast

    from nlp.encoder.engine import shipped

    return PreTrainedTokenizerFast(
        tokenizer_file=str(shipped() / "tokenizer.json"), pad_token="<pad>", unk_token="<unk>", model_max_length=512
    )


def _classifier(tokens: Any) -> Any:
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    shape = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536}
    torch.manual_seed(1)
    config = BertConfig(vocab_size=len(tokens), attn_implementation="eager", **shape)
    return BertForSequenceClassification(config).eval()


def snownlp() -> Judge:
    from snownlp import SnowNLP  # type: ignore[import-untyped]

    return lambda reviews: [SnowNLP(text).sentiments >= 0.5 for text in reviews]


def pysenti() -> Judge:
    from pysenti import ModelClassifier  # type: ignore[import-untyped]

    model = ModelClassifier()
    return lambda reviews: [model.classify(text)["positive_prob"] >= 0.5 for text in reviews]
