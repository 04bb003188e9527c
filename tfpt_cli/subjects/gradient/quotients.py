"""First and second derivatives in float64 by difference quotients, each with an estimate of its error.

What stands below the imports is put into the reference's listings as text, so that they run without tfpt. The names start
with an underscore, which no name of a scenario does.
"""

import numpy as np


def _precise(function, may_be_single, *inputs):
    """A function in double precision, or in float32 where it has no other and may be so; and whether it is that."""
    narrow = [each.astype(np.float32) if each.dtype == np.float64 else each for each in inputs]
    refused = None
    for given, cast in ((inputs, False), (narrow, True)):
        try:
            dtype = function(*given).dtype
        except Exception as error:
            refused = refused or error
            continue
        if dtype == np.float64 and not cast:
            return function, False
        if dtype == np.float32 and may_be_single:
            break
        refused = refused or TypeError(f"it computes in {dtype}, though its inputs are float64")
    else:
        raise refused

    def single(*inputs):
        given = [each.astype(np.float32) if cast and each.dtype == np.float64 else each for each in inputs]
        return function(*given).astype(np.float64)

    return single, True


def _not_single(single):
    """Raises TypeError for a function in which digits were lost that the differences by single numbers need."""
    if single:
        raise TypeError("it computes in float32, so that it is held along a random direction alone")


def _within(function, value):
    """A function that is not a number where it refuses its arguments, as it does beyond its domain."""

    def tried(*inputs):
        try:
            return function(*inputs)
        except Exception:
            return np.full(np.shape(value), np.nan)

    return tried


def _affordable(function, numbers, *inputs):
    """Raises TimeoutError where a function is too slow to be differentiated by so many numbers, one after another."""
    import time

    seconds = np.inf
    for _ in range(5):  # the first call may set something up, and another process may be in the way
        started = time.perf_counter()
        function(*inputs)
        seconds = min(seconds, time.perf_counter() - started)
        if seconds * numbers * 30 <= 10:
            return
    raise TimeoutError(f"a call of it takes {seconds:.1g} s, too long for the derivatives by {numbers} numbers")


def _symmetric(signs):
    """The matrices, along the last two axes, with what stands above the diagonal below it too."""
    above = np.triu(signs)
    return above + np.swapaxes(np.triu(signs, 1), -1, -2)


def _twice(function, *inputs):
    """The value of a function; raises ValueError where it is another one the second time, as a random one is."""
    first, second = function(*inputs), function(*inputs)
    if not np.array_equal(first, second, equal_nan=True):
        raise ValueError("it gives another value each time that it is called")
    return first


def _moved_to(function, point, entry, number):
    """The results of a function, as a row, with a number in place of one entry of the point."""
    there = point.copy()
    there[entry] = number
    return np.ravel(function(there)) * 1.0


def _slopes(function, point, side=0):
    """Derivatives of function(point) by every entry of point, a row for each result, and their error estimates."""
    value = np.ravel(function(point)) * 1.0
    slopes, errors = np.empty((2, len(point), len(value)), np.result_type(value, float))
    sizes = np.abs(point[(point != 0) & np.isfinite(point)])
    least = np.min(sizes[sizes < 1e-12], initial=1.0) % 1.0

    for entry, number in enumerate(point):

        def moved(step, entry=entry):
            return _moved_to(function, point, entry, point[entry] + step)

        slopes[entry], errors[entry] = _best(moved, value, number, side, least)
        if np.isinf(number):
            slopes[entry], errors[entry] = _at_infinity(
                lambda far, entry=entry: _moved_to(function, point, entry, far), value, number
            )
        still = (slopes[entry] == 0) & ~(np.abs(errors[entry]) <= 1e-9) & np.isfinite(value)
        if still.any():  # a large result beside those that move, which the step is lost in
            errors[entry, still & _unmoved(moved, value)] = 0.0
    return slopes.T, np.abs(errors).T


def _steady(function, point, single=False):
    """Slopes as `_slopes` gives them; where longer steps say something else their error is infinite, since nothing is known.

    A function of which a part is computed in float32 stands still for short steps. One that is computed in float32 as a whole
    (`single`) has its slopes by long steps.
    """
    if single:
        return _by_long_steps(function, point)
    slopes, errors = _slopes(function, point)
    value = np.ravel(function(point)) * 1.0
    for entry, number in enumerate(point):

        def moved(step, entry=entry):
            return _moved_to(function, point, entry, point[entry] + step)

        for step in _long_steps(number):
            found, off, _ = _central(moved, value, step)
            errors[_apart(found, off, slopes[:, entry], errors[:, entry]), entry] = np.inf
    return slopes, errors


