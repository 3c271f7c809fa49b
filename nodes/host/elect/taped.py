"""A guider that records what it answers, stops, and replays; and the SAMPLER that runs it."""

from collections.abc import Callable, Sequence

import comfy.model_management
import comfy.patcher_extension
import comfy.samplers
import torch
from torch import Tensor

from ....elect_core.relevance import raw_relevance
from ....elect_core.schedule import Cost
from ....elect_core.tape import Answer, Stopped, Tape, TapeModel
from ..conditions import NULL_KEY, null_key, require_image_input, require_text_input
from ..versions import prepare_state
from .leaving import Leaving
from .noise import with_candidate_noise

_POST_CFG = "sampler_post_cfg_function"


class RelevanceProbe:
    """Reads text and null-text predictions off the guider's own model calls.

    Installed as ComfyUI's CALC_COND_BATCH wrapper. Where an explicit null conditioning is given,
    it is run beside the guider's call, in the window only.
    """

    def __init__(self, window_step: int):
        self.window_step = window_step
        self.cost = Cost()
        self.rest()

    def rest(self) -> None:
        """Expect no call, and hold nothing of the last one."""
        self.conds: dict[str, list] = {}
        self.shape: torch.Size | None = None
        self.text: Tensor | None = None
        self.relevance: Tensor | None = None

    def arm(self, conds: dict[str, list], step: int, shape: torch.Size) -> None:
        """Expect the calls of one guider call; parts of the picture (context windows) do not count.

        conds: the guider's, by name; shape: of x
        """
        self.rest()
        self.conds, self.step, self.shape = conds, step, shape

    def _index(self, conds: Sequence, key: str | None) -> int | None:
        """Where a named condition is in a call: by identity, or by its id for copies."""
        own = self.conds.get(key) if key is not None else None
        if not own:
            return None
        for index, cond in enumerate(conds):
            if cond is own or (cond and cond[0].get("uuid") == own[0].get("uuid")):
                return index
        return None

    def __call__(self, executor, model, conds, x_in, timestep, model_options, *args, **kwargs):
        outputs = executor(model, conds, x_in, timestep, model_options, *args, **kwargs)
        num_conds = sum(cond is not None for cond in conds)
        self.cost += Cost(model_evaluations=num_conds * len(x_in))
        if x_in.shape == self.shape and self.relevance is None:
            self._look(executor, conds, outputs, model, x_in, timestep, model_options)
        return outputs

    def _look(self, executor, conds, outputs, model, x_in, timestep, model_options) -> None:
        """Take the first text prediction and the first null one; hooks' own calls come later."""
        text, key = self._index(conds, "positive"), null_key(self.conds)
        if text is not None and self.text is None:
            self.text = outputs[text]
        if self.text is None:
            return
        if key != NULL_KEY:
            index = self._index(conds, key)
            null = outputs[index] if index is not None else None
        elif self.step < self.window_step:
            arguments = (x_in, timestep, model_options)
            null = executor(model, [self.conds[NULL_KEY]], *arguments)[0]
            self.cost += Cost(nfe=len(x_in), model_evaluations=len(x_in))
        else:
            null = None
        if null is not None:
            self.relevance = raw_relevance(self.text, null)


