/* parbook behind the C interface of the public matching benchmark: the same core that `import parbook` loads.
 *
 * The interpreter is embedded to import parbook and to make one market. From then on every message is translated into
 * one command and run through the core's function table; every query is answered from the core's own state.
 *
 * Reports travel in the core's own event ring: the matcher writes events in place, this file's drain(), on the
 * harness's thread, turns them into reports. What an event does not say of its message (the harness's sequence number,
 * a modification's size) stands in a ring of marks by the command's number.
 *
 * The harness's order ids are the core's client ids: the core itself finds orders by them. A partly filled order's
 * modification names its total, because the harness means what is left.
 */
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "matching_engine_api.h"
#include "parbook.h"

#ifndef PARBOOK_PYTHON
#error "built by `python -m bench.public`, which says which interpreter to embed"
#endif

enum { NEW = 1, CANCEL = 2, AMEND = 3 };
enum { ACCEPTED = 1, REJECTED = 2, TRADE = 3, CANCELLED = 4, AMENDED = 5 };
enum { GTC = 0, IOC = 1 };
enum { ACCOUNT = 1 };

/* The core's client id 0 is none, the harness's order id 0 is one: all bits of its ids are turned by a constant. */
static const uint64_t TURN = UINT64_C(0x9E3779B97F4A7C15);
enum {
    MESSAGES_AT_ONCE = 128,  /* events are handed over, and room is made, so often */
    EVENTS_OF_A_MESSAGE = 10, /* besides one for each order it trades with, and what the core keeps spare */
    EVENTS_AHEAD = 24,
    LINE = 64,
    HUGE_PAGE = 1 << 21,
};

/* What an event does not say of the message it answers. */
typedef struct {
    uint64_t sequence_number;
    uint32_t quantity;
} mark_t;

/* The hand-over. Each side has lines of its own; what both read changes only while nothing is under way. */
typedef struct {
    _Alignas(LINE) _Atomic uint64_t published;  /* events below may be read */
    _Alignas(LINE) _Atomic uint64_t consumed;   /* events below may be overwritten */
    _Alignas(LINE) const pb_event *events;      /* the ring; the desk's own line changes with every event */
    uint64_t events_mask;
    mark_t *marks;
    uint64_t marks_mask;
    uint32_t capacity;
    /* the consumer's own */
    _Alignas(LINE) uint64_t next_seq;
    uint64_t command;
    uint64_t *names;                            /* the core's order id -> the harness's */
    uint64_t names_length;
} queue_t;

static queue_t *queue;
static const pb_api *pb;
static pb_desk *desk;
static PyObject *market;
static PyThreadState *released;

/* The matcher's own. */
static _Alignas(LINE) pb_command command;
static uint64_t consumed;
static uint32_t credit;                         /* messages before attend() is due */
static const pb_event *ring;                    /* where the consumer was told that the ring is */
static mark_t *marks;
static uint64_t marks_mask;

static void fail(const char *what) {
    fprintf(stderr, "parbook: %s\n", what);
    if (PyErr_Occurred()) PyErr_Print();
    abort();
}

/* Ask for huge pages where the kernel gives them on request: these arrays are read all over. A refusal is no error. */
static void in_huge_pages(void *start, size_t bytes) {
    uintptr_t first = ((uintptr_t)start + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1);
    uintptr_t end = ((uintptr_t)start + bytes) & ~(uintptr_t)(HUGE_PAGE - 1);
    if (end > first) (void)madvise((void *)first, end - first, MADV_HUGEPAGE);
}

/* Make room in a zeroed array of 64-bit numbers for an index. */
static void reach(uint64_t **items, uint64_t *length, uint64_t index) {
    uint64_t longer = *length ? *length : 1 << 16;
    uint64_t *moved;
    while (longer <= index) longer *= 2;
    moved = aligned_alloc(HUGE_PAGE, (longer * sizeof *moved + HUGE_PAGE - 1) & ~(size_t)(HUGE_PAGE - 1));
    if (moved == NULL) fail("no memory for order ids");
    in_huge_pages(moved, longer * sizeof *moved);
    if (*length) memcpy(moved, *items, *length * sizeof *moved);
    memset(moved + *length, 0, (longer - *length) * sizeof *moved);
    free(*items);
    *items = moved;
    *length = longer;
}

/* --- transport ------------------------------------------------------------------------------ */

static void *transport_create(uint32_t capacity) {
    queue_t *made = aligned_alloc(LINE, sizeof(queue_t));
    if (made == NULL) return NULL;
    memset(made, 0, sizeof *made);
    made->capacity = 1;
    while (made->capacity < capacity) made->capacity *= 2;
    made->marks = calloc(made->capacity * 2, sizeof(mark_t));
    made->marks_mask = made->capacity * 2 - 1;
    made->next_seq = made->command = 1;
    atomic_init(&made->published, 1);
    atomic_init(&made->consumed, 1);
    if (made->marks == NULL) {
        free(made);
        return NULL;
    }
    return made;
}

