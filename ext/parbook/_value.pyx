"""The expected value of a million assets: parbook.assets.reference_value, compiled and turned inside out.

What the reference states asset by asset is here a table of weights per row of terms, because nothing in it but the
balance depends on the asset:

    w[k] = DF(k) S(k-1) (1-m_k)              a payment of 1 in month k, if it comes
    v[k] = DF(k+lag) S(k-1) m_k (1-LGD)      a balance of 1 before month k, recovered

so that EV = sum w[k] (I_k + P_k + c B(k)) + v[k] B(k-1). For a level loan B(k-1) = (B(k) + payment) / (1+r): two
operations a month. For linear and bullet loans and for incomes running sums of w, k w, v and k v give the whole at
once. Assets lie by terms, repayment and months (parbook.assets.portfolio); equal level loans go sixteen abreast.
"""
cimport cython
from libc.math cimport ceil, exp, floor, log1p, rint
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport calloc, free

import numpy as np

from parbook._normal cimport hazard_part, joint
from parbook._weights cimport BULLET, E12, LEVEL, LINEAR, Columns, Row, Weights, multiple, value_all

from parbook.errors import MisuseError

cdef enum:
    FLOOR = 0
    CEIL = 1
    NEAREST = 2
    COMPONENTS = 6
    MONTHS_MAX = 1200

cdef double MICRO_MAX = 9223372036854774784.0   # the largest double below 2**63


# --- dated flows ------------------------------------------------------------------------------------

cdef struct Flows:
    const int64_t *offset
    const int32_t *terms
    const int64_t *balance
    const int32_t *day
    const int32_t *recovery_day
    const double *interest
    const double *principal
    const int64_t *probability


cdef struct Recourse:
    double seller           # negative: none
    double correlation
    int lag_days


