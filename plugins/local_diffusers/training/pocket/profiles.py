"""How much time and width each stage gets."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """Budgets of the stages in minutes of training time, and sizes that depend on the machine."""

    device: str
    text_minutes: float
    judge_minutes: float
    vae_minutes: float
    unet_minutes: float
    polish_minutes: float
    vae_scenes: int
    scenes: int
    batch: int
    vae_batch: int
    text_batch: int
    unet_rate: float


PROFILES: dict[str, Profile] = {
    "cpu": Profile("cpu", 20, 20, 24, 97, 12, 10_000, 40_960, 32, 16, 128, 6e-4),
    "gpu": Profile("cuda", 3, 4, 6, 20, 2, 20_000, 100_000, 512, 64, 512, 1.5e-3),
    "smoke": Profile("cpu", 0.1, 0.1, 0.1, 0.1, 0.02, 64, 128, 16, 4, 32, 1e-3),
}
"""`cpu`: two cores, under three hours. `gpu`: one card, about half an hour. `smoke`: does everything run?"""
