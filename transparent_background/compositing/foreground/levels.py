"""The linear systems of multi-level foreground estimation (Germer et al., ICPR 2020).

A "field" is (channels, h, w, n): n windows side by side in the last dimension, so that a shift by a
pixel is a slice of long contiguous runs. A whole picture has n = 1.
"""

from __future__ import annotations

import torch
from torch import Tensor

# Published values (Germer et al., section 4): the smoothness that holds everywhere, the weight of
# the matte's gradient in it (1, so it is not written out), and the iterations a level gets.
REGULARISATION = 1e-5
SMALL_SIDE, SMALL_ITERATIONS, ITERATIONS = 32, 10, 2


def moments_of(colours: Tensor, alpha: Tensor) -> Tensor:
    """(3, h, w, n), (1, h, w, n) -> alpha, alpha^2, alpha * I, I as one field of 8 channels.

    Their averages over a block are the normal equations of one F and one B for the whole block, so
    a coarse level loses nothing that the fine one knows about them.
    """
    out = colours.new_empty((8, *colours.shape[1:]))
    out[0], out[5:] = alpha[0], colours
    torch.mul(alpha, alpha, out=out[1:2])
    torch.mul(colours, alpha, out=out[2:5])
    return out


def halve(field: Tensor) -> Tensor:
    """Average 2 x 2 pixels; what is left over at the lower and right edges is averaged alone."""
    if field.shape[1] % 2 and field.shape[1] > 1:
        field = torch.cat([field, field[:, -1:]], 1)
    if field.shape[2] % 2 and field.shape[2] > 1:
        field = torch.cat([field, field[:, :, -1:]], 2)
    if field.shape[1] > 1:
        field = (field[:, 0::2] + field[:, 1::2]).mul_(0.5)
    if field.shape[2] > 1:
        field = (field[:, :, 0::2] + field[:, :, 1::2]).mul_(0.5)
    return field


def double(field: Tensor) -> Tensor:
    """Repeat every pixel 2 x 2 times."""
    return field.repeat_interleave(2, 1).repeat_interleave(2, 2)


def frame(field: Tensor) -> Tensor:
    """Repeat the outermost pixels once more on every side."""
    field = torch.cat([field[:, :1], field, field[:, -1:]], 1)
    return torch.cat([field[:, :, :1], field, field[:, :, -1:]], 2)


def inner(field: Tensor) -> Tensor:
    """Leave out the outermost pixels."""
    return field[:, 1:-1, 1:-1]


def solve_levels(moments: Tensor) -> Tensor:
    """Solve a whole picture, from one pixel upwards: (8, h, w, 1) -> F and B, (6, h, w, 1)."""
    levels = [moments]
    while max(levels[-1].shape[1:3]) > 1:
        levels.append(halve(levels[-1]))
    alpha, _, premultiplied, colours = torch.split(levels[-1], [1, 1, 3, 3])
    fb = torch.cat([premultiplied / (alpha + 1e-6), (colours - premultiplied) / (1 - alpha + 1e-6)]).clamp_(
        0, 1
    )
    for level in reversed(levels):
        _, height, width, _ = level.shape
        if max(height, width) > 1:
            fb = double(fb)[:, :height, :width]
        rounds = SMALL_ITERATIONS if max(height, width) <= SMALL_SIDE else ITERATIONS
        system = BlockSystem(level, frame(level[:1]))
        for _ in range(rounds):
            fb = system.step(frame(fb))
    return fb


