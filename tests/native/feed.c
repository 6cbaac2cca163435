/* Takes a market from Python, feeds it commands from a buffer without the GIL, gives it back: what parbook.h promises. */
#include "parbook.h"

static PyObject *feed(PyObject *self, PyObject *args) {
    PyObject *market;
    Py_buffer commands;
    pb_desk *desk;
    pb_desk_front *front;
    uint64_t first;
    int64_t count, done, asked;
    PyObject *events;
    const pb_api *pb = pb_load();
    (void)self;
    if (pb == NULL || !PyArg_ParseTuple(args, "Oy*L", &market, &commands, &asked)) return NULL;
    count = commands.len / (int64_t)sizeof(pb_command);
    desk = pb->take(market);
    if (desk == NULL) {
        PyBuffer_Release(&commands);
        return NULL;
    }
    front = pb_front(desk);
    first = front->keep_seq = front->next_seq;
    Py_BEGIN_ALLOW_THREADS
    done = pb->reserve(desk, (uint32_t)count) == 0 ? pb->run(desk, commands.buf, count) : -1;
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&commands);
    events = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(front->next_seq - first) * (Py_ssize_t)sizeof(pb_event));
    if (events != NULL) {
        pb_event *out = (pb_event *)PyBytes_AS_STRING(events);
        for (uint64_t seq = first; seq < front->next_seq; seq++) *out++ = front->events[seq & front->events_mask];
    }
    /* The counters and views a caller in C reads. */
    PyObject *seen = Py_BuildValue(
        "(LNKKKLLLLLLi)", (long long)done, events, front->next_seq, front->next_command, front->next_order_id,
        (long long)front->now_ns, (long long)front->last_trade_ticks, (long long)pb->best_ticks(desk, 0),
        (long long)pb->best_ticks(desk, 1), (long long)pb->level_lots(desk, 0, asked),
        (long long)pb->filled_lots(desk, 0, 1, 0), pb->broken(desk));
    if (pb->give_back(market) != 0) Py_CLEAR(seen);
    return seen;
}

static PyObject *hold(PyObject *self, PyObject *args) {
    PyObject *market;
    unsigned long long events;
    const pb_api *pb = pb_load();
    pb_desk *desk;
    uint64_t held;
    (void)self;
    if (pb == NULL || !PyArg_ParseTuple(args, "OK", &market, &events)) return NULL;
    desk = pb->take(market);
    if (desk == NULL) return NULL;
    if (pb->hold_events(desk, events) != 0) PyErr_NoMemory();
    held = pb_front(desk)->events_mask + 1;
    if (pb->give_back(market) != 0 || PyErr_Occurred()) return NULL;
    return PyLong_FromUnsignedLongLong(held);
}

static PyMethodDef methods[] = {
    {"feed", feed, METH_VARARGS, ""}, {"hold", hold, METH_VARARGS, ""}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "feed", NULL, -1, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_feed(void) { return PyModule_Create(&module); }
