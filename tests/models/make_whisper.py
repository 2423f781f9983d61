"""Make the small Whisper model of the tests: `python -m tests.models.make_whisper --out DIR`.

It has the true format (CTranslate2, English-only, byte-level tokenizer, 30 s window) and
true but small knowledge: digits and the short commands of ``tests.models.speech``. It is
trained from nothing on rendered telephone speech, so no model hub is needed.

1. ``tests.models.speech.Callers`` renders utterances of the training speakers once.
2. ``train`` fits a ``transformers`` Whisper on short windows. A layer on the encoder, dropped
   afterwards, has to tell which word is when (CTC, or frame by frame where that is known):
   the decoder alone would need many times as long to find out where to look.
3. ``hide_padding`` makes what lies behind the first ``HEARD`` steps invisible: a program that
   pads to 30 s gives the same text as one that goes by the model's own window, which
   ``preprocessor_config.json`` names.
4. ``convert`` writes the CTranslate2 model; ``measure`` listens to held-out speakers with it,
   through faster-whisper as the product does.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import numpy.typing as npt
import torch
import transformers
import yaml
from faster_whisper.feature_extractor import FeatureExtractor
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.nn import functional
from transformers.models.whisper.tokenization_whisper import LANGUAGES

from tests.models import speech
from tests.models.speech import COMMANDS, DIGITS, Chance, Line, Samples

SEED = 20260302
WIDTH, LAYERS, HEADS, INNER = 96, 2, 4, 320
NEARBY = ((-6, -2, 2, 6), (-12, -4, 4, 12))
"""Per layer and head: how many steps of 20 ms away it looks before it has learned better."""
MELS, FRAMES = 80, 3000
WINDOW_S = 4
"""Audio of one training utterance, and the model's window."""
HEARD = 208
"""Steps of the encoder (20 ms) that the model listens to; later ones are padding to it."""
FAR, SHARE, DISLIKE = 1000.0, 2.0, -5.0
LOUD = 2.0
"""Makes up for what GELU takes: the convolutions' output is as large as the places."""
TIMESTAMPS = 1501
MOST_TOKENS = 448
LONGEST_PROMPT = 223  # what faster-whisper keeps of hotwords
SPECIALS = (
    "<|endoftext|>",
    "<|startoftranscript|>",
    *(f"<|{code}|>" for code in LANGUAGES),
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
)
IGNORED = -100
LISTENING = 0.5
"""Weight of the encoder's own losses."""
STEPS_PER_S = 50  # of the encoder
WARM_UP, RATE_LEFT = 200, 0.02
WORDLESS, PROMPTED = 0.06, 0.15
"""Shares of utterances without words and of batches with a prompt before the text."""
LINES = Path(__file__).parents[2] / "evals" / "utterances" / "lines.yaml"


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to train. The defaults make the committed model."""

    utterances: int = 3500
    digits: int = 10
    steps: int = 3000
    batch: int = 32
    rate: float = 2e-3

    def rate_at(self, step: int) -> float:
        """The share of ``rate``: up, and down half a cosine to ``RATE_LEFT``."""
        if step < WARM_UP:
            return (step + 1) / WARM_UP
        done = min(1.0, (step - WARM_UP) / (self.steps - WARM_UP))
        return RATE_LEFT + (1 - RATE_LEFT) * (1 + math.cos(math.pi * done)) / 2


# -- the tokenizer -----------------------------------------------------------------------


def hint_phrases() -> list[str]:
    """Phrases as a flow gives them along, mostly of other words than the model knows."""
    lines = yaml.safe_load(LINES.read_text(encoding="utf-8"))
    return sorted({*COMMANDS, *(str(line["text"]) for line in lines)})


def make_tokenizer() -> transformers.WhisperTokenizer:
    """Byte-level BPE as Whisper has it, whose merges know our words as one token each."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=640,
        min_frequency=1,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    known = [f" {text}" for text in (*DIGITS, *COMMANDS, "-", "'", "♪")]
    tokenizer.train_from_iterator(known * 100 + [f" {text}" for text in hint_phrases()], trainer)
    made = json.loads(tokenizer.to_str())["model"]
    vocabulary = dict(made["vocab"])
    # Text tokens come first: faster-whisper takes what is below <|endoftext|> for text.
    vocabulary |= {token: len(vocabulary) + place for place, token in enumerate(SPECIALS)}
    merges = [tuple(pair) for pair in made["merges"]]
    whisper = transformers.WhisperTokenizer(vocab=vocabulary, merges=merges)
    whisper.add_special_tokens({"additional_special_tokens": list(SPECIALS)})
    return whisper


