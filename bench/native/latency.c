/* Drives a market through parbook.h and records how long every command took; no Python, no allocation on the way.
 *
 * Open loop: every command has an intended start, laid down beforehand, and its latency is its completion minus that
 * start, whenever it really began. A stall therefore counts against every command that was due meanwhile, and not once
 * against the one that met it (coordinated omission). Closed loop: commands follow each other, each between two readings
 * of the clock. Without a market either loop does no work: what it then records is the platform's own doing.
 *
 * All times are ticks of the chosen clock. With the artificial one, which stands still but for the ticks that each
 * command is said to take, a run's latencies are exact numbers.
 */
#include "parbook.h"

#include "histogram.h"
#include "ticks.h"

enum { COMMANDS_RESERVED = 64, AHEAD = 64 };

typedef struct {
    const pb_api *pb;
    pb_desk *desk; /* NULL: no work */
    const pb_command *commands;
    const int64_t *intended;      /* ticks after the start; NULL: closed loop */
    const int64_t *service_ticks; /* what each command takes of artificial time */
    histogram_t *histogram;
    histogram_t *singles; /* closed loop: of commands that caused one event as well, or NULL */
    int64_t *latencies;   /* of every command as well, or NULL */
    int64_t count, cap, spin, artificial, start, end, calls;
    uint32_t room;
} run_t;

/* Apply the commands from `at` on; -1 when not all were. Room is made once for 64 of them, inside the measured time. */
ALWAYS_INLINE int apply(run_t *run, int kind, int64_t at, int64_t count) {
    if (run->desk != NULL) {
        pb_desk_front *front = pb_front(run->desk);
        if (run->room < count) {
            if (run->pb->reserve(run->desk, COMMANDS_RESERVED) != 0) return -1;
            run->room = COMMANDS_RESERVED;
        }
        run->room -= (uint32_t)count;
        /* The caller is done with the events before: the ring may reuse their place, as under a consumer that keeps up. */
        front->keep_seq = front->next_seq;
        if (run->pb->run(run->desk, run->commands + at, count) != count) return -1;
    } else {
        uint64_t chain = 1;
        for (int64_t i = 0; i < run->spin; i++) __asm__ volatile("" : "+r"(chain) : : );
    }
    if (kind == TICKS_ARTIFICIAL) {
        for (int64_t i = at; i < at + count; i++) run->artificial += run->service_ticks[i];
    }
    return 0;
}

ALWAYS_INLINE void record(run_t *run, int64_t at, int64_t ticks) {
    histogram_record(run->histogram, ticks);
    if (run->latencies != NULL) run->latencies[at] = ticks;
    /* Commands of a live system arrive in cache; ours lie in megabytes that were written long ago. */
    __builtin_prefetch(run->commands + at + AHEAD);
}

/* Return how many commands were applied. With cap 1 every command is a call; otherwise all that are due, up to cap. */
ALWAYS_INLINE int64_t open_loop(run_t *run, int kind) {
    int64_t at = 0, start = ticks_read(kind, &run->artificial), now = start;
    while (at < run->count) {
        int64_t due = start + run->intended[at], end = at + 1;
        if (kind == TICKS_ARTIFICIAL && now < due) now = run->artificial = due;
        while (now < due) now = ticks_read(kind, &run->artificial);
        while (end < run->count && end - at < run->cap && start + run->intended[end] <= now) end++;
        if (apply(run, kind, at, end - at) != 0) break;
        now = ticks_read(kind, &run->artificial);
        for (; at < end; at++) record(run, at, now - start - run->intended[at]);
        run->calls++;
    }
    run->start = start;
    run->end = now;
    return at;
}

