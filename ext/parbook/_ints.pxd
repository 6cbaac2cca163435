# The common case of turning a Python int into a C one, without a call into the interpreter.
from libc.stdint cimport int64_t

cdef extern from *:
    """
    /* Sets the value of an exact int (no bool) of at most two digits, or of one machine word where the interpreter
       calls it compact, and returns 1; returns 0 for everything else. */
    static inline int pb_small_int(PyObject *object, int64_t *out) {
        if (!PyLong_CheckExact(object)) return 0;
    #if PY_VERSION_HEX >= 0x030C0000
        if (!PyUnstable_Long_IsCompact((PyLongObject *)object)) return 0;
        *out = PyUnstable_Long_CompactValue((PyLongObject *)object);
        return 1;
    #else
        {
            const digit *digits = ((PyLongObject *)object)->ob_digit;
            switch (Py_SIZE(object)) {
                case 0: *out = 0; return 1;
                case 1: *out = digits[0]; return 1;
                case 2: *out = (int64_t)digits[0] | ((int64_t)digits[1] << PyLong_SHIFT); return 1;
                default: return 0;
            }
        }
    #endif
    }
    """
    bint pb_small_int(object value, int64_t *out) noexcept
