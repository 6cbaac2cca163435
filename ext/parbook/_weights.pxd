"""One row of terms as weights by month, and the monthly positions valued with them. `_value` says why.

    w[k] = DF(k) S(k-1) (1-m_k)              a payment of 1 in month k, if it comes
    v[k] = DF(k+lag) S(k-1) m_k (1-LGD)      a balance of 1 before month k, recovered
"""
cimport cython
from libc.math cimport exp
from libc.stdint cimport int32_t, int64_t, uint8_t

from parbook._normal cimport hazard_part

cdef extern from *:
    """
    #include <stdint.h>
    #include <stdlib.h>

    /* Compiled twice where the loader can choose: for any x86-64, and for those that have AVX2. Both give the same
       bits: neither contracts a product and a sum (-std=c11, and AVX2 alone has no fused operation). */
    #if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) \
        && !defined(__SANITIZE_ADDRESS__)
    #define PARBOOK_WIDE __attribute__((target_clones("avx2", "default")))
    #else
    #define PARBOOK_WIDE
    #endif

    typedef double parbook_lanes __attribute__((vector_size(32)));
    typedef double parbook_loose __attribute__((vector_size(32), aligned(8), may_alias));

    #define PARBOOK_LANES 16

    PARBOOK_WIDE
    static void parbook_level_block(
        const double *weight, int months, double month, const int64_t *rate, const int64_t *balance,
        const double *payment, const double *balloon, double first_v, double sum_w, double last_w, double *value
    ) {
        parbook_lanes b[4], g[4], p[4], v[4];
        double factor[PARBOOK_LANES], sums[PARBOOK_LANES];
        for (int i = 0; i < PARBOOK_LANES; i++)
            factor[i] = 1 / (1 + (double)rate[i] * month);
        for (int i = 0; i < 4; i++) {
            b[i] = *(const parbook_loose *)(balloon + 4*i);
            g[i] = *(const parbook_loose *)(factor + 4*i);
            p[i] = *(const parbook_loose *)(payment + 4*i);
            v[i] = (parbook_lanes){0};
        }
        for (int k = months - 1; k > 0; k--) {
            const double one = weight[k];
            parbook_lanes w = {one, one, one, one};
            for (int i = 0; i < 4; i++) {
                b[i] = (b[i] + p[i]) * g[i];
                v[i] += b[i] * w;
            }
        }
        for (int i = 0; i < 4; i++)
            *(parbook_loose *)(sums + 4*i) = v[i];
        for (int i = 0; i < PARBOOK_LANES; i++)
            value[i] = sums[i] + first_v * (double)balance[i] + payment[i] * sum_w + last_w * balloon[i];
    }
    """
    void level_block "parbook_level_block"(
        const double *weight, int months, double month, const int64_t *rate, const int64_t *balance,
        const double *payment, const double *balloon, double first_v, double sum_w, double last_w, double *value
    ) noexcept nogil

cdef enum:
    LEVEL = 0
    LINEAR = 1
    BULLET = 2
    LANES = 16

cdef extern from *:
    """
    #define PARBOOK_E12 1e12
    #define PARBOOK_MONTH (1 / 12e12)
    """
    const double E12 "PARBOOK_E12"
    const double MONTH "PARBOOK_MONTH"      # what turns a yearly rate in 1e-12 into a monthly one


# --- one row of terms -------------------------------------------------------------------------------

cdef struct Row:
    double pd
    double cpr
    double spread
    double recovered        # 1 - LGD
    int lag
    const double *hazard    # NULL: 1 always
    int hazards


cdef struct Weights:
    double c                # prepaid in a month
    double *w
    double *v
    double *level           # c w[k] + v[k+1]
    double *sum_w           # running sums from month 1
    double *sum_kw
    double *sum_v
    double *sum_kv


cdef inline double multiple(const Row *row, int month) noexcept nogil:
    if row.hazard == NULL:
        return 1.0
    return row.hazard[min(month, row.hazards) - 1]


cdef inline void weigh(Weights *out, const Row *row, int months, const double *discount) noexcept nogil:
    """Fill the weights of months 1..`months`; `discount` reaches `months` + lag."""
    cdef double alive = 1, step, spread = 1, lagged, part = 0, multiple_now, last = -1
    cdef double kept
    cdef int k
    out.c = hazard_part(row.cpr, 1.0 / 12)
    kept = 1 - out.c
    step = exp(-row.spread / 12)
    lagged = exp(-row.spread * row.lag / 12)
    out.sum_w[0] = out.sum_kw[0] = out.sum_v[0] = out.sum_kv[0] = 0
    for k in range(1, months + 1):
        multiple_now = multiple(row, k)
        if multiple_now != last:
            part = hazard_part(row.pd, multiple_now / 12)
            last = multiple_now
        spread *= step
        out.w[k] = discount[k] * spread * alive * (1 - part)
        out.v[k] = discount[k + row.lag] * spread * lagged * alive * part * row.recovered
        alive *= (1 - part) * kept
        out.sum_w[k] = out.sum_w[k-1] + out.w[k]
        out.sum_kw[k] = out.sum_kw[k-1] + k * out.w[k]
        out.sum_v[k] = out.sum_v[k-1] + out.v[k]
        out.sum_kv[k] = out.sum_kv[k-1] + k * out.v[k]
    for k in range(1, months):
        out.level[k] = out.c * out.w[k] + out.v[k+1]


cdef inline double income_value(const Weights *out, int months, double income, double growth) noexcept nogil:
    """Return what an income is worth that comes monthly and grows by the year."""
    cdef double value = 0
    cdef int start = 0, stop
    while start < months:
        stop = min(start + 12, months)
        value += income * (out.sum_w[stop] - out.sum_w[start])
        income *= growth
        start = stop
    return value