ALWAYS_INLINE int64_t closed_loop(run_t *run, int kind) {
    int64_t at = 0, end = run->start = ticks_read(kind, &run->artificial);
    for (; at < run->count; at++) {
        int64_t begin = ticks_read(kind, &run->artificial);
        if (apply(run, kind, at, 1) != 0) break;
        end = ticks_read(kind, &run->artificial);
        record(run, at, end - begin);
        if (run->singles != NULL && run->desk != NULL && pb_front(run->desk)->next_seq - pb_front(run->desk)->keep_seq == 1)
            histogram_record(run->singles, end - begin);
        run->calls++;
    }
    run->end = end;
    return at;
}

ALWAYS_INLINE int64_t either_loop(run_t *run, int kind) {
    return run->intended != NULL ? open_loop(run, kind) : closed_loop(run, kind);
}

static int64_t driven(run_t *run, int kind) {
    switch (kind) {
    case TICKS_TSC: return either_loop(run, TICKS_TSC);
    case TICKS_SYSTEM: return either_loop(run, TICKS_SYSTEM);
    default: return either_loop(run, TICKS_ARTIFICIAL);
    }
}

/* --- for Python --------------------------------------------------------------------------------- */

/* An optional array of `count` int64; NULL with ValueError when its length is another. */
static int as_ticks(const Py_buffer *buffer, int64_t count, const char *name, int64_t **out) {
    *out = buffer->buf;
    if (buffer->buf == NULL || buffer->len == count * (int64_t)sizeof(int64_t)) return 0;
    PyErr_Format(PyExc_ValueError, "%s must hold one int64 a command", name);
    return -1;
}

static int as_histogram(const Py_buffer *buffer, histogram_t **out) {
    *out = buffer->buf;
    if (buffer->len == sizeof(histogram_t)) return 0;
    PyErr_SetString(PyExc_ValueError, "a histogram is HISTOGRAM_WORDS words of uint64");
    return -1;
}

static int check(const run_t *run, int kind) {
    if (kind < TICKS_ARTIFICIAL || kind > ticks_best()) {
        PyErr_SetString(PyExc_ValueError, "this machine has no such clock");
    } else if (run->cap < 1 || run->cap > COMMANDS_RESERVED) {
        PyErr_Format(PyExc_ValueError, "cap must be 1 to %d", COMMANDS_RESERVED);
    } else if (kind == TICKS_ARTIFICIAL && run->service_ticks == NULL) {
        PyErr_SetString(PyExc_ValueError, "the artificial clock needs what every command takes");
    }
    return PyErr_Occurred() ? -1 : 0;
}

/* Run the loop on a market (NULL: none) without the GIL; the number of commands applied, -1 with an exception. */
static int64_t with_market(run_t *run, PyObject *market, int kind) {
    int64_t applied;
    if (market != NULL) {
        run->pb = pb_load();
        run->desk = run->pb == NULL ? NULL : run->pb->take(market);
        if (run->desk == NULL) return -1;
    }
    Py_BEGIN_ALLOW_THREADS
    applied = driven(run, kind);
    Py_END_ALLOW_THREADS
    if (market != NULL && run->pb->give_back(market) != 0) return -1;
    return applied;
}

PyDoc_STRVAR(drive_doc,
    "drive(market | None, commands, intended | None, histogram, singles | None, latencies | None, service_ticks | None,\n"
    "clock, cap, spin) -> (applied, calls, ticks from start to the last completion). Commands carry no Terms.");

