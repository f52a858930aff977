"""A backend without a model: deterministic pictures at once, and every kind of trouble on demand.

Configure it like any other backend::

    [backends.fake]
    plugin = "diorama.testing.fake:create"
    placement = "thread"      # or "worker"
    models = 4                # how many models to list
    sounds = true             # and one that makes sound, out of text or of another sound
    videos = true             # and one that makes videos over

and steer a job through its parameters: ``{"delay": 0.5, "trouble": "rate_limit"}``.

Several instances are several offers of the same families. Options that make one look like a provider::

    price = 0.02              # with currency = "credits" and per = "megapixel", if need be
    remote = true             # data leaves the machine
    outage = "error"          # or "rate_limit", "not_ready": every job fails, and nothing was bought
    needs_key = true          # reads the secret api_key, also from FAKE_API_KEY (the instance's name in capitals)
    api_url = "http://..."    # asked by the check, with the key as a bearer token
    orders = "/a/file"        # one line for each order that is placed; one that was placed before a restart is resumed
    leaky = true              # behaves badly: says its key in logs, progress, facts and errors
"""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diorama.contract import (
    Artifact,
    Audio,
    Availability,
    AvailabilityState,
    Backend,
    BackendError,
    BackendNotReady,
    BackendSettings,
    BaseContext,
    Capabilities,
    ContentRefused,
    Cost,
    EditRequest,
    GenerateRequest,
    JobContext,
    ListContext,
    MediaInput,
    ModelInfo,
    Operation,
    OutOfMemory,
    Price,
    Range,
    RateLimited,
    Request,
    Result,
    Sizes,
    UnknownModel,
    UpscaleRequest,
    VideoRequest,
    hookimpl,
)

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

TROUBLES = ("none", "crash", "hang", "refuse", "rate_limit", "out_of_memory", "error", "bug", "garbage")
"""What can be asked to go wrong: ``crash`` kills the process, ``bug`` raises a foreign exception, ``garbage`` saves
bytes that are no picture."""

PARAMETERS: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "delay": {
            "type": "number",
            "minimum": 0,
            "maximum": 600,
            "default": 0,
            "description": "Seconds of work.",
        },
        "trouble": {"type": "string", "enum": list(TROUBLES), "default": "none"},
        "text": {"type": "string", "description": "Kept in the recipe."},
    },
}


