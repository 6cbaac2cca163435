"""Barriers of a journal in a thread that never needs Python's lock: what is durable is told without waiting for it."""

cimport cython
from libc.errno cimport errno
from libc.stdint cimport uint64_t

cdef extern from "pthread.h" nogil:
    ctypedef struct pthread_mutex_t:
        pass
    ctypedef struct pthread_cond_t:
        pass
    int pthread_mutex_init(pthread_mutex_t *, const void *)
    int pthread_mutex_lock(pthread_mutex_t *)
    int pthread_mutex_unlock(pthread_mutex_t *)
    int pthread_mutex_destroy(pthread_mutex_t *)
    int pthread_cond_init(pthread_cond_t *, const void *)
    int pthread_cond_wait(pthread_cond_t *, pthread_mutex_t *)
    int pthread_cond_signal(pthread_cond_t *)
    int pthread_cond_destroy(pthread_cond_t *)

cdef extern from *:
    """
    #include <fcntl.h>
    #include <unistd.h>
    /* Wait for the medium itself: macOS's fsync stops at the drive's cache. */
    static inline int pb_sync_data(int descriptor) {
    #if defined(__APPLE__)
        return fcntl(descriptor, F_FULLFSYNC);
    #else
        return fdatasync(descriptor);
    #endif
    }
    static inline void pb_wake(int descriptor) {
        /* A full pipe has woken its reader already. */
        if (write(descriptor, "", 1) < 0) {}
    }
    #define pb_load(at) __atomic_load_n(&(at), __ATOMIC_ACQUIRE)
    #define pb_store(at, value) __atomic_store_n(&(at), (value), __ATOMIC_RELEASE)
    """
    int pb_sync_data(int descriptor) nogil
    void pb_wake(int descriptor) nogil
    uint64_t pb_load(uint64_t at) nogil
    void pb_store(uint64_t at, uint64_t value) nogil


@cython.final
cdef class Barriers:
    """Syncs one file at a time, for whoever asks. See `parbook.journal.barriers`."""

    cdef pthread_mutex_t sync_lock      # held while the file is synced or changed
    cdef pthread_mutex_t ask_lock
    cdef pthread_cond_t asked
    cdef int descriptor
    cdef int wake_descriptor
    cdef uint64_t _appended
    cdef uint64_t _durable
    cdef uint64_t _error
    cdef bint wanted
    cdef bint stopped

    def __cinit__(self):
        self.descriptor = self.wake_descriptor = -1
        if pthread_mutex_init(&self.sync_lock, NULL) or pthread_mutex_init(&self.ask_lock, NULL):
            raise MemoryError("no memory for a lock")
        if pthread_cond_init(&self.asked, NULL):
            raise MemoryError("no memory for a condition")

    def __dealloc__(self):
        pthread_cond_destroy(&self.asked)
        pthread_mutex_destroy(&self.ask_lock)
        pthread_mutex_destroy(&self.sync_lock)

    @property
    def durable(self):
        """The last record that a sync covered."""
        return pb_load(self._durable)

    @property
    def error(self):
        """The errno of the sync that failed, 0 when none did. After it none is tried again."""
        return pb_load(self._error)

    def use(self, int descriptor, uint64_t durable):
        """Sync this file from now on, whose records up to `durable` are on the medium. -1: none."""
        with nogil:
            pthread_mutex_lock(&self.sync_lock)
            self.descriptor = descriptor
            pb_store(self._durable, durable)
            pb_store(self._appended, durable)
            pthread_mutex_unlock(&self.sync_lock)

    def wake(self, int descriptor):
        """Write a byte to this descriptor after every barrier of the thread; -1: to none."""
        self.wake_descriptor = descriptor

    def appended(self, uint64_t record):
        """Say that records up to this one are written."""
        pb_store(self._appended, record)

    def ask(self):
        """Let the thread run a barrier for what is written."""
        with nogil:
            pthread_mutex_lock(&self.ask_lock)
            self.wanted = True
            pthread_cond_signal(&self.asked)
            pthread_mutex_unlock(&self.ask_lock)

    def sync(self):
        """Return the last record on the medium when all that was written before the call is; OSError."""
        cdef uint64_t upto = pb_load(self._appended)
        cdef uint64_t durable
        with nogil:
            durable = self._sync(upto)
        error = pb_load(self._error)
        if error:
            raise OSError(error, "a sync failed")
        return durable

    cdef uint64_t _sync(self, uint64_t upto) noexcept nogil:
        pthread_mutex_lock(&self.sync_lock)
        if pb_load(self._durable) < upto and self.descriptor >= 0 and pb_load(self._error) == 0:
            # What is written while the sync runs may be covered or not: only what was there before counts.
            upto = pb_load(self._appended)
            if pb_sync_data(self.descriptor) != 0:
                pb_store(self._error, <uint64_t>errno)
            else:
                pb_store(self._durable, upto)
        upto = pb_load(self._durable)
        pthread_mutex_unlock(&self.sync_lock)
        return upto

    def run(self):
        """Run barriers as they are asked for, until stop(). For a thread of its own."""
        cdef bint stopped = False
        with nogil:
            while True:
                pthread_mutex_lock(&self.ask_lock)
                while not self.wanted and not self.stopped:
                    pthread_cond_wait(&self.asked, &self.ask_lock)
                self.wanted = False
                stopped = self.stopped
                pthread_mutex_unlock(&self.ask_lock)
                if stopped:
                    break
                self._sync(pb_load(self._appended))
                if self.wake_descriptor >= 0:
                    pb_wake(self.wake_descriptor)

    def stop(self):
        """End run()."""
        with nogil:
            pthread_mutex_lock(&self.ask_lock)
            self.stopped = True
            pthread_cond_signal(&self.asked)
            pthread_mutex_unlock(&self.ask_lock)
