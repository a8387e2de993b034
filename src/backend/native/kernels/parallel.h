// Work that is shared among the processor's threads.
#pragma once
#include <cstdint>
#include <functional>

namespace phasetune {

/** Threads that work is shared among: TF_NUM_INTRAOP_THREADS, or as many as this process may run on. */
int threads();

/** Number of the calling thread among those of one call of parallel(): from 0, below threads(). */
int worker();

/**
 * Calls work(i) for every i in [0, parts), on several threads at once, and returns when all are done. Which thread does
 * which part is not known beforehand. Parts are begun in order, so that a part may wait for one before it, and for no
 * other. Where the threads are busy with another call, the caller does all parts itself.
 */
void parallel(int64_t parts, const std::function<void(int64_t)>& work);

}  // namespace phasetune
