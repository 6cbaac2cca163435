/* Three clocks behind one function: the time stamp counter, the system's raw monotonic clock, and an artificial one.
 *
 * `kind` is a constant wherever this is inlined, so a run pays for its own clock only.
 */
#ifndef TICKS_H
#define TICKS_H

#include <stdint.h>
#include <time.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <x86intrin.h>
#endif

enum { TICKS_ARTIFICIAL = 0, TICKS_SYSTEM = 1, TICKS_TSC = 2 };

#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE int64_t ticks_raw_ns(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC_RAW, &at);
    return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

/* What ran before has executed when the counter is read; what comes after begins later. */
ALWAYS_INLINE int64_t ticks_counter(void) {
#if defined(__x86_64__)
    unsigned core;
    int64_t at = (int64_t)__rdtscp(&core);
    _mm_lfence();
    return at;
#else
    return ticks_raw_ns();
#endif
}

ALWAYS_INLINE int64_t ticks_read(int kind, const int64_t *artificial) {
    return kind == TICKS_TSC ? ticks_counter() : kind == TICKS_SYSTEM ? ticks_raw_ns() : *artificial;
}

/* Whether the counter exists and runs at one speed whatever the core does (CPUID 8000_0007h, EDX bit 8). */
static inline int ticks_best(void) {
#if defined(__x86_64__)
    unsigned a, b, c, d;
    if (__get_cpuid(0x80000007, &a, &b, &c, &d) && (d >> 8 & 1) != 0 && __get_cpuid(0x80000001, &a, &b, &c, &d) &&
        (d >> 27 & 1) != 0)
        return TICKS_TSC;
#endif
    return TICKS_SYSTEM;
}

#endif