class FakeBackend(Backend):
    """See the module's text. Further options: ``concurrency``, ``list_delay``, ``list_timeout``, ``list_trouble``."""

    title = "Fake"

    def __init__(self, settings: BackendSettings) -> None:
        super().__init__(settings)
        options = settings.options
        self.placement = options.get("placement", "thread")
        self.concurrency = int(options.get("concurrency", 4))
        self.list_timeout = float(options.get("list_timeout", 20.0))
        self.api_url = str(options.get("api_url", ""))
        if _yes(options.get("needs_key")):
            self.secrets = {"api_key": (f"{self.name.upper()}_API_KEY",)}

    @hookimpl
    def list_models(self, context: ListContext) -> Sequence[ModelInfo]:
        """Return ``image`` (all operations on pictures), ``edit`` (keeps sizes), ``video``, ``upscale`` and copies."""
        time.sleep(float(self.settings.options.get("list_delay", 0)))
        if self.settings.options.get("list_trouble"):
            raise RuntimeError("the list could not be read")
        shared: dict[str, Any] = {
            "category": "test",
            "price": self._price(),
            "data_leaves_machine": _yes(self.settings.options.get("remote")),
            "availability": self._availability(context),
        }
        models = [
            self._model(
                "image",
                "Fake image",
                {Operation.GENERATE: _picture(), Operation.EDIT: _picture(source=True)},
                shared,
            ),
            self._model("edit", "Fake edit", {Operation.EDIT: _picture(source=True, match=True)}, shared),
            self._model("video", "Fake video", {Operation.VIDEO: _clip()}, shared),
            self._model("upscale", "Fake upscale", {Operation.UPSCALE: _larger()}, shared),
        ]
        if _yes(self.settings.options.get("sounds")):
            sound = {Operation.GENERATE: _tone(), Operation.EDIT: _tone(source=True)}
            models.append(self._model("sound", "Fake sound", sound, shared))
        if _yes(self.settings.options.get("videos")):
            over = {Operation.VIDEO: _clip(source=True)}
            models.append(self._model("video-over", "Fake video over", over, shared))
        for number in range(4, int(self.settings.options.get("models", 4))):
            models.append(
                self._model(
                    f"image-{number}", f"Fake image {number}", {Operation.GENERATE: _picture()}, shared
                )
            )
        return models

    @hookimpl
    def generate(self, request: GenerateRequest, context: JobContext) -> Result:
        """Save one plain picture per image, its colour taken from the prompt and the seed; or as many tones."""
        if request.native_id == "sound":
            return self._tones(
                request, context, lambda seed: play(request.prompt, seed, request.duration or 1.0)
            )
        size = (request.width or 64, request.height or 64)
        return self._pictures(
            request, context, request.num_images, lambda seed: paint(request.prompt, seed, size)
        )

    @hookimpl
    def edit(self, request: EditRequest, context: JobContext) -> Result:
        """Blend the source with the colour of the prompt, inside the mask where there is one; or turn a sound down."""
        if request.native_id == "sound":
            return self._tones(request, context, lambda _seed: quieter(request.sounds[0]))

        def change(seed: int) -> Image:
            from PIL import Image as Pillow

            source = request.images[0].load_image()
            if request.width and request.height:
                source = source.resize((request.width, request.height))
            colour = paint(request.prompt, seed, source.size)
            blended = Pillow.blend(source, colour, 0.6 if request.strength is None else request.strength)
            if request.mask:
                blended = Pillow.composite(blended, source, request.mask.load_image("L").resize(source.size))
            return blended

        return self._pictures(request, context, request.num_images, change)

    @hookimpl
    def video(self, request: VideoRequest, context: JobContext) -> Result:
        """Save a clip that fades from black to the colour of the prompt; or blend a video with that colour."""
        self._before(context)
        work(request, context)
        frames = fade(request) if request.video is None else tint(request.video, request)
        saved = context.save(frames, kind="video", fps=request.fps or 8, seed=request.seed)
        return self._result(request, (saved,), context)

    @hookimpl
    def upscale(self, request: UpscaleRequest, context: JobContext) -> Result:
        """Resize the picture."""
        self._before(context)
        work(request, context)
        image = request.media.load_image()
        size = round(image.width * request.scale), round(image.height * request.scale)
        return self._result(request, (context.save(image.resize(size)),), context)

    def check(self, context: BaseContext) -> str:
        """Ask ``api_url`` with the key, where both are set."""
        key = context.secret("api_key")
        if self.secrets and key is None:
            raise BackendNotReady("No key is set.", fix=f"Run `diorama keys set {self.name}`.")
        if not self.api_url:
            return "Nothing to check."
        import httpx2

        try:
            answer = httpx2.get(self.api_url, headers={"Authorization": f"Bearer {key}"}, trust_env=False)
        except httpx2.HTTPError as error:
            raise BackendError(
                f"{self.api_url} does not answer: {type(error).__name__}.", retryable=True
            ) from error
        if answer.status_code != 200:
            raise BackendNotReady(f"The key was refused: {answer.text}", fix="Set another key.")
        return f"The key works: {answer.text}"

    def _price(self) -> Price | None:
        options = self.settings.options
        if not options.get("price"):
            return None
        return Price(
            amount=float(options["price"]),
            currency=str(options.get("currency", "USD")),
            per=options.get("per", "image"),
        )

    def _availability(self, context: ListContext) -> Availability:
        if self.secrets and context.secret("api_key") is None:
            return Availability(state=AvailabilityState.NEEDS_KEY, fix=f"Run `diorama keys set {self.name}`.")
        return Availability()

    def _before(self, context: JobContext) -> None:
        """Be down, or be careless with the key, as the options say."""
        outage = self.settings.options.get("outage")
        if outage == "rate_limit":
            raise RateLimited("Too many requests.", retry_after=30)
        if outage == "not_ready":
            raise BackendNotReady("The service is being repaired.", fix="Try later.")
        if outage:
            raise BackendError("The service does not answer.", retryable=True)
        if _yes(self.settings.options.get("leaky")):
            key = context.secret("api_key")
            context.log.warning("sending with key %s", key)
            context.progress("generating", 0.0, f"sending with key {key}")
        orders = self.settings.options.get("orders")
        if orders and "order" not in context.memory:
            with open(str(orders), "a", encoding="utf-8") as file:
                file.write("one\n")
            context.remember(order="placed")

    def _model(
        self, native: str, title: str, operations: Mapping[Operation, Capabilities], shared: Mapping[str, Any]
    ) -> ModelInfo:
        return ModelInfo(
            id=f"{self.name}:{native}",
            title=title,
            operations=operations,
            family=f"fake-{native}",
            tags=("fake",),
            **shared,
        )

    def _tones(
        self, request: GenerateRequest | EditRequest, context: JobContext, make: Callable[[int], Audio]
    ) -> Result:
        saved = []
        self._before(context)
        for index in range(request.num_images):
            work(request, context, index, request.num_images)
            seed = request.seed_of(index)
            saved.append(context.save(make(seed or 0), kind="audio", seed=seed))
        return self._result(request, tuple(saved), context)

    def _pictures(self, request: Request, context: JobContext, count: int, make: Any) -> Result:
        saved = []
        self._before(context)
        for index in range(count):
            work(request, context, index, count)
            seed = request.seed_of(index)
            image = make(seed or 0)
            context.preview(image)
            saved.append(context.save(image, seed=seed))
        return self._result(request, tuple(saved), context)

    def _result(self, request: Request, saved: tuple[Artifact, ...], context: JobContext) -> Result:
        facts: dict[str, Any] = {"model_revision": "1", "text": request.parameters.get("text", "")}
        if _yes(self.settings.options.get("leaky")):
            facts["headers"] = {"authorization": f"Bearer {context.secret('api_key')}"}
        price = self._price()
        if price is None or price.per != "image":
            return Result(artifacts=saved, facts=facts)
        cost = Cost(amount=price.amount * len(saved), currency=price.currency, estimated=False)
        return Result(artifacts=saved, facts=facts, cost=cost)