def make_model(tokenizer: transformers.WhisperTokenizer) -> Any:
    """A Whisper with its weights drawn at random."""
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in SPECIALS}
    eot, sot = ids["<|endoftext|>"], ids["<|startoftranscript|>"]
    config = transformers.WhisperConfig(
        vocab_size=len(tokenizer) + TIMESTAMPS,
        num_mel_bins=MELS,
        d_model=WIDTH,
        encoder_layers=LAYERS,
        decoder_layers=LAYERS,
        encoder_attention_heads=HEADS,
        decoder_attention_heads=HEADS,
        encoder_ffn_dim=INNER,
        decoder_ffn_dim=INNER,
        max_source_positions=FRAMES // 2,
        max_target_positions=MOST_TOKENS,
        dropout=0.1,
        decoder_start_token_id=sot,
        bos_token_id=eot,
        eos_token_id=eot,
        pad_token_id=eot,
    )
    model = transformers.WhisperForConditionalGeneration(config)
    speak_up(model.model)
    listen_nearby(model.model.encoder)
    hide_padding(model.model)
    generation = model.generation_config
    generation.suppress_tokens = [ids[name] for name in SPECIALS if name != "<|endoftext|>"]
    # As in the real models: a text begins with neither a blank nor its end.
    generation.begin_suppress_tokens = [tokenizer.convert_tokens_to_ids("Ġ"), eot]
    return model


@torch.no_grad()
def speak_up(whisper: Any) -> None:
    """Draw the weights so that each layer hands on about as much as it gets.

    Transformers draws all of them with a deviation of 0.02, which suits widths near 1,000:
    here the sound would reach the first layer fifty times fainter than the places.
    """
    encoder = whisper.encoder
    for conv in (encoder.conv1, encoder.conv2):
        torch.nn.init.normal_(conv.weight, std=LOUD / math.sqrt(conv.weight[0].numel()))
    for module in whisper.modules():
        if isinstance(module, torch.nn.Linear):
            torch.nn.init.normal_(module.weight, std=1 / math.sqrt(2 * module.in_features))