class BlockSystem:
    """The equations of one level: how every pixel depends on its four neighbours.

    With the neighbours held still, the cost of a pixel that stands for a block of pixels is

        mean |a F + (1 - a) B - I|^2 + s |F - F'|^2 + s |B - B'|^2

    where F', B' are the neighbours' means under weights (regularisation + difference of alpha) and
    s is the sum of those weights. Its minimum is (F', B') plus a 2 x 2 matrix times the residuals
    of the normal equations at (F', B').
    """

    def __init__(self, moments: Tensor, alpha: Tensor) -> None:
        """Take moments (8, h, w, n) and alpha (1, h + 2, w + 2, n) with a frame of neighbours."""
        total = self._weigh(alpha)
        mean, square, self.foreground, colours = torch.split(moments, [1, 1, 3, 3])
        self.background = colours - self.foreground
        self.ff, self.fb = square, mean - square
        self.bb = 1 - mean - self.fb
        variance = (square - mean * mean).clamp_(min=0)
        inverse = (variance + total * (self.ff + self.bb + total)).reciprocal_()
        self.gain_ff = (self.bb + total) * inverse
        self.gain_bb = (self.ff + total) * inverse
        self.gain_fb = -self.fb * inverse

    def _weigh(self, alpha: Tensor) -> Tensor:
        """Set the four neighbours' weights, which add up to 1; return their sum before."""
        across = (alpha[:, 1:-1, 1:] - alpha[:, 1:-1, :-1]).abs_().add_(REGULARISATION)
        down = (alpha[:, 1:, 1:-1] - alpha[:, :-1, 1:-1]).abs_().add_(REGULARISATION)
        sides = (across[:, :, :-1], across[:, :, 1:], down[:, :-1], down[:, 1:])
        total = sides[0] + sides[1] + sides[2] + sides[3]
        inverse = total.reciprocal()
        self.weights = [side * inverse for side in sides]
        return total

    def _neighbours(self, fb: Tensor) -> Tensor:
        left, right, above, below = self.weights
        out = left * fb[:, 1:-1, :-2]
        out.addcmul_(right, fb[:, 1:-1, 2:])
        out.addcmul_(above, fb[:, :-2, 1:-1])
        return out.addcmul_(below, fb[:, 2:, 1:-1])

    def step(self, fb: Tensor) -> Tensor:
        """One iteration: (6, h + 2, w + 2, n) -> (6, h, w, n)."""
        out = self._neighbours(fb)
        f, b = out[:3], out[3:]
        rest_f = torch.addcmul(self.foreground, self.ff, f, value=-1)
        rest_f.addcmul_(self.fb, b, value=-1)
        rest_b = torch.addcmul(self.background, self.fb, f, value=-1)
        rest_b.addcmul_(self.bb, b, value=-1)
        f.addcmul_(self.gain_ff, rest_f).addcmul_(self.gain_fb, rest_b)
        b.addcmul_(self.gain_bb, rest_b).addcmul_(self.gain_fb, rest_f)
        return out.clamp_(0, 1)


class PixelSystem(BlockSystem):
    """The same for single pixels, where the normal equations have one residual.

    With r = I - a F' - (1 - a) B' and q = a^2 + (1 - a)^2 + s the minimum is F' + a r / q and
    B' + (1 - a) r / q: fewer operations, and no small determinant.
    """

    def __init__(self, colours: Tensor, alpha: Tensor) -> None:
        """Take colours (3, h, w, n) and alpha (1, h + 2, w + 2, n)."""
        total = self._weigh(alpha)
        self.colours, self.alpha = colours, alpha[:, 1:-1, 1:-1]
        self.rest = 1 - self.alpha
        inverse = (self.alpha.square() + self.rest.square() + total).reciprocal_()
        self.gain_f, self.gain_b = self.alpha * inverse, self.rest * inverse

    def step(self, fb: Tensor) -> Tensor:
        """One iteration: (6, h + 2, w + 2, n) -> (6, h, w, n)."""
        out = self._neighbours(fb)
        f, b = out[:3], out[3:]
        residual = torch.addcmul(self.colours, self.alpha, f, value=-1)
        residual.addcmul_(self.rest, b, value=-1)
        f.addcmul_(self.gain_f, residual)
        b.addcmul_(self.gain_b, residual)
        return out.clamp_(0, 1)
