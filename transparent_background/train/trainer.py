"""The training loop."""

from __future__ import annotations

import logging
import math
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..errors import ConfigError, OutputError, TrainingError, needing
from ..media.parts import sweep
from ..model import PyramidNetwork
from ..model.input import blends, normalise
from ..model.layers import size_of
from ..pipeline.signals import EndedBySignal, on_signals
from .building import (
    build_network,
    build_optimiser,
    build_teacher,
    choose_precision,
    save_weights,
    set_training,
)
from .config import TrainConfig, dump_config
from .losses import pyramid_loss, structure_loss
from .records import RunRecords
from .samples import Stream, TrainingSet, batch_sizes, make_loader
from .state import STATE_FILE, load_state, save_state
from .validating import Validator

logger = logging.getLogger(__name__)

MAX_BAD_STEPS = 20  # losses in a row that are no numbers before a run gives up

VALIDATION_LIMIT = timedelta(hours=6)  # that processes wait for the one that validates

Progress = Callable[[int, int, dict[str, float]], None]
"""Called after every step with the steps done, all steps, and the latest numbers."""


class Trainer:
    """One training run.

    Parameters
    ----------
    config
        What to train, on what, how.
    resume
        Go on from the state in the output folder; start anew if there is none.
    progress
        Called after every step, in the main process.

    Raises
    ------
    ConfigError
        The output folder holds a run and ``resume`` is false.
    DataSetError
        Pictures and masks do not match.
    """

    def __init__(
        self, config: TrainConfig, *, resume: bool = False, progress: Progress | None = None
    ) -> None:
        with needing("train", "training needs more packages"):
            from accelerate import Accelerator
            from accelerate.utils import DistributedDataParallelKwargs, InitProcessGroupKwargs, set_seed
        if config.threads:
            torch.set_num_threads(config.threads)
        self.config, self.progress = config, progress
        self.folder = Path(config.output).expanduser()
        state = load_state(self.folder) if resume else None
        if state is None and (self.folder / STATE_FILE).exists():
            raise ConfigError(
                f"{self.folder}: holds a run; go on with --resume, or give another output=FOLDER"
            )
        # a blended batch leaves the small pass's coarser Laplacian out of the loss
        parallel = DistributedDataParallelKwargs(find_unused_parameters=config.loss.blend)
        # while the main process validates, the others wait
        waiting = InitProcessGroupKwargs(timeout=VALIDATION_LIMIT)
        self.accelerator = Accelerator(
            mixed_precision=choose_precision(config.optimiser.precision), kwargs_handlers=[parallel, waiting]
        )
        self.device: torch.device = self.accelerator.device
        self.main = bool(self.accelerator.is_main_process)
        set_seed(config.seed)  # the head's first weights

        self.dataset = TrainingSet(config)
        self.validator = Validator(config)
        self.stream = Stream(
            self.dataset.weights,
            config.data.batch_size,
            batch_sizes(config),
            config.seed,
            rank=self.accelerator.process_index,
            world=self.accelerator.num_processes,
        )
        per_epoch = self.stream.epoch_batches / config.optimiser.accumulate
        schedule = config.schedule
        self.total: int = schedule.steps or max(round(schedule.epochs * per_epoch), 1)
        self.step = self.bad_steps = 0
        self.best: float | None = None
        self._build(state)
        self.teacher = build_teacher(config.loss.teacher, self.device) if config.loss.teacher else None
        if self.main:
            self._open_folder()
        self.stopping: int | None = None  # by which signal

    def _build(self, state: dict[str, Any] | None) -> None:
        """Make network, average and optimiser, and load their state."""
        config = self.config
        self.network: PyramidNetwork = build_network(config.model)
        if self.accelerator.num_processes > 1 and self.device.type == "cuda":
            self.network = nn.SyncBatchNorm.convert_sync_batchnorm(self.network)  # type: ignore[no-untyped-call]
        optimiser, self.average = build_optimiser(self.network, config.optimiser, self.device)
        self.wrapped: Any
        self.wrapped, self.optimiser = self.accelerator.prepare(self.network, optimiser)
        if state is not None:
            self._take_over(state)
        if config.optimiser.compile:
            self.wrapped = torch.compile(self.wrapped)

    def _take_over(self, state: dict[str, Any]) -> None:
        """Go on from a saved state, but with the rates of this run: the saved one may have had others."""
        own = [(group["peak"], group["weight_decay"]) for group in self.optimiser.param_groups]
        try:
            self.network.load_state_dict(state["network"])
            if self.average is not None and state["average"] is not None:
                self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
        except (RuntimeError, ValueError, KeyError) as error:
            raise ConfigError(
                f"{self.folder}: holds a run of another network, optimiser or model.freeze than the "
                f"configuration; give another output=FOLDER ({' '.join(str(error).split())[:160]})"
            ) from error
        for group, (peak, decay) in zip(self.optimiser.param_groups, own, strict=True):
            group.update(peak=peak, weight_decay=decay)
        if self.accelerator.scaler is not None and state.get("scaler"):
            self.accelerator.scaler.load_state_dict(state["scaler"])
        self.step, self.best = int(state["step"]), state["best"]

    def _open_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            sweep(self.folder)
            (self.folder / "config.yaml").write_text(dump_config(self.config), "utf-8")
        except OSError as error:
            raise OutputError(f"{self.folder}: cannot be written: {error.strerror}") from error
        self.records = RunRecords(self.folder, self.step, tensorboard=self.config.log.tensorboard)

    def run(self) -> dict[str, dict[str, float]]:
        """Train to the last step.

        Returns
        -------
        The scores of the last validation by set; empty without validation sets.

        Raises
        ------
        TrainingError
            The loss was no number many times in a row.
        KeyboardInterrupt
            The run was interrupted or terminated; its state is saved.
        """
        config, log = self.config, self.config.log
        done = self.step * config.optimiser.accumulate
        batches = iter(make_loader(self.dataset, self.stream, config.data, done))
        scores: dict[str, dict[str, float]] = {}
        with on_signals(self._ask_to_stop):
            set_training(self.network, config.model.freeze)
            since, seen = time.perf_counter(), 0
            while self.step < self.total and not self._in_any_process(self.stopping is not None):
                loss, terms, count = self._train_step(batches)
                seen += count
                self.step += 1
                numbers = {"loss": loss, "lr": self.optimiser.param_groups[-1]["lr"]}
                if self.main and self.progress is not None:
                    self.progress(self.step, self.total, numbers)
                if self.main and self.step % log.every == 0:
                    rate = seen / (time.perf_counter() - since)
                    self.records.train({"step": self.step, **numbers, "pictures_per_s": rate, **terms})
                    since, seen = time.perf_counter(), 0
                if self._is_due(log.validate_every):
                    scores = self._validate()
                if self.main and self._is_due(log.grid_every):
                    self.records.grid(self.step, self.validator.grid(self._inference_network(), self.device))
                    set_training(self.network, config.model.freeze)
                if self.step % log.save_every == 0:
                    self.save()
            self.save()
            stopped = self.step < self.total
        if self.main:
            self.records.close()
        self.accelerator.end_training()
        if stopped:
            raise EndedBySignal(self.stopping or signal.SIGINT)  # another process may have been told
        return scores

    def _is_due(self, every: int) -> bool:
        """Whether what needs validation sets is to be done after this step."""
        return bool(self.validator.sets) and (self.step == self.total or self.step % every == 0)

    def _train_step(self, batches: Iterator[Any]) -> tuple[float, dict[str, float], int]:
        """Make one step of the optimiser; returns the loss, its terms and how many pictures it saw."""
        optimiser = self.config.optimiser
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.schedule.rate(self.step, self.total, group["peak"])
        # BatchNorm takes in what it sees before a loss shows that it was no number
        buffers = [(buffer, buffer.clone()) for buffer in self.network.buffers()]
        numbers, seen = self._gradients(batches)
        scaled = self.accelerator.scaler is not None  # fp16: the scaler itself leaves out steps that overflow
        limit = math.inf if optimiser.clip is None else optimiser.clip
        norm = self.accelerator.clip_grad_norm_(self.network.parameters(), limit)
        finite = math.isfinite(numbers["loss"]) and (scaled or bool(torch.isfinite(norm)))
        # all processes must take a step or none
        if self._in_any_process(not finite):
            with torch.no_grad():
                for buffer, before in buffers:
                    buffer.copy_(before)
            if scaled:
                self.optimiser.step()  # takes no step, and lowers the scale
            self._bad_step()
        else:
            self.bad_steps = 0
            self.optimiser.step()
            if self.average is not None and not self.accelerator.optimizer_step_was_skipped:
                self.average.update_parameters(self.network)
        self.optimiser.zero_grad(set_to_none=True)
        return numbers.pop("loss"), numbers, seen

    def _gradients(self, batches: Iterator[Any]) -> tuple[dict[str, float], int]:
        """Add up the gradients of a step's batches; return the loss and its terms, and the pictures seen."""
        count = self.config.optimiser.accumulate
        sums: dict[str, float] = defaultdict(float)
        seen = 0
        for part in range(count):
            images, masks = next(batches)
            self._seed(part)
            x, y = normalise(images.to(self.device)), masks.to(self.device)
            # processes exchange gradients once a step
            with self.accelerator.no_sync(self.wrapped) if part + 1 < count else nullcontext():
                loss, terms = self._loss(x, y)
                self.accelerator.backward(loss / count)
            for name, value in {"loss": loss.detach(), **terms}.items():
                sums[name] += float(value) / count
            seen += len(images) * self.accelerator.num_processes
        return sums, seen

    def _seed(self, part: int) -> None:
        """Make what the network draws (drop path) follow from the step: a resumed run draws it again."""
        places = (self.config.seed, self.step, part, self.accelerator.process_index)
        torch.manual_seed(int(np.random.SeedSequence(places).generate_state(1)[0]))

    def _loss(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        c = self.config.loss
        size = self.network.base_size
        inputs = [x]
        if c.blend and blends(size_of(x), size):
            # through pyramid blending; the pass that gives the shape sees the batch at base size
            inputs.append(functional.interpolate(x, size=size, mode="bilinear", antialias=True))
        with self.accelerator.autocast():
            pyramid = self.wrapped(*inputs)
        loss, terms = pyramid_loss(pyramid, y, c)
        if self.teacher is not None:
            taught = structure_loss(pyramid.d0.float(), self.teacher(x), c)
            terms["distil"] = taught.detach()
            loss = loss + c.distil * taught
        return loss, terms

    def _in_any_process(self, flag: bool) -> bool:
        """Whether a flag is up in any of the processes; all must ask at once."""
        if self.accelerator.num_processes == 1:
            return flag
        flags = torch.tensor([float(flag)], device=self.device)
        return bool(self.accelerator.gather(flags).max() > 0)

    def _bad_step(self) -> None:
        self.bad_steps += 1
        logger.warning("step %d: the loss is no number; the step is left out", self.step)
        if self.bad_steps >= MAX_BAD_STEPS:
            raise TrainingError(
                f"{self.folder}: the loss was no number {MAX_BAD_STEPS} times in a row; "
                "go on from the last state with --resume and a lower optimiser.lr"
            )

    def _inference_network(self) -> PyramidNetwork:
        """Return what is validated and saved: the average, if there is one."""
        return self.network if self.average is None else self.average.module  # type: ignore[return-value]

    def _validate(self) -> dict[str, dict[str, float]]:
        """Score the validation sets in the main process, and keep the best weights."""
        scores: dict[str, dict[str, float]] = {}
        if self.main:
            scores = self.validator.scores(self._inference_network(), self.device)
            for name, values in scores.items():
                self.records.validation(self.step, name, values)
            self.records.curves()
            kind = self.config.log.best
            mean = sum(values[kind] for values in scores.values()) / len(scores)
            better = self.best is None or (mean < self.best if kind == "mae" else mean > self.best)
            if better and math.isfinite(mean) and self._save_weights("best.safetensors"):
                self.best = mean
            set_training(self.network, self.config.model.freeze)
        self.accelerator.wait_for_everyone()
        return scores

    def save(self) -> None:
        """Write the state and the latest weights to the output folder."""
        if not self.main:
            return
        state = {
            "step": self.step,
            "best": self.best,
            "network": self.network.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": None if self.accelerator.scaler is None else self.accelerator.scaler.state_dict(),
        }
        if save_state(self.folder, state):
            self._save_weights("last.safetensors")

    def _save_weights(self, name: str) -> bool:
        """Write what is validated; a full disk is logged. Return whether it was written."""
        try:
            save_weights(
                self._inference_network(), self.config.model, self.folder / name, step=str(self.step)
            )
        except OutputError as error:
            logger.warning("%s", error)
            return False
        return True

    def _ask_to_stop(self, number: int, frame: Any) -> None:
        """Finish the step and save; asked twice, Ctrl-C interrupts at once."""
        if self.stopping and number == signal.SIGINT:
            raise EndedBySignal(self.stopping)
        self.stopping = self.stopping or number