@torch.no_grad()
def listen_nearby(encoder: Any) -> None:
    """Let each head of the encoder look a little before or after its place to begin with.

    The places are sinusoids in the first ``WIDTH`` / 2 columns and cosines in the others; a
    head whose queries are its keys turned by an angle finds what is ``NEARBY`` steps away.
    Learned from nothing, this takes longer than all the words.
    """
    size = WIDTH // HEADS
    angles = torch.exp(-math.log(10000) / (WIDTH // 2 - 1) * torch.arange(size // 2))
    for layer, offsets in zip(encoder.layers, NEARBY, strict=True):
        attention = layer.self_attn
        for head, offset in enumerate(offsets):
            for pair, angle in enumerate((angles * offset).tolist()):
                row, sine, cosine = head * size + 2 * pair, pair, WIDTH // 2 + pair
                attention.k_proj.weight[row, sine] += 1
                attention.k_proj.weight[row + 1, cosine] += 1
                attention.q_proj.weight[row, sine] += math.cos(angle)
                attention.q_proj.weight[row, cosine] += math.sin(angle)
                attention.q_proj.weight[row + 1, cosine] += math.cos(angle)
                attention.q_proj.weight[row + 1, sine] -= math.sin(angle)


@torch.no_grad()
def hide_padding(whisper: Any) -> None:
    """Keep what lies behind ``HEARD`` out of every attention, whatever is learned.

    The last column is set aside: nothing is in it up to there, and nothing but it behind.
    The last row of each head sees only that column; each key brings its share of it and each
    query dislikes it. Training undoes this a little with each step, so it is repeated.
    """
    encoder, column = whisper.encoder, WIDTH - 1
    places = encoder.embed_positions.weight
    places[:, column] = 0
    places[HEARD:] = 0
    places[HEARD:, column] = FAR
    encoder.conv2.weight[column] = 0
    encoder.conv2.bias[column] = 0
    for norm in (*(layer.self_attn_layer_norm for layer in encoder.layers), encoder.layer_norm):
        norm.weight[column] = 1
        norm.bias[column] = 0
    rows = list(range(WIDTH // HEADS - 1, WIDTH, WIDTH // HEADS))
    listening = [layer.self_attn for layer in encoder.layers]
    for attention in (*listening, *(layer.encoder_attn for layer in whisper.decoder.layers)):
        attention.k_proj.weight[:, column] = 0
        attention.k_proj.weight[rows] = 0
        attention.k_proj.weight[rows, column] = SHARE
        attention.q_proj.weight[rows] = 0
        attention.q_proj.bias[rows] = DISLIKE


# -- what it learns from -----------------------------------------------------------------


class Corpus:
    """Utterances on ever other lines, as batches."""

    def __init__(self, tokenizer: transformers.WhisperTokenizer, chance: Chance) -> None:
        self.tokenizer, self.chance = tokenizer, chance
        self.callers = speech.Callers(chance)
        self._features: Callable[[Samples], Samples] = FeatureExtractor(feature_size=MELS)
        self._ids = {name: tokenizer.convert_tokens_to_ids(name) for name in SPECIALS}
        self._hints = hint_phrases()
        words = sorted({word for text in (*DIGITS, *COMMANDS) for word in text.split()})
        self.words = {word: place + 1 for place, word in enumerate(words)}
        """0 is none of them, and CTC's blank."""

    def batch(self, size: int) -> Batch:
        """Utterances, each on a line of its own, padded to what the model listens to."""
        drawn = [self._take() for _ in range(size)]
        mel = np.stack([self._padded(features, 2 * HEARD) for _, features in drawn])
        prompted = self.chance.random() < PROMPTED
        return self._labelled([line for line, _ in drawn], mel, prompted=prompted)

    def _take(self) -> tuple[Line, Samples]:
        if self.chance.random() < WORDLESS:
            line = speech.no_speech(self.chance, WINDOW_S)
        else:
            line = speech.on_the_line(self.callers.utterance(), self.chance, WINDOW_S)
        return line, self._features(line.samples)

    def _padded(self, mel: Samples, frames: int) -> Samples:
        kept = mel[:, :frames]
        self._mask(kept)
        # faster-whisper pads the features, not the audio, with zeros.
        padded: Samples = np.pad(kept, ((0, 0), (0, frames - kept.shape[1]))).astype(np.float32)
        return padded

    def _mask(self, mel: Samples) -> None:
        """Hide a band now and then, so that no single one decides (SpecAugment)."""
        if self.chance.random() < 0.5:
            width = int(self.chance.integers(2, 12))
            start = int(self.chance.integers(0, MELS - width))
            mel[start : start + width] = mel.mean()

    def _labelled(self, lines: Sequence[Line], mel: Samples, *, prompted: bool) -> Batch:
        rows = [self._tokens(line.text, prompted=prompted) for line in lines]
        longest = max(len(given) for given, _ in rows)
        given = np.full((len(rows), longest), self._ids["<|endoftext|>"])
        wanted = np.full((len(rows), longest), IGNORED)
        for place, (inputs, labels) in enumerate(rows):
            given[place, : len(inputs)] = inputs
            wanted[place, : len(labels)] = labels
        words = [[self.words[word] for word in line.text.split()] for line in lines]
        steps = mel.shape[2] // 2
        return Batch(
            torch.from_numpy(mel),
            torch.from_numpy(given),
            torch.from_numpy(wanted),
            torch.tensor(list(itertools.chain.from_iterable(words)), dtype=torch.long),
            torch.tensor([len(row) for row in words], dtype=torch.long),
            torch.from_numpy(np.stack([self._places(line, steps) for line in lines])),
        )

    def _places(self, line: Line, steps: int) -> npt.NDArray[np.int64]:
        """The word at each of the encoder's steps; ``IGNORED`` where that is not known."""
        if line.text and not line.spans:
            return np.full(steps, IGNORED)
        places = np.zeros(steps, np.int64)
        for word, start, end in line.spans:
            places[round(start * STEPS_PER_S) : round(end * STEPS_PER_S)] = self.words[word]
        return places

    def _tokens(self, text: str, *, prompted: bool) -> tuple[list[int], list[int]]:
        """What the decoder is given and what it has to say after each of it."""
        ids = self._ids
        prompt = self._prompt() if prompted else []
        begin = [ids["<|startoftranscript|>"], ids["<|notimestamps|>"]]
        first = ids["<|notimestamps|>"] if text else ids["<|nospeech|>"]
        said = self.tokenizer.encode(f" {text}", add_special_tokens=False) if text else []
        labels = [IGNORED] * len(prompt) + [first, *said, ids["<|endoftext|>"]]
        return [*prompt, *begin, *said], labels

    def _prompt(self) -> list[int]:
        count = int(self.chance.integers(1, 13))
        hints = ", ".join(self.chance.choice(self._hints, size=count, replace=False))
        tokens = self.tokenizer.encode(f" {hints}", add_special_tokens=False)
        return [self._ids["<|startofprev|>"], *tokens[:LONGEST_PROMPT]]


@dataclass(frozen=True, slots=True)
class Batch:
    """``mel`` (n, 80, frames); ``given`` and ``wanted`` (n, tokens); CTC's words in a row.

    ``places`` (n, frames / 2) has the words where they are.
    """

    mel: torch.Tensor
    given: torch.Tensor
    wanted: torch.Tensor
    words: torch.Tensor
    words_in: torch.Tensor
    places: torch.Tensor


# -- training ----------------------------------------------------------------------------


def encode(encoder: Any, mel: torch.Tensor) -> torch.Tensor:
    """The encoder on any number of frames; its own forward insists on 3,000."""
    hidden = functional.gelu(encoder.conv1(mel))
    hidden = functional.gelu(encoder.conv2(hidden)).permute(0, 2, 1)
    hidden = hidden + encoder.embed_positions.weight[: hidden.shape[1]]
    for layer in encoder.layers:
        made = layer(hidden, attention_mask=None)
        hidden = made[0] if isinstance(made, tuple) else made
    encoded: torch.Tensor = encoder.layer_norm(hidden)
    return encoded


def losses(model: Any, ear: torch.nn.Linear, batch: Batch) -> tuple[torch.Tensor, ...]:
    """Of the decoder's next tokens, and of the encoder's words by CTC and by place."""
    encoded = encode(model.model.encoder, batch.mel)
    said = model.model.decoder(
        input_ids=batch.given, encoder_hidden_states=encoded, use_cache=False
    ).last_hidden_state
    judged = batch.wanted != IGNORED
    decoding = functional.cross_entropy(
        model.proj_out(said[judged]), batch.wanted[judged], label_smoothing=0.02
    )
    spoken = functional.log_softmax(ear(encoded), dim=-1)
    lengths = torch.full((spoken.shape[0],), spoken.shape[1], dtype=torch.long)
    order = functional.ctc_loss(
        spoken.transpose(0, 1), batch.words, lengths, batch.words_in, zero_infinity=True
    )
    known = batch.places != IGNORED
    places = functional.nll_loss(spoken[known], batch.places[known])
    return decoding, order, places


def batches(corpus: Corpus, plan: Plan) -> Iterator[Batch]:
    """One for each step; the next is made meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(corpus.batch, plan.batch)
        for _ in range(plan.steps):
            ready = coming.result()
            coming = pool.submit(corpus.batch, plan.batch)
            yield ready


def train(model: Any, corpus: Corpus, plan: Plan) -> None:
    """Fit ``model`` in place, and say how it goes."""
    ear = torch.nn.Linear(WIDTH, len(corpus.words) + 1)
    learned = [*(p for p in model.parameters() if p.requires_grad), *ear.parameters()]
    optimizer = torch.optim.AdamW(learned, lr=plan.rate, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, plan.rate_at)
    model.train()
    began = time.monotonic()
    for step, batch in enumerate(batches(corpus, plan)):
        decoding, order, places = losses(model, ear, batch)
        optimizer.zero_grad()
        torch.autograd.backward(decoding + LISTENING * (order + places))
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        schedule.step()
        hide_padding(model.model)
        if step % 100 == 0 or step == plan.steps - 1:
            spent = time.monotonic() - began
            found = f"decoder {decoding:.3f}  order {order:.3f}  places {places:.3f}"
            print(f"{step:5} {spent:6.0f} s  {found}", flush=True)


# -- conversion and proof ----------------------------------------------------------------


def convert(model: Any, tokenizer: transformers.WhisperTokenizer, out: Path) -> None:
    """Write the CTranslate2 model with int8 weights into ``out``."""
    model.eval()
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        window = transformers.WhisperFeatureExtractor(feature_size=MELS, chunk_length=WINDOW_S)
        window.save_pretrained(folder)
        converter = ctranslate2.converters.TransformersConverter(
            folder, copy_files=["tokenizer.json", "preprocessor_config.json"]
        )
        converter.convert(str(out), quantization="int8", force=True)


def held_out(count: int) -> list[Line]:
    """Utterances by speakers and at paces that training never had, on quiet lines."""
    chance = np.random.default_rng(SEED + 1)
    made = []
    for place in range(count):
        speaker = speech.HELD_OUT[0 if place % 2 else 1 + place // 2 % (len(speech.HELD_OUT) - 1)]
        text = speech.some_text(chance)
        pace = speech.HELD_OUT_PACES[place % 3 % 2]
        said = speech.Utterance(text, speaker.say(text, pace, 50, chance))
        made.append(speech.on_the_line(said, chance, WINDOW_S))
    return made


def measure(out: Path, count: int) -> None:
    """Print how much of the held-out speech the converted model hears right."""
    from faster_whisper import WhisperModel

    model = WhisperModel(str(out), device="cpu", compute_type="int8", cpu_threads=1)
    right: dict[str, list[bool]] = {"digits": [], "commands": [], "hinted": [], "silence": []}
    hints = ", ".join(hint_phrases()[:12])
    chance = np.random.default_rng(SEED + 2)
    for line in held_out(count):
        kind = "digits" if line.text.split()[0] in DIGITS else "commands"
        right[kind].append(_heard(model, line) == line.text)
        right["hinted"].append(_heard(model, line, hints) == line.text)
    for _ in range(count // 4):
        right["silence"].append(not _heard(model, speech.no_speech(chance, WINDOW_S)))
    for kind, results in right.items():
        print(f"held-out {kind}: {sum(results)} of {len(results)} right")


def _heard(model: Any, line: Line, hints: str | None = None) -> str:
    segments, _ = model.transcribe(
        line.samples,
        language="en",
        beam_size=1,
        temperature=0.0,
        without_timestamps=True,
        condition_on_previous_text=False,
        vad_filter=True,
        hotwords=hints,
    )
    return " ".join(segment.text.strip() for segment in segments)


def main() -> None:
    """Train, convert, measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the model")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=Plan().steps)
    parser.add_argument("--utterances", type=int, default=Plan().utterances)
    parser.add_argument("--held-out", type=int, default=400, help="utterances to measure with")
    parser.add_argument("--only-measure", action="store_true", help="what lies in --out")
    wanted = parser.parse_args()
    os.nice(10)
    if not wanted.only_measure:
        make(wanted.out, Plan(utterances=wanted.utterances, steps=wanted.steps), wanted.threads)
    measure(wanted.out, wanted.held_out)


def make(out: Path, plan: Plan, threads: int) -> None:
    """The whole way from nothing to a model in ``out``."""
    torch.set_num_threads(threads)
    torch.manual_seed(SEED)
    began = time.monotonic()
    tokenizer = make_tokenizer()
    corpus = Corpus(tokenizer, np.random.default_rng(SEED))
    corpus.callers.render(plan.utterances, plan.digits)
    print(f"callers rendered in {time.monotonic() - began:.0f} s", flush=True)
    model = make_model(tokenizer)
    train(model, corpus, plan)
    out.mkdir(parents=True, exist_ok=True)
    convert(model, tokenizer, out)
    size = sum(file.stat().st_size for file in out.iterdir())
    print(f"made in {time.monotonic() - began:.0f} s, {size / 1e6:.1f} MB in {out}", flush=True)


if __name__ == "__main__":
    main()