static int transport_push(void *handle, const me_report_t *report) {
    (void)handle, (void)report;
    return 0; /* events are written in place */
}

static void publish(void) {
    const pb_desk_front *front = pb_front(desk);
    if (__builtin_expect(front->events != ring, 0)) {
        ring = front->events;
        queue->events = ring;
        queue->events_mask = front->events_mask;
    }
    atomic_store_explicit(&queue->published, front->next_seq, memory_order_release);
}

static void transport_flush(void *handle) {
    (void)handle;
    if (desk != NULL) publish();
}

static void transport_destroy(void *handle) {
    queue_t *q = handle;
    free(q->marks);
    free(q->names);
    free(q);
}

static inline uint64_t name_of(queue_t *q, uint64_t order_id) { return q->names[order_id]; }

static void translate(queue_t *q, const pb_event *event, me_report_t *report) {
    const mark_t *mark;
    q->command += (uint16_t)(event->command - (uint16_t)q->command);
    mark = &q->marks[q->command & q->marks_mask];
    memset(report, 0, sizeof *report);
    report->sequence_number = mark->sequence_number;
    report->side = event->side;
    report->order_id = event->other_id ^ TURN;
    report->price_ticks = event->price_ticks;
    report->quantity = (uint32_t)event->qty_lots;
    switch (event->kind) {
    case ACCEPTED:
        report->type = ME_ORDER_ACK;
        if (event->order_id >= q->names_length) reach(&q->names, &q->names_length, event->order_id);
        q->names[event->order_id] = event->other_id ^ TURN;
        break;
    case TRADE:
        report->type = ME_TRADE;
        report->maker_order_id = name_of(q, event->other_id);
        report->taker_order_id = name_of(q, event->order_id);
        break;
    case CANCELLED:
        report->type = ME_CANCEL_ACK;
        break;
    case AMENDED:
        report->type = ME_MODIFY_ACK;
        report->quantity = mark->quantity;
        break;
    default:
        report->type = mark->quantity ? ME_MODIFY_REJECT : ME_CANCEL_REJECT;
        break;
    }
}

static uint32_t transport_drain(void *handle, me_report_t *out, uint32_t max) {
    queue_t *q = handle;
    uint64_t ready = atomic_load_explicit(&q->published, memory_order_acquire) - q->next_seq;
    uint32_t count = ready < max ? (uint32_t)ready : max;
    const pb_event *events;
    uint64_t mask;
    if (count == 0) return 0; /* the ring may move now: where it is must not be read */
    events = q->events;
    mask = q->events_mask;
    for (uint32_t i = 0; i < count; i++) translate(q, &events[(q->next_seq + i) & mask], out + i);
    q->next_seq += count;
    atomic_store_explicit(&q->consumed, q->next_seq, memory_order_release);
    return count;
}

static const me_transport_t transport = {
    transport_create, transport_push, transport_drain, transport_flush, transport_destroy,
};

const me_transport_t *engine_get_transport(void) { return &transport; }

/* --- engine --------------------------------------------------------------------------------- */

static void start_python(void) {
    PyConfig config;
    /* Loaded by dlopen, this library keeps libpython to itself; extension modules look for it in the process. */
    if (dlopen(PARBOOK_LIBPYTHON, RTLD_NOW | RTLD_GLOBAL) == NULL) fail(dlerror());
    PyConfig_InitPythonConfig(&config);
    config.install_signal_handlers = 0;
    if (PyStatus_Exception(PyConfig_SetBytesString(&config, &config.executable, PARBOOK_PYTHON)) ||
        PyStatus_Exception(PyConfig_SetBytesString(&config, &config.program_name, PARBOOK_PYTHON)) ||
        PyStatus_Exception(Py_InitializeFromConfig(&config)))
        fail("Python does not start");
    PyConfig_Clear(&config);
    if (PyRun_SimpleString("import sys; sys.path.insert(0, '" PARBOOK_PATH "')") != 0) fail("sys.path");
}

/* Make the market with the benchmark's meaning of a modification: always out and in again. */
static PyObject *make_market(void) {
    PyObject *globals = PyDict_New();
    PyObject *made, *result;
    if (globals == NULL) return NULL;
    result = PyRun_String(
        "import parbook\n"
        "market = parbook.Market(parbook.Instrument(symbol='BENCH', reinsert_on_amend=True, client_id_window=0))\n",
        Py_file_input, globals, globals);
    made = result ? PyDict_GetItemString(globals, "market") : NULL;
    Py_XINCREF(made);
    Py_XDECREF(result);
    Py_DECREF(globals);
    return made;
}