class TapedGuider:
    """What a sampler calls in a guider's place; every other attribute is the guider's."""

    def __init__(
        self,
        guider,
        tape: Tape,
        stop_step: int | None,
        probe: RelevanceProbe,
        options,
        keep: Callable[[Tensor], Tensor],
        change: Callable[[Tensor], Tensor] | None = None,
    ):
        self._guider = guider
        self._change = change
        self._probe = probe
        self._own_hooks = len(options.get(_POST_CFG, []))
        self.tape_model = TapeModel(self._predict, tape, stop_step, self._replay, keep)

    def __getattr__(self, name: str):
        return getattr(self._guider, name)

    def __call__(self, x: Tensor, sigma: Tensor, model_options: dict | None = None, seed=None):
        comfy.model_management.throw_exception_if_processing_interrupted()
        return self.tape_model(x, sigma, model_options=model_options or {}, seed=seed)

    def _sampler_hooks(self, model_options: dict) -> list[Callable]:
        """Post-CFG hooks the sampler added: the CFG++ family reads the null prediction there."""
        return model_options.get(_POST_CFG, [])[self._own_hooks :]

    def _predict(self, x: Tensor, sigma: Tensor, model_options: dict, seed) -> Answer:
        answer: Answer = {}

        def keep_uncond(args: dict) -> Tensor:
            answer["uncond_denoised"] = args["uncond_denoised"]
            if args.get("uncond") is None:  # then newer samplers read the text's own prediction
                answer["cond_denoised"] = args["cond_denoised"]
            return args["denoised"]

        if self._sampler_hooks(model_options):
            hooks = [*model_options[_POST_CFG], keep_uncond]
            model_options = {**model_options, _POST_CFG: hooks}
        self._probe.arm(self._guider.conds, self.tape_model.finished, x.shape)
        answer["denoised"] = self._guider(x, sigma, model_options=model_options, seed=seed)
        if self._change is not None:
            answer["denoised"] = self._change(answer["denoised"])
        self._probe.cost += Cost(nfe=len(x))
        if self._probe.relevance is not None:
            answer["relevance"] = self._probe.relevance
        return answer

    def _replay(self, x: Tensor, sigma: Tensor, answer: Answer, model_options: dict, seed) -> None:
        patcher = self._guider.model_patcher
        conds = [entry for entries in self._guider.conds.values() for entry in entries]
        for entry in conds:  # hook keyframes count the steps they saw
            if entry.get("hooks") is not None and _is_active(entry, sigma):
                patcher.prepare_hook_patches_current_keyframe(sigma, entry["hooks"], model_options)
        prepare_state(patcher, sigma, model_options)
        uncond = None if "cond_denoised" in answer else conds
        for hook in self._sampler_hooks(model_options):
            seen = {"uncond": uncond, "input": x, "sigma": sigma, "model_options": model_options}
            hook({**answer, **seen})


def _is_active(entry: dict, sigma: Tensor) -> bool:
    """Whether a condition's timestep range holds a noise level; others are not run at all."""
    begins, ends = entry.get("timestep_start"), entry.get("timestep_end")
    late = begins is not None and sigma[0] > begins
    return not late and not (ends is not None and sigma[0] < ends)


class TapedSampler(comfy.samplers.Sampler):
    """A SAMPLER that runs another one on a `TapedGuider`.

    tape: of the candidates in the batch, extended in place; stop_step: None runs to the end
    on_step: called after each finished step with (step, denoised (N, C, h, w))
    change: made to every answer that is not on the tape, (N, C, h, w) to the same
    """

    def __init__(
        self,
        sampler: comfy.samplers.Sampler,
        seeds: Sequence[int],
        tape: Tape,
        stop_step: int | None,
        probe: RelevanceProbe,
        on_step: Callable[[int, Tensor], None],
        change: Callable[[Tensor], Tensor] | None = None,
    ):
        self.change = change
        self.stopped_at: Tensor | None = None
        self.sampler = sampler
        self.seeds = seeds
        self.tape = tape
        self.stop_step = stop_step
        self.probe = probe
        self.on_step = on_step
        self.stopped = False
        self.last_denoised: Tensor | None = None

    def sample(
        self,
        model_wrap,
        sigmas,
        extra_args,
        callback,
        noise,
        latent_image=None,
        denoise_mask=None,
        disable_pbar=False,
    ):
        require_image_input(model_wrap.conds, noise)
        require_text_input(model_wrap.conds, model_wrap.inner_model.model_config.unet_config)
        options = extra_args["model_options"]
        leaving = Leaving()
        guider = TapedGuider(
            model_wrap, self.tape, self.stop_step, self.probe, options, leaving, self.change
        )

        def end_step(step: int, denoised: Tensor, x: Tensor, total: int) -> None:
            guider.tape_model.end_step(None if denoise_mask is None else denoised)
            self.last_denoised = denoised
            self.on_step(step, denoised)

        sampler = with_candidate_noise(self.sampler, noise, sigmas, self.seeds)
        # A copy: ComfyUI's uni_pc writes its last level into the tensor it is given.
        arguments = (
            sigmas.clone(),
            extra_args,
            end_step,
            noise,
            latent_image,
            denoise_mask,
            disable_pbar,
        )
        try:
            samples = sampler.sample(guider, *arguments)
        except Stopped:
            self.stopped, self.stopped_at = True, guider.tape_model.stopped_at
            return self.last_denoised
        finally:
            # The pair refers to each other; cut, it goes now and not at some later collection.
            del guider.tape_model
            self.probe.rest()
            leaving.wait()
        if not self.tape.steps:
            raise ValueError(
                f"sampler: {type(self.sampler).__name__} does not report its steps, so it cannot "
                "be stopped between them. Choose one of ComfyUI's own samplers."
            )
        return samples