@cython.cdivision(True)
cdef inline double linear_value(const Weights *out, int n, double rate) noexcept nogil:
    """Return the value of a balance of 1 repaid in `n` equal parts."""
    cdef double before = (1 + 1.0 / n) * out.sum_w[n] - out.sum_kw[n] / n      # sum w[k] B(k-1)
    cdef double after = out.sum_w[n] - out.sum_kw[n] / n                       # sum w[k] B(k)
    return rate * before + out.sum_w[n] / n + out.c * after + (1 + 1.0 / n) * out.sum_v[n] - out.sum_kv[n] / n


cdef inline double bullet_value(const Weights *out, int n, double rate) noexcept nogil:
    """Return the value of a balance of 1 due at the end of month `n`."""
    return rate * out.sum_w[n] + out.c * out.sum_w[n-1] + out.w[n] + out.sum_v[n]


cdef extern from *:
    """
    /* How far a column goes on as it begins at `i`. Blocks without a way out in their middle, which the compiler takes
       several at a time: one by one, looking for the end of a run took a third of a valuation. */
    #define PARBOOK_SAME(name, type) \\
        static inline Py_ssize_t name(const type *column, Py_ssize_t i, Py_ssize_t stop) { \\
            const type first = column[i]; \\
            for (; i + 32 <= stop; i += 32) { \\
                type differs = 0; \\
                for (int j = 0; j < 32; j++) differs |= column[i + j] ^ first; \\
                if (differs) break; \\
            } \\
            while (i < stop && column[i] == first) i++; \\
            return i; \\
        }
    PARBOOK_SAME(pb_same_terms, int32_t)
    PARBOOK_SAME(pb_same_kind, uint8_t)

    /* Whether any is not 0; a NaN is something too, which valuing it will show. */
    static inline int pb_any_income(const double *income, Py_ssize_t i, Py_ssize_t stop) {
        int any = 0;
        for (; i < stop; i++) any |= income[i] != 0;
        return any;
    }
    """
    Py_ssize_t pb_same_terms(const int32_t *column, Py_ssize_t i, Py_ssize_t stop) noexcept nogil
    Py_ssize_t pb_same_kind(const uint8_t *column, Py_ssize_t i, Py_ssize_t stop) noexcept nogil
    bint pb_any_income(const double *income, Py_ssize_t i, Py_ssize_t stop) noexcept nogil

cdef struct Columns:
    const int32_t *terms
    const uint8_t *repayment
    const int32_t *months
    const int64_t *balance
    const int64_t *rate
    const double *payment
    const double *balloon
    const double *income
    const int64_t *growth


@cython.cdivision(True)
cdef inline void level_run(
    const Columns *loan, const Weights *out, Py_ssize_t start, Py_ssize_t stop, double *value
) noexcept nogil:
    """Value level loans of equal terms and months, sixteen abreast; the last ones beside loans of nothing.

    From the last month to the first, B(k-1) = (B(k) + payment) / (1+r): an error shrinks that would grow the other way.
    """
    cdef int64_t[LANES] rate
    cdef int64_t[LANES] balance
    cdef double[LANES] payment
    cdef double[LANES] balloon
    cdef double[LANES] values
    cdef int n = loan.months[start], lane, width
    cdef Py_ssize_t i = start
    while i + LANES <= stop:
        level_block(
            out.level, n, MONTH, loan.rate + i, loan.balance + i, loan.payment + i, loan.balloon + i, out.v[1],
            out.sum_w[n], out.w[n], value + i,
        )
        i += LANES
    if i == stop:
        return
    width = <int> (stop - i)
    for lane in range(LANES):
        rate[lane] = loan.rate[i + lane] if lane < width else 0
        balance[lane] = loan.balance[i + lane] if lane < width else 0
        payment[lane] = loan.payment[i + lane] if lane < width else 0
        balloon[lane] = loan.balloon[i + lane] if lane < width else 0
    level_block(
        out.level, n, MONTH, rate, balance, payment, balloon, out.v[1], out.sum_w[n], out.w[n], values,
    )
    for lane in range(width):
        value[i + lane] = values[lane]


cdef inline void value_run(
    const Columns *loan, const Weights *out, Py_ssize_t start, Py_ssize_t stop, double *value
) noexcept nogil:
    """Value assets of equal terms, repayment and months."""
    cdef int n = loan.months[start]
    cdef Py_ssize_t i
    if loan.repayment[start] == LEVEL:
        level_run(loan, out, start, stop, value)
    else:
        for i in range(start, stop):
            if loan.repayment[start] == LINEAR:
                value[i] = linear_value(out, n, <double> loan.rate[i] * MONTH)
            else:
                value[i] = bullet_value(out, n, <double> loan.rate[i] * MONTH)
            value[i] *= <double> loan.balance[i]
    if pb_any_income(loan.income, start, stop):
        for i in range(start, stop):
            if loan.income[i] != 0:
                value[i] += income_value(out, n, loan.income[i], 1 + <double> loan.growth[i] / E12)


cdef inline void value_all(
    const Columns *loan, Py_ssize_t count, const Row *rows, const double *discount, Weights *out, double *value
) noexcept nogil:
    cdef Py_ssize_t i = 0, k, stop, end
    cdef int most
    while i < count:
        end = pb_same_terms(loan.terms, i, count)
        most = 0
        for k in range(i, end):
            most = max(most, loan.months[k])
        weigh(out, &rows[loan.terms[i]], most, discount)
        while i < end:
            stop = pb_same_kind(loan.repayment, i, pb_same_terms(loan.months, i, end))
            value_run(loan, out, i, stop, value)
            i = stop
