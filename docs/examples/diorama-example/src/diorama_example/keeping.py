"""What a backend that keeps files may offer beside the hooks. Palettes stand in for weights here."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from diorama.contract import (
    InvalidRequest,
    JobContext,
    LoraInfo,
    MemoryNeed,
    StoredModel,
    UnknownModel,
)

from diorama_example import ExampleBackend


class PaletteBackend(ExampleBackend):
    """The example with palettes on disk: ``<name>.palette``, fetched from option ``url`` or added by the user."""

    @property
    def folder(self) -> Path:
        """Where the palettes lie."""
        return self.settings.data_dir / "palettes"

    # [start:download]
    def download(self, native_id: str, context: JobContext) -> None:
        """Fetch a palette; bytes, speed, cancelling and the guarded way to the network come with the context."""
        context.progress("downloading", 0.0, f"Fetching {native_id}")
        fetched = context.fetch(f"{self.settings.options['url']}/{native_id}.palette", max_bytes=1_000_000)
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.move(fetched.path, self.folder / f"{native_id}.palette")

    # [end:download]

    # [start:storage]
    def storage(self) -> Sequence[StoredModel]:
        """Return what lies on this disk, by looking."""
        return [
            StoredModel(native_id=file.stem, path=str(file), size_bytes=size, freeable_bytes=size)
            for file in sorted(self.folder.glob("*.palette"))
            if (size := file.stat().st_size)
        ]

    def delete(self, native_id: str) -> int:
        """Remove a palette from disk and return the freed bytes."""
        file = self._file(native_id)
        freed = file.stat().st_size
        file.unlink()
        return freed

    # [end:storage]

    # [start:own]
    def add(self, source: str) -> str:
        """Take in a palette of the user's own."""
        place = Path(source).expanduser()
        if place.suffix != ".palette" or not place.is_file():
            raise InvalidRequest(f"{source} is no palette.", field="source", fix="Give a .palette file.")
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(place, self.folder / place.name)
        return place.stem

    def remove(self, native_id: str) -> None:
        """Take it out of the list again."""
        self._file(native_id).unlink()

    # [end:own]

    # [start:memory]
    def memory_needs(self, native_id: str, device: str) -> Sequence[MemoryNeed]:
        """Return the ways of running a model, best first."""
        size = self._file(native_id).stat().st_size
        return [
            MemoryNeed(plan="whole", device_bytes=size),
            MemoryNeed(plan="row by row", device_bytes=size // 16, ram_bytes=size),
        ]

    # [end:memory]

    # [start:loras]
    def loras(self) -> Sequence[LoraInfo]:
        """Return the tints that are here, and one worth getting."""
        tints = [LoraInfo(id=file.stem, title=file.stem, kind="stripes", size_bytes=file.stat().st_size)
                 for file in sorted(self.folder.glob("*.tint"))]  # fmt: skip
        return [*tints, LoraInfo(id="sepia", title="Sepia", kind="stripes", preset=True, weight=0.8,
                                 download=f"{self.name}:sepia")]  # fmt: skip

    # [end:loras]

    def _file(self, native_id: str) -> Path:
        file = self.folder / f"{native_id}.palette"
        if native_id not in {place.stem for place in self.folder.glob("*.palette")}:
            raise UnknownModel(f"There is no palette {native_id!r}.", field="model")
        return file
