/* Runs a prepared stream of commands through parbook.h and says how long it took: the core's own loop, as the engines it
 * stands beside are measured. Every event is written, none is copied out: the ring's last part is overwritten, as under
 * a consumer that keeps up. The time covers reserving room and every command.
 */
#include "parbook.h"

#include <time.h>

enum { COMMANDS_AT_ONCE = 64 };

static int64_t cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* replay(market, commands) -> ns of CPU time. The market's events but the last are gone afterwards. */
static PyObject *replay(PyObject *self, PyObject *args) {
    PyObject *market;
    Py_buffer buffer;
    const pb_command *commands;
    pb_desk *desk;
    pb_desk_front *front;
    int64_t count, done = 0, start, end;
    const pb_api *pb = pb_load();
    (void)self;
    if (pb == NULL || !PyArg_ParseTuple(args, "Oy*", &market, &buffer)) return NULL;
    desk = pb->take(market);
    if (desk == NULL) {
        PyBuffer_Release(&buffer);
        return NULL;
    }
    front = pb_front(desk);
    commands = buffer.buf;
    count = buffer.len / (int64_t)sizeof *commands;
    Py_BEGIN_ALLOW_THREADS
    start = cpu_ns();
    while (done < count) {
        int64_t chunk = count - done < COMMANDS_AT_ONCE ? count - done : COMMANDS_AT_ONCE;
        front->keep_seq = front->next_seq;
        if (pb->reserve(desk, COMMANDS_AT_ONCE) != 0 || pb->run(desk, commands + done, chunk) != chunk) break;
        done += chunk;
    }
    end = cpu_ns();
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&buffer);
    if (pb->give_back(market) != 0) return NULL;
    if (done != count) return PyErr_NoMemory();
    return PyLong_FromLongLong(end - start);
}

static PyMethodDef methods[] = {{"replay", replay, METH_VARARGS, "ns to run COMMAND records"}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "flows", NULL, -1, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_flows(void) { return PyModule_Create(&module); }
