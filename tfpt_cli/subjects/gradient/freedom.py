"""Values that are as right as those that NumPy has: eigenvectors with other signs, for instance.

What stands below the imports is put into the reference's listings as text, so that they run without tfpt. The names start
with an underscore, which no name of a scenario does. Rows name these functions in `undecided`; each gives NumPy's own value
where the number `unknown` is NaN, and another one for every other number.
"""

import numpy as np


def _parted(one, other):
    """Where two results part by more than rounding: 1.0 there, and 0.0 elsewhere."""
    one, other = np.asarray(one) * 1.0, np.asarray(other) * 1.0
    size = np.max(np.abs(one[np.isfinite(one)]), initial=0.0)
    return 1.0 - np.isclose(one, other, rtol=1e-9, atol=1e-12 * size, equal_nan=True)


def _draws(unknown, *values):
    """A random generator that draws alike for equal values: an operation gives equal arguments one answer."""
    import zlib

    text = b"".join(np.ascontiguousarray(part).tobytes() for part in values)
    return np.random.RandomState((zlib.crc32(text) + int(1000 * unknown)) % 2**32)


def _basis(draws, length, like):
    """A random orthonormal basis, a unitary one where the array `like` is complex; of length 1 a sign or a phase."""
    entries = draws.randn(length, length)
    if np.iscomplexobj(like):
        entries = entries + 1j * draws.randn(length, length)
    basis = np.linalg.qr(entries)[0]
    return basis * draws.choice([-1.0, 1.0], length)


def _groups(values):
    """The slices of sorted values that are equal but for rounding, each with one of them."""
    start, size = 0, np.max(np.abs(values), initial=0.0)
    for stop in range(1, len(values) + 1):
        if stop == len(values) or abs(values[stop] - values[stop - 1]) > 1e-12 * size:
            yield slice(start, stop), values[start]
            start = stop


def _other_eigenvectors(pair, unknown):
    """Eigenvalues from the smallest on, and eigenvectors with other signs; those of equal values in another basis."""
    values, vectors = pair
    if np.isnan(unknown) or not np.isfinite(vectors).all():
        return values, vectors
    draws, vectors = _draws(unknown, values, vectors), vectors.copy()
    for at in np.ndindex(values.shape[:-1]):
        for group, _ in _groups(values[at]):
            vectors[at][:, group] @= _basis(draws, group.stop - group.start, vectors)
    return values, vectors


def _other_singular_vectors(triple, unknown):
    """U, S and V^H with other signs for each pair of vectors; those of equal singular values, and of none, in another basis."""
    left, values, right = triple
    if np.isnan(unknown) or not np.isfinite(values).all():
        return triple
    draws, left, right = _draws(unknown, left, values), left.copy(), right.copy()
    for at in np.ndindex(values.shape[:-1]):
        count = len(values[at])
        for group, value in _groups(values[at]):
            basis = _basis(draws, group.stop - group.start, left)
            if value <= 1e-12 * values[at].max(initial=0.0):  # beside those of no singular value, and each for itself
                count = group.start
                break
            left[at][:, group] = left[at][:, group] @ basis
            right[at][group] = np.conj(basis.T) @ right[at][group]
        left[at][:, count:] = left[at][:, count:] @ _basis(draws, left.shape[-1] - count, left)
        right[at][count:] = _basis(draws, right.shape[-2] - count, left) @ right[at][count:]
    return left, values, right


def _other_factors(pair, unknown):
    """Q and R with other signs of the columns of Q; NaN from the first column on that the matrix does not determine."""
    left, right = pair
    if np.isnan(unknown) or not np.isfinite(right).all():
        return pair
    draws, left, right = _draws(unknown, left, right), left.copy(), right.copy()
    for at in np.ndindex(right.shape[:-2]):
        diagonal = np.abs(np.diagonal(right[at]))
        small = np.flatnonzero(diagonal <= 1e-12 * np.max(np.abs(right[at]), initial=0.0))
        first = min([*small, len(diagonal)])
        for column in range(min(left.shape[-1], right.shape[-2])):
            sign = _basis(draws, 1, left)[0, 0]
            left[at][:, column] *= sign
            right[at][column] *= np.conj(sign)
        if first < left.shape[-2] - 1:  # the last direction of all is known but for its sign
            left[at][:, first:], right[at][first:] = np.nan, np.where(right[at][first:] == 0, 0, np.nan)
    return left, right


def _other_order(values, unknown):
    """The entries of the last axis in another order."""
    if np.isnan(unknown):
        return values
    return values[..., _draws(unknown, values).permutation(values.shape[-1])]


def _where_known(known, values, unknown):
    """Several results, or where they are not known the number `unknown` instead of each of theirs."""
    if known or np.isnan(unknown):
        return values
    return tuple(np.full_like(value, unknown) for value in values)


def _ratios(matrices):
    """The singular values as parts of the greatest; those of what has none, or is not finite, are 1."""
    if not np.size(matrices) or not np.isfinite(matrices).all():
        return np.ones(1)
    values = np.linalg.svd(matrices, compute_uv=False)
    greatest = values.max(-1, keepdims=True)
    return values / np.where(greatest > 0, greatest, 1)


def _cut(matrices, dtype):
    """A part of the greatest singular value that either framework may count as zero, and twice that to be safe."""
    eps = 2.3e-16 if dtype in ("float64", "complex128") else 1.2e-7
    return 20 * max(np.shape(matrices)[-2:]) * eps


def _between_cuts(matrices, dtype):
    """Whether a singular value counts in double precision, and may count as zero in a dtype."""
    ratios = _ratios(matrices)
    return np.any((ratios > 1e-15) & (ratios <= _cut(matrices, dtype)))


def _dependent(matrices, dtype):
    """Whether a matrix may be of less than full rank in a dtype."""
    return np.any(_ratios(matrices) <= _cut(matrices, dtype))