static PyObject *drive(PyObject *self, PyObject *args) {
    PyObject *market, *kept, *apart, *answer = NULL;
    Py_buffer commands, intended, histogram, service, latencies = {0}, singles = {0};
    int64_t applied, *due, *takes;
    run_t run = {0};
    int kind;
    (void)self;
    if (!PyArg_ParseTuple(args, "Oy*z*w*OOz*iLL", &market, &commands, &intended, &histogram, &apart, &kept, &service,
                          &kind, &run.cap, &run.spin))
        return NULL;
    run.commands = commands.buf;
    run.count = commands.len / (int64_t)sizeof(pb_command);
    if ((kept == Py_None || PyObject_GetBuffer(kept, &latencies, PyBUF_WRITABLE) == 0) &&
        (apart == Py_None || PyObject_GetBuffer(apart, &singles, PyBUF_WRITABLE) == 0) &&
        as_ticks(&intended, run.count, "intended", &due) == 0 &&
        as_ticks(&service, run.count, "service_ticks", &takes) == 0 &&
        as_ticks(&latencies, run.count, "latencies", &run.latencies) == 0 &&
        (singles.buf == NULL || as_histogram(&singles, &run.singles) == 0) &&
        as_histogram(&histogram, &run.histogram) == 0) {
        run.intended = due;
        run.service_ticks = takes;
        if (check(&run, kind) == 0) {
            applied = with_market(&run, market == Py_None ? NULL : market, kind);
            if (applied >= 0)
                answer = Py_BuildValue("(LLL)", (long long)applied, (long long)run.calls, (long long)(run.end - run.start));
        }
    }
    PyBuffer_Release(&commands);
    PyBuffer_Release(&intended);
    PyBuffer_Release(&histogram);
    PyBuffer_Release(&service);
    PyBuffer_Release(&latencies);
    PyBuffer_Release(&singles);
    return answer;
}

PyDoc_STRVAR(clock_pair_doc, "clock_pair(clock) -> (CLOCK_MONOTONIC_RAW in ns, ticks) read together: the tightest of 64.");

static PyObject *clock_pair(PyObject *self, PyObject *args) {
    int64_t best_ticks = INT64_MAX, ns = 0, at = 0, artificial = 0;
    int kind;
    (void)self;
    if (!PyArg_ParseTuple(args, "i", &kind)) return NULL;
    for (int i = 0; i < 64; i++) {
        int64_t before = ticks_read(kind, &artificial), raw_ns = ticks_raw_ns(), after = ticks_read(kind, &artificial);
        if (after - before < best_ticks) {
            best_ticks = after - before;
            ns = raw_ns;
            at = before + best_ticks / 2;
        }
    }
    return Py_BuildValue("(LL)", (long long)ns, (long long)at);
}

PyDoc_STRVAR(record_doc, "record(histogram, values): add int64 values.");

static PyObject *record_values(PyObject *self, PyObject *args) {
    Py_buffer words, values;
    histogram_t *histogram;
    int failed;
    (void)self;
    if (!PyArg_ParseTuple(args, "w*y*", &words, &values)) return NULL;
    failed = as_histogram(&words, &histogram);
    for (int64_t i = 0; failed == 0 && i < values.len / (int64_t)sizeof(int64_t); i++)
        histogram_record(histogram, ((const int64_t *)values.buf)[i]);
    PyBuffer_Release(&words);
    PyBuffer_Release(&values);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(percentile_doc, "percentile(histogram, ppm): the value that ppm millionths of all do not exceed.");

static PyObject *percentile(PyObject *self, PyObject *args) {
    Py_buffer words;
    histogram_t *histogram;
    unsigned ppm;
    PyObject *answer = NULL;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*I", &words, &ppm)) return NULL;
    if (as_histogram(&words, &histogram) == 0)
        answer = PyLong_FromUnsignedLongLong(histogram_percentile(histogram, ppm));
    PyBuffer_Release(&words);
    return answer;
}

static PyMethodDef methods[] = {
    {"drive", drive, METH_VARARGS, drive_doc},
    {"clock_pair", clock_pair, METH_VARARGS, clock_pair_doc},
    {"record", record_values, METH_VARARGS, record_doc},
    {"percentile", percentile, METH_VARARGS, percentile_doc},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "latency", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_latency(void) {
    PyObject *made = PyModule_Create(&module);
    if (made == NULL || PyModule_AddIntConstant(made, "HISTOGRAM_WORDS", HISTOGRAM_WORDS) != 0 ||
        PyModule_AddIntConstant(made, "BEST_CLOCK", ticks_best()) != 0 ||
        PyModule_AddIntConstant(made, "CAP", COMMANDS_RESERVED) != 0) {
        Py_XDECREF(made);
        return NULL;
    }
    return made;
}
