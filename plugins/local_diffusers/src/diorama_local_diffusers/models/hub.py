"""Asking the hub about a repository, with errors that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from diorama.contract import BackendError, BackendNotReady, InvalidRequest, NotFound


@contextmanager
def hub_errors(repository: str) -> Iterator[None]:
    """Turn the hub client's errors into ours."""
    import httpx2
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    page = f"https://huggingface.co/{repository}"
    try:
        yield
    except GatedRepoError as error:
        raise BackendNotReady(
            f"{repository} is gated: its makers want you to accept the licence first.",
            fix=f"Accept it at {page} with your account, set HF_TOKEN to a token of that account, and try again.",
        ) from error
    except RepositoryNotFoundError as error:
        raise NotFound(
            f"The hub has no repository {repository}, or it is private.",
            field="model",
            fix="Check the name; for a private repository set HF_TOKEN.",
        ) from error
    except LocalEntryNotFoundError as error:  # the client's way to say that it reached nobody
        raise BackendError(
            f"The hub did not deliver {repository}: it cannot be reached.",
            retryable=True,
            fix="Look at the network connection, and try again.",
        ) from error
    except EntryNotFoundError as error:
        raise InvalidRequest(
            f"{repository} lacks a file that a diffusers model has: {error}.",
            field="source",
            fix="Name a repository in the diffusers layout, with a model_index.json.",
        ) from error
    except (HfHubHTTPError, httpx2.HTTPError, OSError) as error:
        raise BackendError(f"The hub did not deliver {repository}: {error}.", retryable=True) from error


def family_on_hub(repository: str, *, offline: bool) -> str:
    """Return the family of a hub repository by its ``model_index.json``; nothing else is downloaded.

    Raises:
        BackendNotReady: offline, or the repository is gated.
        NotFound: there is no such repository.
        InvalidRequest: it is no pipeline, or of no known family.
        BackendError: the hub does not answer.
    """
    from diorama_local_diffusers.models.detect import detect_folder
    from diorama_local_diffusers.models.folder import read_folder

    refuse_offline(repository, offline)
    from huggingface_hub import hf_hub_download

    _, files = repository_files(repository, "", None)
    if "model_index.json" not in files:
        raise InvalidRequest(
            f"{repository} is no diffusers model: it has no model_index.json.",
            field="source",
            fix=_other_way(files),
        )
    with hub_errors(repository):
        index = hf_hub_download(repository, "model_index.json")
    return detect_folder(read_folder(Path(index).parent))


def _other_way(files: dict[str, int]) -> str:
    """Return how a repository without the usual layout can be used all the same."""
    for ending, what in ((".gguf", "GGUF files"), (".safetensors", "single files")):
        if names := [name for name in files if name.endswith(ending)]:
            return (
                f"It has {what} such as {names[0]}: download one, and give its path to `diorama models add` "
                "(or to `diorama loras download`, if it is a LoRA)."
            )
    return "Name a repository in the diffusers layout."


def repository_files(repository: str, revision: str, token: str | None) -> tuple[str, dict[str, int]]:
    """Return the commit of a repository, and its files with their sizes in bytes."""
    from huggingface_hub import HfApi

    with hub_errors(repository):
        info: Any = HfApi(token=token).model_info(repository, revision=revision or None, files_metadata=True)
    return str(info.sha), {item.rfilename: int(item.size or 0) for item in info.siblings}


def refuse_offline(repository: str, offline: bool) -> None:
    """Stop before any attempt when offline mode is on.

    Raises:
        BackendNotReady: it is.
    """
    if offline:
        raise BackendNotReady(
            f"{repository} is not on this machine, and offline mode is on.",
            fix="Switch offline mode off and try again.",
        )
