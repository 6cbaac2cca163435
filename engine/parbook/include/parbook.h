/* parbook's compiled market for a program in C: how to feed it and read it without entering Python per command.
 *
 * The interpreter makes the market and keeps it alive; everything after `take` runs without it, and without the GIL:
 *
 *     const pb_api *pb = pb_load();                     with the GIL; NULL and an exception when that fails
 *     pb_desk *desk = pb->take(market);                 with the GIL; a parbook.Market of no exchange
 *     pb->reserve(desk, 64);                            room for 64 commands without Terms
 *     pb->run(desk, commands, 64);                      their events are pb_front(desk)->events[seq & mask]
 *     pb->give_back(market);                            with the GIL; Python may use it again
 *
 * One thread at a time may run a market. Records have the layouts of parbook.records.COMMAND and .EVENT; their codes
 * are those of parbook.codes. Nothing here allocates per command. See docs/embedding.md.
 */
#ifndef PARBOOK_H
#define PARBOOK_H

#include <Python.h>
#include <stdint.h>

#define PB_API_VERSION 1u

typedef struct pb_desk pb_desk;

typedef struct {
    uint8_t kind, side, order_type, tif;
    uint32_t account;
    uint64_t order_id, client_id;
    int64_t price_ticks, qty_lots, ts_ns, high_ticks;
    uint16_t instrument, session;
    uint32_t trail_ppm;
} pb_command;

typedef struct {
    uint8_t kind, side;
    uint16_t code;
    uint32_t account;
    uint64_t seq, order_id, other_id;
    int64_t price_ticks, qty_lots, leaves_lots;
    uint32_t other_account;
    uint16_t instrument, command;
} pb_event;

/* The counters a desk begins with. Only keep_seq may be written: events from it on are not overwritten. With less
 * than eight places free the ring grows instead, and then `events` and `events_mask` change. */
typedef struct {
    pb_event *events;
    uint64_t events_mask, grown_seq, keep_seq, next_seq, next_command, next_order_id;
    int64_t now_ns, last_trade_ticks;
} pb_desk_front;

typedef struct {
    uint32_t version, command_bytes, event_bytes, front_bytes;
    /* Take a market out of Python's hands until give_back; NULL with an exception. Give it back: -1 with one. */
    pb_desk *(*take)(PyObject *market);
    int (*give_back)(PyObject *market);
    /* Make room for so many commands; -1 without memory, and the market is as it was. */
    int (*reserve)(pb_desk *desk, uint32_t commands);
    /* Apply commands in order. Returns how many were: fewer than `count` when memory ran out before the next one. */
    int64_t (*run)(pb_desk *desk, const pb_command *commands, int64_t count);
    /* Make the ring hold at least so many events; -1 without memory. */
    int (*hold_events)(pb_desk *desk, uint64_t events);
    /* Best displayed price of a side (0 buy, 1 sell), 0 for none; lots displayed at a price; open orders. */
    int64_t (*best_ticks)(const pb_desk *desk, int side);
    int64_t (*level_lots)(const pb_desk *desk, int side, int64_t price_ticks);
    uint64_t (*open_orders)(const pb_desk *desk);
    /* Lots a live order has traded; -1 when no such order is live. Named as in a command: by order_id, or when that
     * is 0 by account and client_id. */
    int64_t (*filled_lots)(const pb_desk *desk, uint32_t account, uint64_t order_id, uint64_t client_id);
    /* Whether memory ran out inside a command: nothing of the market may be trusted then. */
    int (*broken)(const pb_desk *desk);
} pb_api;

static inline pb_desk_front *pb_front(pb_desk *desk) { return (pb_desk_front *)desk; }

/* Import parbook and return its functions; NULL with an exception when that fails or the versions differ. */
static inline const pb_api *pb_load(void) {
    /* PyCapsule_Import reads the attribute and does not import the submodule. */
    PyObject *module = PyImport_ImportModule("parbook._native");
    const pb_api *api = module ? (const pb_api *)PyCapsule_Import("parbook._native.API", 0) : NULL;
    Py_XDECREF(module);
    if (api == NULL) return NULL;
    if (api->version != PB_API_VERSION || api->command_bytes != sizeof(pb_command) ||
        api->event_bytes != sizeof(pb_event) || api->front_bytes != sizeof(pb_desk_front)) {
        PyErr_Format(PyExc_ImportError, "parbook.h is version %u, the installed core %u: rebuild against its header.",
                     PB_API_VERSION, api->version);
        return NULL;
    }
    return api;
}

#endif