void engine_init(uint64_t seed, const me_transport_t *chosen, void *report_sink) {
    (void)seed;
    if (chosen != &transport) fail("the harness did not take this engine's transport");
    queue = report_sink;
    start_python();
    pb = pb_load();
    if (pb == NULL) fail("parbook's function table cannot be loaded");
    market = make_market();
    if (market == NULL || (desk = pb->take(market)) == NULL) fail("no market");
    released = PyEval_SaveThread();
    if (pb->hold_events(desk, queue->capacity) != 0) fail("no memory for events");
    /* Touched now, or the first lap through the rings pays a page fault every 64 events. */
    in_huge_pages(pb_front(desk)->events, (pb_front(desk)->events_mask + 1) * sizeof(pb_event));
    in_huge_pages(queue->marks, (queue->marks_mask + 1) * sizeof(mark_t));
    memset(pb_front(desk)->events, 0, (pb_front(desk)->events_mask + 1) * sizeof(pb_event));
    memset(queue->marks, 0, (queue->marks_mask + 1) * sizeof(mark_t));
    memset(&command, 0, sizeof command);
    command.account = ACCOUNT;
    marks = queue->marks;
    marks_mask = queue->marks_mask;
    credit = 0;
    ring = NULL;
    publish();
}

void engine_shutdown(void) {
    PyEval_RestoreThread(released);
    if (pb->give_back(market) != 0) PyErr_Print();
    desk = NULL;
    Py_CLEAR(market);
    Py_FinalizeEx();
}

/* Do what every message needs, for the next MESSAGES_AT_ONCE: hand over the events, make room for orders, wait until
 * the consumer has left enough of the ring. Their fills are no more than the orders that rest now and themselves. */
static void attend(void) {
    pb_desk_front *front = pb_front(desk);
    uint64_t most = pb->open_orders(desk) + MESSAGES_AT_ONCE * EVENTS_OF_A_MESSAGE;
    publish();
    if (pb->reserve(desk, MESSAGES_AT_ONCE) != 0) fail("no memory for orders");
    /* The consumer's count is read only when what was known of it does not suffice: its line is in another core. */
    while (front->next_seq + most - consumed > front->events_mask) {
        consumed = atomic_load_explicit(&queue->consumed, memory_order_acquire);
        if (consumed == front->next_seq) break;
    }
    /* With all consumed and still too little, the ring may grow: nobody reads it before the next publish(). */
    front->keep_seq = consumed;
    credit = MESSAGES_AT_ONCE;
}

static inline void run(uint64_t sequence_number, uint32_t quantity) {
    pb_desk_front *front = pb_front(desk);
    mark_t *mark = &marks[front->next_command & marks_mask];
    if (__builtin_expect(credit == 0, 0)) attend();
    credit--;
    mark->sequence_number = sequence_number;
    mark->quantity = quantity;
    /* The ring is larger than any cache: the lines of the next events are asked for before they are written. */
    __builtin_prefetch(&front->events[(front->next_seq + EVENTS_AHEAD) & front->events_mask], 1);
    if (__builtin_expect(pb->run(desk, &command, 1) != 1, 0)) fail("memory ran out");
}

/* What the command is, in one store: the core reads it in one load, which would wait for the last of four. */
static inline void say(uint32_t kind, uint32_t side, uint32_t tif) {
    uint32_t word = kind | side << 8 | tif << 24;
    memcpy(&command, &word, sizeof word);
}

void engine_on_new_order(const new_order_t *order) {
    if (__builtin_expect(order->order_id == TURN, 0)) fail("this one order id cannot be expressed");
    say(NEW, order->side, order->ioc ? IOC : GTC);
    command.client_id = order->order_id ^ TURN;
    command.price_ticks = order->price_ticks;
    command.qty_lots = order->quantity;
    run(order->sequence_number, order->quantity);
}

void engine_on_cancel(const cancel_t *cancel) {
    say(CANCEL, 0, 0);
    command.client_id = cancel->order_id ^ TURN;
    run(cancel->sequence_number, 0);
}

void engine_on_modify(const modify_t *modify) {
    int64_t filled_lots = pb->filled_lots(desk, ACCOUNT, 0, modify->order_id ^ TURN);
    say(AMEND, 0, 0);
    command.client_id = modify->order_id ^ TURN;
    command.price_ticks = modify->new_price_ticks;
    command.qty_lots = modify->new_quantity + (filled_lots > 0 ? filled_lots : 0);
    run(modify->sequence_number, modify->new_quantity);
}

void engine_on_batch(const me_msg_t *messages, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        const me_msg_t *message = messages + i;
        if (message->type == 0) engine_on_new_order(&message->no);
        else if (message->type == 1) engine_on_cancel(&message->c);
        else engine_on_modify(&message->md);
    }
    publish();
}

void engine_flush(void) {
    if (pb->broken(desk)) fail("memory ran out inside a command");
    publish();
}

/* --- queries -------------------------------------------------------------------------------- */

int64_t engine_query_best_bid(void) {
    int64_t ticks = pb->best_ticks(desk, 0);
    return ticks ? ticks : INT64_MIN;
}

int64_t engine_query_best_ask(void) {
    int64_t ticks = pb->best_ticks(desk, 1);
    return ticks ? ticks : INT64_MAX;
}

uint64_t engine_query_depth_at(int64_t price_ticks, uint8_t side) {
    return (uint64_t)pb->level_lots(desk, side, price_ticks);
}
