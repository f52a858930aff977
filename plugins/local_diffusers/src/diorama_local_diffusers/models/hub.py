"""Asking the hub about a repository that is not on this machine."""

from __future__ import annotations

from diorama.contract import BackendError, BackendNotReady, InvalidRequest


def family_on_hub(repository: str, *, offline: bool) -> str:
    """Return the family of a hub repository by its ``model_index.json``; nothing else is downloaded.

    Raises:
        BackendNotReady: offline, or the repository is gated.
        InvalidRequest: there is no such repository, it is no pipeline, or of no known family.
        BackendError: the hub does not answer.
    """
    if offline:
        raise BackendNotReady(
            f"{repository} is not on this machine, and offline mode is on.",
            fix="Name its type with --type, or go online once.",
        )
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, GatedRepoError, RepositoryNotFoundError

    from diorama_local_diffusers.models.detect import detect_folder
    from diorama_local_diffusers.models.folder import read_folder

    try:
        from pathlib import Path

        return detect_folder(read_folder(Path(hf_hub_download(repository, "model_index.json")).parent))
    except GatedRepoError as error:
        raise BackendNotReady(
            f"{repository} is gated.",
            fix=f"Accept its licence at https://huggingface.co/{repository} and set HF_TOKEN.",
        ) from error
    except RepositoryNotFoundError as error:
        raise InvalidRequest(f"The hub has no repository {repository}.", field="source") from error
    except EntryNotFoundError as error:
        raise InvalidRequest(
            f"{repository} is not a diffusers repository.",
            field="source",
            fix="Give the URL's owner/name of a diffusers version.",
        ) from error
    except OSError as error:
        raise BackendError(f"The hub did not answer: {error}.", retryable=True) from error