def create(settings: BackendSettings) -> FakeBackend:
    """Make the backend; this is the factory to name in the settings."""
    return FakeBackend(settings)


def paint(prompt: str, seed: int, size: tuple[int, int]) -> Image:
    """Return one flat RGB picture whose colour depends on the prompt and the seed only."""
    from PIL import Image as Pillow

    digest = hashlib.sha256(f"{seed}:{prompt}".encode()).digest()
    return Pillow.new("RGB", size, (digest[0], digest[1], digest[2]))


def fade(request: VideoRequest) -> np.ndarray[Any, Any]:
    """Return frames (count, height, width, 3) from black to the colour of the prompt."""
    import numpy as np

    count, size = request.num_frames or 8, (request.width or 64, request.height or 64)
    last = np.asarray(paint(request.prompt, request.seed or 0, size), dtype=np.float32)
    ramp = np.linspace(0, 1, count, dtype=np.float32)[:, None, None, None]
    return (ramp * last).astype(np.uint8)


def tint(source: MediaInput, request: VideoRequest) -> np.ndarray[Any, Any]:
    """Return the first frames of a video, as many as asked, blended with the colour of the prompt by the strength."""
    import av
    import numpy as np

    size = (request.width or source.width, request.height or source.height)
    colour = np.asarray(paint(request.prompt, request.seed or 0, size), dtype=np.float32)
    strength = 0.6 if request.strength is None else request.strength
    with av.open(source.path) as container:
        decoded = islice(container.decode(video=0), request.num_frames)
        taken = [frame.reformat(*size, "rgb24").to_ndarray() for frame in decoded]
    frames = np.stack(taken).astype(np.float32)
    return ((1 - strength) * frames + strength * colour).astype(np.uint8)


def play(prompt: str, seed: int, seconds: float) -> Audio:
    """Return one tone, stereo, whose pitch depends on the prompt and the seed only."""
    import numpy as np

    digest = hashlib.sha256(f"{seed}:{prompt}".encode()).digest()
    pitch, rate = 110.0 * 2 ** (digest[0] % 25 / 12), 22050
    tone = 0.5 * np.sin(np.arange(round(rate * seconds)) * (2 * np.pi * pitch / rate))
    return Audio(samples=np.stack([tone, tone]).astype(np.float32), sample_rate=rate)