def _long_steps(number):
    """The lengths of step, the longest first, by which a slope is asked again whether it holds."""
    longest = 2.0 ** np.floor(np.log2(max(np.nan_to_num(np.abs(number), posinf=1.0), 0.1)) - 5.5)
    return longest, longest / 8


def _apart(found, off, slopes, errors):
    """Where slopes by a longer step say something else, whatever the errors of both are."""
    return np.abs(found - slopes) > 10 * (off + errors)


def _by_long_steps(function, point):
    """Slopes of a function that is computed in float32, with errors by how far those of three lengths of step are apart."""
    value = np.ravel(function(point)) * 1.0
    slopes, errors = np.full((2, len(value), len(point)), np.inf)
    for entry, number in enumerate(point):

        def moved(step, entry=entry):
            return _moved_to(function, point, entry, point[entry] + step)

        size = 2.0 ** np.floor(np.log2(max(np.nan_to_num(np.abs(number), posinf=1.0), 0.1)))
        found = [_central(moved, value, size * 2.0**power)[:2] for power in range(6, -8, -1)]
        for middle in range(1, len(found) - 1):
            three = found[middle - 1 : middle + 2]
            spread = np.max([slope for slope, _ in three], 0) - np.min([slope for slope, _ in three], 0)
            error = 4 * (spread + np.min([off for _, off in three], 0))
            better = error < errors[:, entry]
            slopes[better, entry], errors[better, entry] = three[1][0][better], error[better]
    return np.where(np.isfinite(errors), slopes, np.nan), errors


def _edges(function, point, side, slopes, errors):
    """The slopes from a side, and their errors: taken by those entries whose slope in the middle is not sure, else that one."""
    slopes, errors = slopes.copy(), errors.copy()
    unsure = ~(errors <= 1e-6 * np.maximum(np.abs(slopes), 1)).all(0)
    value = np.ravel(function(point)) * 1.0
    for entry in np.flatnonzero(unsure):

        def moved(step, entry=entry):
            return _moved_to(function, point, entry, point[entry] + step)

        column, off = (found[:, 0] for found in _slopes(lambda steps, moved=moved: moved(steps[0]), np.zeros(1), side))
        for step in _long_steps(0.0):  # what a part in float32 does between two of its numbers is no slope
            found, coarse, _ = _one_sided(moved, value, side * step)
            off = np.where(_apart(found, coarse, column, off), np.inf, off)
        slopes[:, entry], errors[:, entry] = column, off
    return slopes, errors


def _own_slopes(function, point, side=0):
    """Slopes and errors where every result belongs to one entry of point, as NumPy broadcasts it: all move at once."""
    value = function(point) * 1.0
    slope, error = _best(lambda step: function(point + step) * 1.0, value, point, side)
    if not np.any(np.isinf(point)):
        return slope, error
    far = _at_infinity(lambda far: function(np.where(np.isinf(point), far, point)) * 1.0, value, point)
    return tuple(np.where(np.isinf(point), there, here) for there, here in zip(far, (slope, error), strict=True))


def _at_infinity(moved_to, value, at):
    """Slopes at an infinity, and errors: 0 for a result that is one number all the way to it, and not known for any other."""
    same = np.isfinite(value)
    for far in (30.0, 1e3, 1e10, 1e100):
        same = same & (moved_to(np.copysign(far, at)) == value)
    return np.where(same, 0.0, np.nan), np.where(same, 0.0, np.inf)


def _best(moved, value, at, side, least=0.0):
    """The slope by steps of many lengths, of which each result keeps the one that it is surest of.

    `least` is the least number beside a zero: a step from zero is measured by it where it is tiny.
    """
    slope = np.full(np.shape(value), np.nan, np.result_type(value, float))
    error = np.full(np.shape(value), np.inf)
    for steps, tiny in _steps(at, least):
        for step in steps:
            found, off, rounding = _one_sided(moved, value, side * step) if side else _central(moved, value, step)
            better = np.isfinite(found) & (off < error)
            if tiny is not None:  # what is sure so near is so whatever longer steps say, which leave the surroundings
                nearer = (np.abs(found - slope) > error) & (off <= 1e-3 * np.abs(found - slope))
                better = (better | np.isfinite(found) & nearer) & tiny
            slope, error = np.where(better, found, slope), np.where(better, off, error)
            sure = (error <= 1e-10 * np.maximum(np.abs(slope), 1)) | ~np.isfinite(value)
            if tiny is None and np.all(sure | (np.isfinite(error) & (rounding >= error))):  # shorter: more rounding
                break
    return np.where(np.isfinite(value) & np.isfinite(at), slope, np.nan), error


