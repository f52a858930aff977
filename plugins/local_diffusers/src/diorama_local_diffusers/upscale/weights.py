"""Official weight files of Real-ESRGAN: fetched, checked by hash, converted to safetensors once, and never trusted."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

from diorama.contract import BackendError, BackendNotReady, BackendSettings, InvalidRequest, JobContext

from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.headers import read_safetensors_header, tensor_shapes
from diorama_local_diffusers.models.locate import locate
from diorama_local_diffusers.upscale.networks import Shape, build, shape_of


def weights_place(entry: ModelEntry, settings: BackendSettings) -> Path:
    """Return where the weights of an upscaler lie, or would lie."""
    if entry.path.startswith(("http://", "https://")):
        return settings.data_dir / "upscalers" / f"{entry.name}.safetensors"
    return locate(entry, settings) or Path(entry.path).expanduser()


def fetch_weights(entry: ModelEntry, settings: BackendSettings, context: JobContext) -> Path:
    """Download the official file and convert it.

    The file is a pickle. It is opened only when its hash is the published one, and then by torch's restricted
    reader, which makes tensors and nothing else.

    Raises:
        BackendNotReady: offline mode is on.
        BackendError: the file is not the published one.
    """
    place = weights_place(entry, settings)
    if place.exists():
        return place
    if settings.offline:
        raise BackendNotReady(
            f"{entry.name} is not on this machine, and offline mode is on.", fix="Go online once."
        )
    context.progress("downloading", 0.0, f"Fetching {entry.name}", bytes_total=int(entry.size_gb * 1e9))
    fetched = context.fetch(entry.path, max_bytes=200_000_000)
    convert_pickle(fetched.path, place, entry.sha256)
    context.progress("downloading", 1.0, "Checked and converted")
    return place


def convert_pickle(source: Path, target: Path, sha256: str) -> None:
    """Write the tensors of an official ``.pth`` file as safetensors, in a process of its own.

    Raises:
        BackendError: its hash is not ``sha256``, or it holds other things than tensors.
    """
    with source.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not sha256 or found != sha256:
        raise BackendError(
            f"The file has the hash {found[:16]}..., not the published {sha256[:16] or 'one'}...; it was not opened.",
            fix="Download it again; if that does not help, the file at its source was changed.",
        )
    # With -P no module is taken from the folder that the server was started in.
    program = [sys.executable, "-P", "-m", "diorama_local_diffusers.upscale.convert"]
    done = subprocess.run(
        [*program, str(source.absolute()), str(target.absolute())],
        capture_output=True, stdin=subprocess.DEVNULL, encoding="utf-8", errors="replace", check=False,
    )  # fmt: skip
    if done.returncode:
        told = done.stderr.strip().splitlines()
        raise BackendError(f"The file cannot be converted: {told[-1][:300] if told else 'its reader died'}.")


def read_shape(place: Path) -> Shape:
    """Return the network's shape from a safetensors header.

    Raises:
        InvalidRequest: it is none of the two networks that we have ourselves.
    """
    shape = shape_on_disk(place)
    if shape is None:
        raise InvalidRequest(
            f"{place.name} is no network of Real-ESRGAN.",
            field="model",
            fix="Give weights of RRDBNet or SRVGGNetCompact as safetensors.",
        )
    return shape


def shape_on_disk(place: Path) -> Shape | None:
    """Return the network's shape from a safetensors header, ``None`` for another architecture."""
    return shape_of(tensor_shapes(read_safetensors_header(place)))


def open_network(place: Path, device: str, dtype: Any) -> tuple[Any, Shape]:
    """Return the network with its weights on a device.

    Raises:
        BackendNotReady: only spandrel could open it, and that is not usable here.
        InvalidRequest: nothing here knows the weights.
    """
    shape = shape_on_disk(place)
    if shape is None:
        from diorama_local_diffusers.upscale.foreign import open_other

        return open_other(place, device, dtype)
    from safetensors.torch import load_file

    network = build(shape)
    network.load_state_dict(load_file(place))
    return network.to(device=device, dtype=dtype), shape