def quieter(sound: MediaInput) -> Audio:
    """Return a sound at half its loudness."""
    from diorama.testing.context import decode_sound

    found = decode_sound(Path(sound.path))
    return Audio(samples=found.samples[:2] * 0.5, sample_rate=found.sample_rate)


def work(request: Request, context: JobContext, index: int = 0, count: int = 1) -> None:
    """Take the asked time in ten steps with progress, then cause the asked trouble."""
    if not request.native_id.startswith(("image", "edit", "video", "upscale", "sound")):
        raise UnknownModel(f"The fake backend has no model {request.native_id!r}.", field="model")
    if index == 0:
        context.progress("loading_model", 1.0)
    steps, delay = 10, float(request.parameters.get("delay", 0))
    for step in range(steps):
        context.progress(
            "generating",
            (index + step / steps) / count,
            step=step,
            steps=steps,
            image=index + 1,
            images=count,
        )
        if delay:
            context.wait(delay / steps)
    _trouble(str(request.parameters.get("trouble", "none")), context)


def _trouble(name: str, context: JobContext) -> None:
    if name == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "hang":
        while True:
            time.sleep(3600)
    if name == "refuse":
        raise ContentRefused("The prompt was refused.", fix="Word it differently.")
    if name == "rate_limit":
        raise RateLimited("Too many requests.", retry_after=0.2)
    if name == "out_of_memory":
        raise OutOfMemory("The device is full.", fix="Ask for a smaller size.")
    if name == "error":
        raise BackendError(f"The fake backend failed as asked.{_whisper(context)}")
    if name == "bug":
        raise KeyError("a foreign exception")
    if name == "garbage":
        context.save(b"<html>this is no picture</html>")


def _whisper(context: JobContext) -> str:
    """Providers repeat the key they were called with in their errors."""
    key = context.secret("api_key")
    return f" It was called with {key}." if key else ""


def _yes(value: Any) -> bool:
    """Read a switch; variables give it as text."""
    return str(value or "").strip().lower() in ("1", "true", "yes", "on")


def _picture(*, source: bool = False, match: bool = False) -> Capabilities:
    sizes = Sizes(
        default=(64, 64), minimum=16, maximum=1024, multiple_of=8, free=not match, match_input=match,
        ratios={} if match else {"1:1": (64, 64), "16:9": (128, 72), "9:16": (72, 128)},
    )  # fmt: skip
    return Capabilities(
        sizes=sizes,
        negative_prompt=True,
        images_in=Range(minimum=1, maximum=3, integer=True) if source else None,
        mask=source,
        strength=Range(minimum=0, maximum=1, default=0.6) if source else None,
        images_out=Range(minimum=1, maximum=4, default=1, integer=True),
        num_inference_steps=Range(minimum=1, maximum=50, default=10, integer=True),
        guidance_scale=Range(minimum=0, maximum=20, default=5.0),
        parameters=PARAMETERS,
        preview=True,
    )


def _tone(*, source: bool = False) -> Capabilities:
    return Capabilities(
        produces="audio",
        prompt="optional" if source else "required",
        sounds_in=Range(minimum=1, maximum=1, integer=True) if source else None,
        images_out=Range(minimum=1, maximum=4, default=1, integer=True),
        duration=None if source else Range(minimum=1, maximum=60, default=2),
        parameters=PARAMETERS,
    )


def _clip(*, source: bool = False) -> Capabilities:
    return Capabilities(
        sizes=Sizes(default=(64, 64), minimum=16, maximum=512, multiple_of=2),
        images_in=None if source else Range(minimum=0, maximum=2, integer=True),
        videos_in=source,
        strength=Range(minimum=0, maximum=1, default=0.6) if source else None,
        frames=Range(minimum=1, maximum=200, default=9, step=4, integer=True),
        fps=Range(minimum=1, maximum=60, default=8),
        parameters=PARAMETERS,
    )


def _larger() -> Capabilities:
    return Capabilities(
        prompt="none", seed=False, scale=Range(minimum=1, maximum=4, default=2), images_in=Range(minimum=1, maximum=1),
        parameters=PARAMETERS,
    )  # fmt: skip