def _steps(at, least):
    """Lengths of a step, the long ones first, of two kinds; with the second, which points are so tiny that they need them.

    The first are relative to the point, and go down to what a near edge of the domain needs. They are powers of two, so that a
    point moved by them is exactly where it should be.
    """
    size = np.where(np.isfinite(at), np.abs(at), 1.0)
    size = np.where(size == 0, least, size)
    tiny = (size > 0) & (size < 1e-12)
    for of, shorter, which in ((np.maximum(size, 0.1), 15, None), (np.where(tiny, size, 1.0), 6, tiny)):
        if which is not None and not np.any(which):
            return
        longest = 2.0 ** np.floor(np.log2(of) - 5.5)
        yield [longest / 8.0**shrunk for shrunk in range(shorter)], which


# Of rises over 1 to 4 steps to each side: the slope by order 8, and by order 6. Of their sums: the value in the middle.
_RISES = np.array([[4 / 5, -1 / 5, 4 / 105, -1 / 280], [3 / 4, -3 / 20, 1 / 60, 0]])
_MIDDLE = np.array([56, -28, 8, -1]) / 70


def _central(moved, value, step):
    """Central differences of order 8, their error, and how much of it is rounding.

    The error is their distance from those of order 6, or by how much the curve through the points around misses the value,
    and what rounding adds.
    """
    around = np.array([moved(k * step) for k in (1, 2, 3, 4, -1, -2, -3, -4)])
    ahead, behind = around[:4], around[4:]
    slope, coarse = np.tensordot(_RISES, ahead - behind, 1) / step
    missed = np.abs(np.tensordot(_MIDDLE, ahead + behind, 1) - value) / step
    rounding = 2e-16 * np.abs(around).max(0) / step
    return slope, np.maximum(np.abs(slope - coarse), missed) + rounding, rounding


def _one_sided(moved, value, step):
    """Differences of order 6 from the value on, in the direction of the step; their error is the distance from order 5."""
    order6 = np.array([-49 / 20, 6, -15 / 2, 20 / 3, -15 / 4, 6 / 5, -1 / 6])
    order5 = np.array([-137 / 60, 5, -5, 10 / 3, -5 / 4, 1 / 5, 0])
    line = np.array([value, *(moved(k * step) for k in (1, 2, 3, 4, 5, 6))])
    slope, coarse = (np.tensordot(order, line, 1) / step for order in (order6, order5))
    rounding = 28 * 2e-16 * np.abs(line).max(0) / np.abs(step)
    return slope, np.abs(slope - coarse) + rounding, rounding


def _unmoved(moved, value):
    """Which results stay as they are whatever an entry is: no number at all, and the infinities too."""
    same = np.ones(value.shape, bool)
    for step in (np.nan, np.inf, -np.inf):
        try:
            same &= moved(step) == value
        except Exception:  # LAPACK refuses what is not finite, say: then it is not known
            return np.zeros(value.shape, bool)
    return same


def _collected(values, like):
    """Numbers of every result, summed up by the entry of an array that NumPy's broadcasting took it from."""
    summed = np.sum(values, axis=tuple(range(np.ndim(values) - np.ndim(like))))
    axes = tuple(axis for axis, length in enumerate(np.shape(like)) if length == 1)
    return np.sum(summed, axis=axes, keepdims=True).reshape(np.shape(like))


def _spread(values, like):
    """Numbers of every result in a matrix of results by entries, zero where a result belongs to another entry."""
    shape, count = np.shape(values), np.size(like)
    matrix = np.zeros((np.size(values), count), np.result_type(values, float))
    owner = np.broadcast_to(np.arange(count).reshape(np.shape(like)), shape).ravel()
    matrix[np.arange(len(owner)), owner] = np.ravel(values)
    return matrix.reshape(shape + np.shape(like))


def _curvatures(function, point):
    """Second derivatives of a number function(point) by every pair of entries of point, and their error estimates."""
    from scipy import differentiate

    curvatures, errors = np.full((2, len(point), len(point)), np.nan)
    for shrunk in (1.0, 1 / 16, 1 / 256, 1 / 4096):
        step = 0.05 * np.maximum(np.abs(point), 0.1) * shrunk

        def of_many(points, step=step):  # SciPy takes one length of step for all entries
            columns = points.reshape(len(point), -1).T
            return np.array([function(point + step * column) for column in columns]).reshape(points.shape[1:]) * 1.0

        found = differentiate.hessian(of_many, np.zeros(len(point)), initial_step=1.0)
        found, off = found.ddf / np.outer(step, step), found.error / np.outer(step, step)
        better = np.isfinite(found) & ~(off >= errors)
        curvatures, errors = np.where(better, found, curvatures), np.where(better, off, errors)
        if np.all(errors <= 1e-8 * np.maximum(np.abs(curvatures), 1)):
            break
    return curvatures, errors
