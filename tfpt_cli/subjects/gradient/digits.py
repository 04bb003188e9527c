"""Values and derivatives in 50 digits with mpmath; 80 are carried, and more near zero.

What stands below the imports is put into the reference's listings as text, so that they run without tfpt. The names start
with an underscore, which no name of a scenario does.
"""

import functools

import mpmath
import numpy as np


class _Elementwise:
    """Gives mpmath's functions of a number as functions of an array: mp.exp(x).

    What is complex though every argument is real is not a number: a function of real numbers does not leave them.
    """

    def __getattr__(self, name):
        function = getattr(mpmath, name)

        @functools.lru_cache(maxsize=4096)  # a difference quotient moves one number, and asks for all the others again
        def real(_digits, *numbers):
            found = function(*numbers)
            left = isinstance(found, mpmath.mpc) and not any(isinstance(n, (complex, mpmath.mpc)) for n in numbers)
            return mpmath.nan if left else found

        def of_array(*arrays):
            return np.vectorize(lambda *numbers: real(mpmath.mp.dps, *numbers), otypes=[object])(*arrays)

        self.__dict__[name] = of_array if callable(function) else function
        return self.__dict__[name]

    @staticmethod
    def ratio(one, other):
        """The quotient of two arrays, not a number where both are zero: mpmath refuses that, and whole arrays with it."""

        def ratio(number, by):
            return mpmath.nan if number == 0 and by == 0 else number / by

        return np.vectorize(ratio, otypes=[object])(one, other)


mp = _Elementwise()


def _carry(*arrays):
    """Sets how many digits are carried: beside a number near zero a step of 1e-25 of it must still be seen."""
    sizes = np.abs(np.concatenate([np.ravel(np.asarray(array, complex)) for array in arrays]))
    least = np.min(sizes[(sizes > 0) & np.isfinite(sizes)], initial=1.0)
    mpmath.mp.dps = 80 + int(-np.log10(least))


def _plain_number(value):
    """Whether mpmath has a number: it has no negative zero and does not finish at every infinity."""
    plain = complex(value)
    return bool(np.isfinite(plain)) and not (plain == 0 and np.signbit(plain.real))


def _number(values):
    """An array as numbers of mpmath."""
    if not all(_plain_number(value) for value in np.ravel(values)):
        raise ValueError("50 digits are for finite numbers and positive zeros")
    return np.vectorize(mpmath.mpmathify, otypes=[object])(values)


def _plain(values, like):
    """Numbers of mpmath in double precision; NaN for a complex one where a real one was asked for."""

    def number(value):
        return like("nan") if like is float and isinstance(value, mpmath.mpc) else like(value)

    return np.vectorize(number, otypes=[like])(values)


def _in_two_precisions(function, *arrays):
    """The value, where the same comes out with twice as many digits, and where it does to 45 digits, which slopes need."""
    digits = mpmath.mp.dps
    value = np.asarray(function(*arrays), dtype=object)
    mpmath.mp.dps = 2 * digits
    try:
        again = np.asarray(function(*arrays), dtype=object)
    finally:
        mpmath.mp.dps = digits

    def same(one, other, nearness):
        if one == other or (one != one and other != other):
            return True
        return bool(abs(one - other) <= mpmath.mpf(nearness) * abs(other))

    known, precise = (np.vectorize(same, otypes=[bool])(value, again, nearness) for nearness in ("1e-17", "1e-45"))
    return value, known, precise


