"""Unsigned 128-bit arithmetic on pairs of 64-bit limbs (high, low), compiled.

Amounts of a kernel stay below 2**127, so that a sum of two never overflows. Division is Knuth's algorithm D
(The Art of Computer Programming, volume 2, 4.3.1) with digits of 64 bits.
"""

from __future__ import annotations

import numpy as np

from tracer.taint.kernel.compiled import compiled

U = np.uint64
ZERO, ONE, ALL = U(0), U(1), U(2**64 - 1)
HALF, LOW, TOP = U(32), U(2**32 - 1), U(1 << 63)

LIMIT = 1 << 127  # what an amount, and any sum of amounts, must stay below


@compiled
def add(ah, al, bh, bl):
    """a + b."""
    low = al + bl
    return ah + bh + (ONE if low < al else ZERO), low


@compiled
def sub(ah, al, bh, bl):
    """a - b, where b is at most a."""
    return ah - bh - (ONE if al < bl else ZERO), al - bl


@compiled
def less(ah, al, bh, bl):
    """a < b."""
    return ah < bh or (ah == bh and al < bl)


@compiled
def _times(a, b):
    """The whole product of two limbs."""
    a1, a0, b1, b0 = a >> HALF, a & LOW, b >> HALF, b & LOW
    low, mid1, mid2 = a0 * b0, a1 * b0, a0 * b1
    mid = (low >> HALF) + (mid1 & LOW) + (mid2 & LOW)
    return a1 * b1 + (mid1 >> HALF) + (mid2 >> HALF) + (mid >> HALF), (mid << HALF) | (low & LOW)


@compiled
def _by_limb(high, low, v):
    """(high, low) // v and its remainder, where high < v."""
    if high == ZERO:
        return low // v, low % v
    shift = ZERO
    while v & TOP == ZERO:
        v = v << ONE
        shift += ONE
    if shift:
        high = (high << shift) | (low >> (U(64) - shift))
        low = low << shift
    v1, v0 = v >> HALF, v & LOW
    q1, rest = _half_digit(high, low >> HALF, v, v1, v0)
    q0, rest = _half_digit(rest, low & LOW, v, v1, v0)
    return (q1 << HALF) | q0, rest >> shift


@compiled
def _half_digit(high, digit, v, v1, v0):
    """One quotient digit of 32 bits of (high, digit) by the normalised v, and the remainder."""
    q, r = high // v1, high % v1
    while q > LOW or q * v0 > ((r << HALF) | digit):
        q -= ONE
        r += v1
        if r > LOW:
            break
    return q, ((high << HALF) | digit) - q * v  # modulo 2**64: the true value fits


@compiled
def _digit(u2, u1, u0, v1, v0):
    """One quotient digit of 64 bits of (u2, u1, u0) by the normalised (v1, v0), and the remainder; (u2, u1) < v."""
    if u2 == v1:
        q, r = ALL, u1 + v1
        over = r < u1
    else:
        q, r = _by_limb(u2, u1, v1)
        over = False
    while not over:
        ph, pl = _times(q, v0)
        if ph < r or (ph == r and pl <= u0):
            break
        q -= ONE
        r += v1
        over = r < v1
    ph, pl = _times(q, v0)
    ph += q * v1
    low = u0 - pl
    return q, u1 - ph - (ONE if u0 < pl else ZERO), low


@compiled
def share(ah, al, bh, bl, ch, cl):
    """floor(a * b / c), which must be below 2**128; c is not 0."""
    if ah == ZERO and bh == ZERO:
        p1, p0 = _times(al, bl)
        if p1 == ZERO:
            return ZERO, (p0 // cl if ch == ZERO else ZERO)
        if ch == ZERO:
            q1 = p1 // cl
            q0, _ = _by_limb(p1 % cl, p0, cl)
            return q1, q0
        p3, p2 = ZERO, ZERO
    else:
        p1, p0 = _times(al, bl)
        m1, m0 = _times(ah, bl)
        n1, n0 = _times(al, bh)
        p3, p2 = _times(ah, bh)
        p1, carry = _plus(p1, m0, ZERO)
        p2, over = _plus(p2, m1, carry)
        p3 += over
        p1, carry = _plus(p1, n0, ZERO)
        p2, over = _plus(p2, n1, carry)
        p3 += over
    if ch == ZERO:
        q1, rest = _by_limb(p2 % cl, p1, cl)  # p3 is 0, and p2 < cl, where the quotient fits
        q0, _ = _by_limb(rest, p0, cl)
        return q1, q0
    return _by_pair(p3, p2, p1, p0, ch, cl)


@compiled
def _plus(a, b, carry):
    low = a + b
    over = ONE if low < a else ZERO
    full = low + carry
    return full, over + (ONE if full < low else ZERO)


@compiled
def _by_pair(p3, p2, p1, p0, ch, cl):
    shift = ZERO
    while ch & TOP == ZERO:
        ch = (ch << ONE) | (cl >> U(63))
        cl = cl << ONE
        shift += ONE
    if shift:
        back = U(64) - shift
        p3 = (p3 << shift) | (p2 >> back)
        p2 = (p2 << shift) | (p1 >> back)
        p1 = (p1 << shift) | (p0 >> back)
        p0 = p0 << shift
    q1, r1, r0 = _digit(p3, p2, p1, ch, cl)
    q0, _, _ = _digit(r1, r0, p0, ch, cl)
    return q1, q0
