"""Default probabilities: a yearly rate over a share of the year, and the joint default of two."""
from libc.math cimport asin, cos, erfc, exp, expm1, fabs, log, log1p, sin, sqrt

cdef enum:
    NODES = 10

cdef extern from *:
    """
    #define PARBOOK_PI 3.141592653589793
    """
    const double PI "PARBOOK_PI"


cdef inline double hazard_part(double rate, double share) noexcept nogil:
    """Return 1 - (1 - rate)^share."""
    if share == 0:
        return 0.0
    return 1.0 if rate >= 1 else -expm1(share * log1p(-rate))


cdef inline double phi(double x) noexcept nogil:
    return 0.5 * erfc(-x * 0.7071067811865476)


cdef inline double normal_inverse(double p) noexcept nogil:
    """Return x with Phi(x) = p: Abramowitz and Stegun 26.2.23, good to 4.5e-4, then Halley until a double is full."""
    cdef double tail = p if p < 0.5 else 1 - p
    cdef double t = sqrt(-2 * log(tail))
    cdef double x = t - (2.515517 + t*(0.802853 + t*0.010328)) / (1 + t*(1.432788 + t*(0.189269 + t*0.001308)))
    cdef double error
    x = -x
    for _ in range(3):
        error = (phi(x) - tail) * sqrt(2 * PI) * exp(x*x / 2)
        x -= error / (1 + x * error / 2)
    return x if p < 0.5 else -x


cdef inline double bivariate(double h, double k, double rho) noexcept nogil:
    """Return P(X <= h, Y <= k); the reference says how."""
    cdef double[NODES] node
    cdef double[NODES] weight
    cdef double first = phi(h), second = phi(k)
    cdef double end, sign, total = 0, left = 0, right, gap = PI / 2, half, angle, cosine
    cdef int i, side
    if rho >= 1:
        return min(first, second)
    if rho <= -1:
        return max(first + second - 1, 0.0)
    node[:] = [
        0.07652652113349733, 0.22778585114164508, 0.37370608871541956, 0.5108670019508271, 0.636053680726515,
        0.7463319064601508, 0.8391169718222188, 0.9122344282513259, 0.9639719272779138, 0.9931285991850949,
    ]
    weight[:] = [
        0.15275338713072585, 0.14917298647260375, 0.14209610931838205, 0.13168863844917663, 0.11819453196151842,
        0.10193011981724044, 0.08327674157670475, 0.06267204833410906, 0.04060142980038694, 0.017614007139152118,
    ]
    end = fabs(asin(rho))
    sign = 1 if rho >= 0 else -1
    while left < end:
        gap /= 2
        right = min(PI / 2 - gap, end)
        half = (right - left) / 2
        for i in range(NODES):
            for side in range(2):
                angle = left + half * (1 + (node[i] if side else -node[i]))
                cosine = cos(angle)
                total += half * weight[i] * exp(-(h*h + k*k - sign * 2*h*k*sin(angle)) / (2 * cosine * cosine))
        left = right
    return first * second + sign * total / (2 * PI)


cdef inline double joint(double p, double q, double rho) noexcept nogil:
    cdef double both
    if p <= 0 or q <= 0:
        return 0.0
    if p >= 1 or q >= 1:
        return min(p, q)
    both = bivariate(normal_inverse(p), normal_inverse(q), rho)
    return min(max(max(both, p + q - 1), 0.0), min(p, q))