def _quotient(function, number, side):
    """The slope of a function of a number by a step of 1e-25 of it, or of one where it is greater.

    It is infinite where it grows without bound, a logarithm's way too, and NaN at a jump, or where a longer step says something
    else.
    """
    size = abs(number)
    scale = max(min(size, 1), size * mpmath.mpf("1e-25")) if size else mpmath.mpf("1e-20")
    to, fro = {0: (1, -1), 1: (1, 0), -1: (-1, 0)}[side]

    def rise(step):
        length = mpmath.mpf(step) * scale * (to - fro)
        high, low = (function(number + move * length / (to - fro)) for move in (to, fro))
        lost = np.vectorize(lambda one, other: max(abs(one), abs(other)), [object])(high, low)
        return high - low, length, lost * mpmath.mpf(10) ** -mpmath.mp.dps / abs(length)

    def slope(fine, coarse, lost):
        by_fine, by_coarse = fine / fine_step, coarse / coarse_step
        if lost > mpmath.mpf("1e-17") * max(abs(by_fine), 1):
            return mpmath.nan  # beside so large a number a step is lost
        if by_fine != by_fine or abs(by_fine) < 1e6 or abs(by_fine) < 2 * abs(by_coarse):
            agree = abs(by_fine - by_coarse) <= mpmath.mpf("1e-8") * max(abs(by_fine), 1)
            return by_fine if agree else mpmath.nan
        jumps = abs(fine) > 0.999 * abs(coarse)  # it does not fall with the step
        return mpmath.nan if jumps else mpmath.sign(by_fine) * mpmath.inf

    (fine, fine_step, lost), (coarse, coarse_step, _) = rise("1e-25"), rise("1e-20")
    slopes = np.vectorize(slope, [object])(fine, coarse, lost)
    slow = np.vectorize(lambda s, f, c: s != s and c != 0 and 1 < f / c < 1.3, [bool])(
        slopes, fine / fine_step, coarse / coarse_step
    )
    if not slow.any():
        return slopes
    with mpmath.workdps(mpmath.mp.dps + 2000):
        four = [found / length for found, length, _ in map(rise, ("1e-250", "1e-500", "1e-1000", "1e-2000"))]
    return np.where(slow, np.vectorize(_as_a_logarithm, [object])(*four), slopes)


def _as_a_logarithm(*slopes):
    """The infinity that slopes go to which grow as a logarithm does, each step twice as many digits long; NaN for others."""
    first, second, third = (slopes[index + 1] - slopes[index] for index in range(3))
    doubles = all(abs(b - 2 * a) <= 1e-6 * abs(b) for a, b in ((first, second), (second, third)))
    return mpmath.sign(first) * mpmath.inf if doubles and first != 0 else mpmath.nan


def _quotients(function, point, side=0):
    """Derivatives of function(point) by every entry of point, a row for each result; NaN where the result is none."""
    finite = np.vectorize(lambda value: abs(value) < mpmath.inf, [bool])(np.ravel(function(point)))

    def of(entry):
        return lambda number: np.ravel(function(np.array([*point[:entry], number, *point[entry + 1 :]], dtype=object)))

    columns = [_quotient(of(entry), point[entry], side) for entry in range(len(point))]
    return np.where(finite[:, None], np.array(columns, dtype=object).reshape(len(point), len(finite)).T, mpmath.nan)


def _place_by_place(function, arrays, by, held=None):
    """Value, slopes and what of the value is known, where every result takes one entry of each array.

    `by` holds the places of the arrays to differentiate by. The slopes have three rows for each of those: central, from the
    left and from the right. What mpmath refuses at one place, a pole for instance, is not known there alone.
    """
    arrays = np.broadcast_arrays(*arrays)
    shape = arrays[0].shape
    values, known = np.full(shape, np.nan), np.zeros(shape, bool)
    slopes = np.full((len(by), 3, *shape), np.nan)
    for place in np.ndindex(shape):
        numbers = [array[place] for array in arrays]
        if not all(_plain_number(number) for number in numbers):
            continue
        if held is not None:
            held.clear()
        exact = [
            mpmath.mpmathify(n) if array.dtype.kind == "f" else n for n, array in zip(numbers, arrays, strict=True)
        ]
        try:
            found, sure, precise = _in_two_precisions(function, *map(np.array, exact))
            value = found[()]
            values[place], known[place] = _plain(value, float), sure
        except Exception:
            continue
        if not precise or (
            not np.isfinite(values[place]) and not (isinstance(value, mpmath.mpf) and abs(value) < mpmath.inf)
        ):
            continue
        for row, index in enumerate(by):

            def of(number, index=index, exact=exact):
                return np.asarray(function(*(np.array(number if i == index else e) for i, e in enumerate(exact))))[()]

            for column, side in enumerate((0, -1, 1)):
                try:
                    slopes[(row, column, *place)] = _plain(_quotient(of, exact[index], side), float)
                except Exception:
                    continue
    return values, known, slopes
