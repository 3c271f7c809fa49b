"""The numbers of a run."""

from dataclasses import dataclass

from .schedule import PREDICTIONS

RESULTS = ("best", "last")


@dataclass(frozen=True)
class Settings:
    """Numbers of the paper by default.

    num_steps: K; strength: T, share of the schedule to start from, above 0 to 1
    timesteps: the first t_k, rising, on the model's scale, in the place of K and T: the schedule a
    model of few steps was distilled for
    iterations: W updates; 0 is the plain blended image-to-image run
    lr_timesteps, lr_noise: of the two AdamW optimisers, 0 keeps that input constant
    weight_decay: of both; AdamW's own 0.01 at lr 1 would drag the timesteps down by 1 % an update
    gradient_steps: let gradients through the last so many steps only, None for all
    patience: end after so many iterations without a better loss, None for never
    prediction: a key of `PREDICTIONS`; keep_all: keep result and noise of every iteration
    recompute: compute each denoising step again on the way back, so that memory does not grow with
    num_steps; without it a third less time is needed
    clip: norm to which each picture's gradient to the noise is cut, which then takes steps of
    Nesterov's momentum 0.9 in place of AdamW's (ReNO: 0.1 at lr_noise 5); None for AdamW
    normalise: bring gradients to the norm `clip`, small ones too
    longest_step: L2 length to which an update of one picture's noise is cut, None for no limit
    keep_norm: after each update the noise inside the mask gets its first norm back
    white: after each update its spectrum there gets the first noise's energies back, band by band
    through_model: False takes the loss's gradient to the result for that to the noise, as FlowOpt
    does, so that the model is only called; timesteps then have no gradient
    least_gain: an iteration counts as better only when the loss fell by this share of its fall so
    far, see `patience`
    result: "best" gives each image's lowest loss, "last" the last iteration
    scale_loss: scale it so that gradients survive a float16 model
    """

    num_steps: int = 10
    strength: float = 0.75
    iterations: int = 50
    lr_timesteps: float = 1.0
    lr_noise: float = 5e-3
    weight_decay: float = 0.0
    gradient_steps: int | None = None
    patience: int | None = None
    prediction: str = "epsilon"
    keep_all: bool = False
    recompute: bool = True
    result: str = "best"
    scale_loss: bool = False
    keep_norm: bool = False
    clip: float | None = None
    normalise: bool = False
    longest_step: float | None = None
    white: bool = False
    through_model: bool = True
    least_gain: float = 0.0
    timesteps: tuple[float, ...] | None = None

    def __post_init__(self):
        truncate, patience = self.gradient_steps, self.patience
        given = self.timesteps is None or list(self.timesteps) == sorted(set(self.timesteps))
        checks = {
            "timesteps": (given and self.timesteps != (), "one or more, each above the one before"),
            "num_steps": (self.num_steps >= 1, "1 or more"),
            "strength": (0 < self.strength <= 1, "above 0 and up to 1"),
            "iterations": (self.iterations >= 0, "0 or more"),
            "gradient_steps": (truncate is None or truncate >= 1, "1 or more"),
            "patience": (patience is None or patience >= 1, "1 or more"),
            "prediction": (self.prediction in PREDICTIONS, f"one of {list(PREDICTIONS)}"),
            "clip": (self.clip is None or self.clip > 0, "above 0"),
            "longest_step": (self.longest_step is None or self.longest_step > 0, "above 0"),
            "least_gain": (0 <= self.least_gain < 1, "0 or more, below 1"),
            "result": (self.result in RESULTS, f"one of {list(RESULTS)}"),
        }
        for name, (fits, expected) in checks.items():
            if not fits:
                raise ValueError(f"{name}: expected {expected}, got {getattr(self, name)}.")
