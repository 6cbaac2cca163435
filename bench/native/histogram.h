/* A log-linear histogram with the buckets of HdrHistogram at three significant digits (G. Tene, http://hdrhistogram.org).
 *
 * Values below 2^11 have a bucket each; from there on every power of two is cut into 2^10 buckets, so a bucket is never
 * wider than a thousandth of what it holds. The caller owns the memory, HISTOGRAM_WORDS zeroed words: recording touches
 * one counter and allocates nothing.
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_LINEAR_BITS = 11,
    HISTOGRAM_HALF = 1 << (HISTOGRAM_LINEAR_BITS - 1),
    HISTOGRAM_VALUE_BITS = 48,
    HISTOGRAM_BUCKETS = (HISTOGRAM_VALUE_BITS - HISTOGRAM_LINEAR_BITS + 2) * HISTOGRAM_HALF,
    HISTOGRAM_WORDS = 2 + HISTOGRAM_BUCKETS,
};

typedef struct {
    uint64_t total, greatest;
    uint64_t counts[HISTOGRAM_BUCKETS];
} histogram_t;

static inline uint32_t histogram_bucket(uint64_t value) {
    uint32_t shift = value >> HISTOGRAM_LINEAR_BITS == 0 ? 0 : 64 - HISTOGRAM_LINEAR_BITS - (uint32_t)__builtin_clzll(value);
    return shift * HISTOGRAM_HALF + (uint32_t)(value >> shift);
}

/* The greatest value that shares a bucket: what a percentile answers, as HdrHistogram does. */
static inline uint64_t histogram_last_of(uint32_t bucket) {
    uint32_t shift = bucket < 2 * HISTOGRAM_HALF ? 0 : bucket / HISTOGRAM_HALF - 1;
    return ((uint64_t)(bucket - shift * HISTOGRAM_HALF + 1) << shift) - 1;
}

/* Negative values count as 0, values of more than 48 bits as the last bucket; the greatest is kept exactly. */
static inline void histogram_record(histogram_t *histogram, int64_t value) {
    uint64_t shown = value < 0 ? 0 : (uint64_t)value;
    uint32_t bucket = shown >> HISTOGRAM_VALUE_BITS ? HISTOGRAM_BUCKETS - 1 : histogram_bucket(shown);
    histogram->counts[bucket]++;
    histogram->total++;
    if (shown > histogram->greatest) histogram->greatest = shown;
}

/* The value that `ppm` millionths of all values do not exceed, no greater than the greatest; 0 when there are none. */
static inline uint64_t histogram_percentile(const histogram_t *histogram, uint32_t ppm) {
    uint64_t rank = (histogram->total * ppm + 999999) / 1000000, seen = 0;
    if (rank == 0) rank = 1;
    for (uint32_t bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        seen += histogram->counts[bucket];
        if (seen >= rank) {
            uint64_t last = histogram_last_of(bucket);
            return last < histogram->greatest && bucket < HISTOGRAM_BUCKETS - 1 ? last : histogram->greatest;
        }
    }
    return 0;
}

#endif