@cython.cdivision(True)
cdef double period_default(const Row *row, const Recourse *recourse, int start, int days) noexcept nogil:
    cdef double debtor = hazard_part(row.pd, multiple(row, start * 12 // 365 + 1) * days / 365.0)
    if recourse.seller < 0:
        return debtor
    return joint(debtor, hazard_part(recourse.seller, days / 365.0), recourse.correlation)


cdef double dated_value(
    const Flows *due, Py_ssize_t asset, const Row *row, const Recourse *recourse, const double *discount,
    double *paid_out, double *recovered_out
) noexcept nogil:
    """Return the value of an asset, and write its expected flows, undiscounted, one a flow."""
    cdef double balance = <double> due.balance[asset], alive = 1, value = 0, m, c, survives
    cdef int last = 0, day, recovery
    cdef Py_ssize_t i
    for i in range(due.offset[asset], due.offset[asset + 1]):
        day = due.day[i]
        m = period_default(row, recourse, last, day - last)
        c = hazard_part(row.cpr, (day - last) / 365.0)
        survives = alive * (1 - m) * (<double> due.probability[i] / E12)
        paid_out[i] = survives * (due.interest[i] + due.principal[i] + c * (balance - due.principal[i]))
        recovered_out[i] = alive * m * balance * row.recovered
        value += discount[day] * exp(-row.spread * day / 365.0) * paid_out[i]
        if balance != 0:
            recovery = day + recourse.lag_days if due.recovery_day[i] < 0 else due.recovery_day[i]
            value += discount[recovery] * exp(-row.spread * recovery / 365.0) * recovered_out[i]
        alive *= (1 - m) * (1 - c)
        balance -= due.principal[i]
        last = day
    return value


# --- expected flows and provisions ------------------------------------------------------------------

cdef inline double principal_of(int repayment, int k, int n, double balance, double whole, double level) noexcept nogil:
    if k == n:
        return balance
    if repayment == LEVEL:
        return level
    return whole / n if repayment == LINEAR else 0.0


cdef inline double first_principal(const Columns *loan, Py_ssize_t i, double rate) noexcept nogil:
    """Return the principal in a level loan's first payment; each month's is 1+r times the last one's."""
    return (loan.payment[i] - rate * loan.balloon[i]) * exp(-loan.months[i] * log1p(rate))


@cython.cdivision(True)
cdef void add_flows(
    const Columns *loan, Py_ssize_t i, const Row *row, const Weights *out, double *flows, Py_ssize_t width
) noexcept nogil:
    """Add to six rows of `flows`, months 0..width-1: interest, scheduled, prepaid, defaulted, recovered, and all that
    is cash, discounted by the loan's own spread."""
    cdef int n = loan.months[i], k
    cdef double whole = <double> loan.balance[i], rate = <double> loan.rate[i] / E12 / 12
    cdef double balance = whole, income = loan.income[i], alive = 1, m = 0, survives, interest, principal, early
    cdef double level = first_principal(loan, i, rate)
    cdef double step = exp(-row.spread / 12), lagged = exp(-row.spread * row.lag / 12), spread = 1
    for k in range(1, n + 1):
        if k % 12 == 1 and k > 1:
            income *= 1 + <double> loan.growth[i] / E12
        if k == 1 or row.hazard != NULL:
            m = hazard_part(row.pd, multiple(row, k) / 12)
        interest = balance * rate
        principal = principal_of(loan.repayment[i], k, n, balance, whole, level)
        level *= 1 + rate
        survives = alive * (1 - m)
        early = out.c * (balance - principal)
        spread *= step
        flows[k] += survives * (interest + income)
        flows[width + k] += survives * principal
        flows[2*width + k] += survives * early
        flows[3*width + k] += alive * m * balance
        flows[4*width + k + row.lag] += alive * m * balance * row.recovered
        flows[5*width + k] += spread * survives * (interest + income + principal + early)
        flows[5*width + k + row.lag] += spread * lagged * alive * m * balance * row.recovered
        alive = survives * (1 - out.c)
        balance -= principal


@cython.cdivision(True)
cdef double lifetime_loss(const Columns *loan, Py_ssize_t i, const Row *row, int horizon) noexcept nogil:
    """Return what defaults within `horizon` months lose, discounted at the loan's effective rate."""
    cdef int n = loan.months[i], k
    cdef double whole = <double> loan.balance[i], rate = <double> loan.rate[i] / E12 / 12
    cdef double balance = whole, alive = 1, m = 0, c = hazard_part(row.cpr, 1.0 / 12), loss = 0, factor = 1
    cdef double level = first_principal(loan, i, rate)
    for k in range(1, min(n, horizon) + 1):
        if k == 1 or row.hazard != NULL:
            m = hazard_part(row.pd, multiple(row, k) / 12)
        factor /= 1 + rate
        loss += factor * alive * m * balance * (1 - row.recovered)
        alive *= (1 - m) * (1 - c)
        balance -= principal_of(loan.repayment[i], k, n, balance, whole, level)
        level *= 1 + rate
    return loss


# --- for Python -------------------------------------------------------------------------------------

@cython.final
cdef class Model:
    """Rows of terms as C structs; keeps the arrays alive that they point into."""

    cdef Row *rows
    cdef Recourse *recourse
    cdef readonly Py_ssize_t count
    cdef const double[:, ::1] hazards
    cdef readonly int lag_months_max

    def __cinit__(self, terms):
        cdef const int64_t[::1] pd = terms.pd_e12, lgd = terms.lgd_e12, cpr = terms.cpr_e12, spread = terms.spread_e12
        cdef const int64_t[::1] seller = terms.seller_pd_e12, correlation = terms.correlation_e12
        cdef const int32_t[::1] lag = terms.lag_months, shape = terms.shape
        cdef Py_ssize_t i
        self.hazards = terms.hazards
        self.count = pd.shape[0]
        require(all([len(column) == self.count for column in terms[:8]]), "columns of terms differ in length")
        self.rows = <Row *> calloc(max(self.count, 1), sizeof(Row))
        self.recourse = <Recourse *> calloc(max(self.count, 1), sizeof(Recourse))
        if self.rows == NULL or self.recourse == NULL:
            raise MemoryError
        for i in range(self.count):
            require(lag[i] >= 0 and -1 <= shape[i] < self.hazards.shape[0], "a lag or a shape is out of range")
            self.lag_months_max = max(self.lag_months_max, lag[i])
            self.rows[i].pd = <double> pd[i] / E12
            self.rows[i].cpr = <double> cpr[i] / E12
            self.rows[i].spread = <double> spread[i] / E12
            self.rows[i].recovered = 1 - <double> lgd[i] / E12
            self.rows[i].lag = lag[i]
            if shape[i] >= 0:
                self.rows[i].hazard = &self.hazards[shape[i], 0]
                self.rows[i].hazards = <int> self.hazards.shape[1]
            self.recourse[i].seller = <double> seller[i] / E12 if seller[i] >= 0 else -1
            self.recourse[i].correlation = <double> correlation[i] / E12
            self.recourse[i].lag_days = (lag[i] * 365 + 6) // 12

    def __dealloc__(self):
        free(self.rows)
        free(self.recourse)


cdef int require(bint held, str what) except -1:
    if not held:
        raise MisuseError(f"{what}; build the columns with parbook.assets.portfolio.")
    return 0


@cython.final
cdef class _Loans:
    """Columns of monthly positions as C pointers, checked against each other and the model."""

    cdef Columns at
    cdef Py_ssize_t count
    cdef int months_max
    cdef tuple kept

    def __cinit__(self, loans, Model model):
        cdef const int32_t[::1] terms = loans.terms, months = loans.months
        cdef const uint8_t[::1] repayment = loans.repayment
        cdef const int64_t[::1] balance = loans.balance_micro, rate = loans.rate_e12, growth = loans.growth_e12
        cdef const double[::1] payment = loans.payment_micro, balloon = loans.balloon_micro, income = loans.income_micro
        # One unsigned comparison a column, and nothing of `self` in the loop: the compiler takes several loans at once.
        cdef uint32_t rows = <uint32_t> model.count, most = 0, faults = 0
        cdef Py_ssize_t i
        self.count = terms.shape[0]
        require(all([len(column) == self.count for column in loans]), "columns of loans differ in length")
        self.kept = tuple(loans)
        if self.count == 0:
            return
        for i in range(self.count):
            faults |= <uint32_t> terms[i] >= rows
            faults |= <uint32_t> (months[i] - 1) >= MONTHS_MAX
            faults |= repayment[i] > BULLET
            most = max(most, <uint32_t> months[i])
        require(not faults, "a loan's terms, months or repayment are out of range")
        self.months_max = <int> most
        self.at = Columns(
            &terms[0], &repayment[0], &months[0], &balance[0], &rate[0], &payment[0], &balloon[0], &income[0],
            &growth[0]
        )


cdef double *weights_room(Weights *out, int months) except NULL:
    """Make room for the weights of `months` months; the caller frees what is returned."""
    cdef Py_ssize_t width = months + 2
    cdef double *room = <double *> calloc(7 * width, sizeof(double))
    if room == NULL:
        raise MemoryError
    out.w, out.v, out.level = room, room + width, room + 2*width
    out.sum_w, out.sum_kw, out.sum_v, out.sum_kv = room + 3*width, room + 4*width, room + 5*width, room + 6*width
    return room


def monthly_values(loans, Model model, const double[::1] discount, out=None):
    cdef _Loans columns = _Loans(loans, model)
    cdef Weights weights
    # Fresh memory is cleared page by page when it is first written: a quarter of the time of a million loans.
    values = np.empty(columns.count) if out is None else out
    cdef double[::1] value = values
    require(value.shape[0] == columns.count, "out and the columns of loans differ in length")
    if columns.count == 0:
        return values
    require(discount.shape[0] > columns.months_max + model.lag_months_max, "the discount factors end too early")
    cdef double *room = weights_room(&weights, columns.months_max)
    with nogil:
        value_all(&columns.at, columns.count, model.rows, &discount[0], &weights, &value[0])
    free(room)
    return values


def dated_values(assets, Model model, const double[::1] discount):
    cdef const int64_t[::1] offset = assets.offsets, balance = assets.balance_micro
    cdef const int64_t[::1] probability = assets.probability_e12
    cdef const int32_t[::1] terms = assets.terms, day = assets.day, recovery = assets.recovery_day
    cdef const double[::1] interest = assets.interest_micro, principal = assets.principal_micro
    cdef Py_ssize_t count = terms.shape[0], i
    cdef Flows due
    values, paid, recovered = np.empty(count), np.empty(day.shape[0]), np.empty(day.shape[0])
    cdef double[::1] value = values, paid_out = paid, recovered_out = recovered
    if count == 0:
        return values, paid, recovered
    require(offset.shape[0] == count + 1 and balance.shape[0] == count, "columns of assets differ in length")
    require(all([len(column) == day.shape[0] for column in assets[3:]]), "columns of flows differ in length")
    require(offset[0] == 0 and offset[count] == day.shape[0] and day.shape[0] > 0, "offsets do not cover the flows")
    for i in range(count):
        require(0 <= terms[i] < model.count and offset[i] < offset[i + 1], "terms or offsets are out of range")
        check_days(day, recovery, offset[i], offset[i+1], model.recourse[terms[i]].lag_days, discount.shape[0])
    due = Flows(
        &offset[0], &terms[0], &balance[0], &day[0], &recovery[0], &interest[0], &principal[0], &probability[0]
    )
    with nogil:
        for i in range(count):
            value[i] = dated_value(
                &due, i, &model.rows[terms[i]], &model.recourse[terms[i]], &discount[0], &paid_out[0], &recovered_out[0]
            )
    return values, paid, recovered


cdef int check_days(
    const int32_t[::1] day, const int32_t[::1] recovery, Py_ssize_t start, Py_ssize_t stop, int lag, Py_ssize_t reach
) except -1:
    cdef int last = 0
    cdef Py_ssize_t i
    for i in range(start, stop):
        require(last <= day[i] < reach - lag and recovery[i] < reach, "a day is out of order or too far")
        last = day[i]
    return 0


def quantised(const double[::1] value, int rounding):
    require(FLOOR <= rounding <= NEAREST, "there is no such rounding")
    cdef Py_ssize_t i, count = value.shape[0]
    cdef bint fits = True
    cdef double x
    out = np.empty(count, np.int64)
    cdef int64_t[::1] micro = out
    with nogil:
        for i in range(count):
            x = floor(value[i]) if rounding == FLOOR else ceil(value[i]) if rounding == CEIL else rint(value[i])
            # A comparison that a NaN fails.
            if not -MICRO_MAX <= x <= MICRO_MAX:
                fits = False
                x = 0
            micro[i] = <int64_t> x
    require(fits, "a value is no number of 63 bits")
    return out


def joint_defaults(const double[::1] p, const double[::1] q, const double[::1] rho):
    cdef Py_ssize_t i, count = p.shape[0]
    require(q.shape[0] == count and rho.shape[0] == count, "probabilities and correlations differ in length")
    out = np.empty(count)
    cdef double[::1] both = out
    with nogil:
        for i in range(count):
            both[i] = joint(p[i], q[i], rho[i])
    return out


def expected_flows(loans, Model model, const int32_t[::1] group, int groups):
    cdef _Loans columns = _Loans(loans, model)
    cdef Py_ssize_t i, width = columns.months_max + model.lag_months_max + 1
    cdef Weights out
    cdef bint fits = True
    require(group.shape[0] == columns.count and groups >= 1, "every loan needs its group")
    flows = np.zeros((groups, COMPONENTS, width))
    cdef double[:, :, ::1] room = flows
    for i in range(columns.count):
        fits &= 0 <= group[i] < groups
    require(fits, "a group is out of range")
    with nogil:
        for i in range(columns.count):
            out.c = hazard_part(model.rows[columns.at.terms[i]].cpr, 1.0 / 12)
            add_flows(&columns.at, i, &model.rows[columns.at.terms[i]], &out, &room[group[i], 0, 0], width)
    return flows


def expected_losses(loans, Model model, const int32_t[::1] horizon):
    cdef _Loans columns = _Loans(loans, model)
    cdef Py_ssize_t i
    require(horizon.shape[0] == columns.count, "every loan needs its horizon")
    losses = np.empty(columns.count)
    cdef double[::1] loss = losses
    with nogil:
        for i in range(columns.count):
            loss[i] = lifetime_loss(&columns.at, i, &model.rows[columns.at.terms[i]], horizon[i])
    return losses


# --- buckets ----------------------------------------------------------------------------------------

cdef void horner(
    const double *flows, Py_ssize_t groups, Py_ssize_t months, const double *step, double *value
) noexcept nogil:
    """Return sum_k flows[k, group] step[group]^k by groups; months are rows, so that groups go abreast."""
    cdef Py_ssize_t group, month
    for group in range(groups):
        value[group] = flows[(months - 1) * groups + group]
    for month in range(months - 2, -1, -1):
        for group in range(groups):
            value[group] = value[group] * step[group] + flows[month * groups + group]


@cython.final
cdef class BucketedPool:
    cdef Py_ssize_t groups, months
    cdef double[:, ::1] flow      # [month, group], undiscounted
    cdef double[:, ::1] present   # [month, group], discounted by the curve
    cdef double[::1] fixed
    cdef double[::1] step
    cdef double[::1] result

    def __cinit__(self, const double[:, ::1] flows, const double[::1] discount, const double[::1] fixed):
        self.groups = flows.shape[0]
        self.months = flows.shape[1]
        require(self.groups > 0 and self.months > 0 and fixed.shape[0] == self.groups, "groups differ in number")
        self.flow = np.ascontiguousarray(np.asarray(flows).T)
        self.present = np.empty((self.months, self.groups))
        self.fixed = np.array(fixed)
        self.step = np.empty(self.groups)
        self.result = np.empty(self.groups)
        self.set_discount(discount)

    def set_discount(self, const double[::1] discount):
        cdef Py_ssize_t month, group
        require(discount.shape[0] >= self.months, "the discount factors end too early")
        for month in range(self.months):
            for group in range(self.groups):
                self.present[month, group] = self.flow[month, group] * discount[month]

    def value(self, double rate_move=0.0, double spread_move=0.0):
        cdef Py_ssize_t group
        cdef double step = exp(-(rate_move + spread_move) / 12), total = 0
        for group in range(self.groups):
            self.step[group] = step
        horner(&self.present[0, 0], self.groups, self.months, &self.step[0], &self.result[0])
        for group in range(self.groups):
            total += self.result[group] + self.fixed[group]
        return total

    def values(self, double rate_move, const double[::1] spread_moves):
        cdef Py_ssize_t group
        require(spread_moves.shape[0] == self.groups, "every group needs its move")
        out = np.empty(self.groups)
        cdef double[::1] value = out
        for group in range(self.groups):
            self.step[group] = exp(-(rate_move + spread_moves[group]) / 12)
        horner(&self.present[0, 0], self.groups, self.months, &self.step[0], &value[0])
        for group in range(self.groups):
            value[group] += self.fixed[group]
        return out
