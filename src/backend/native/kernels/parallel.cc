#include "parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace phasetune {
namespace {

int count_threads() {
  const char* given = std::getenv("TF_NUM_INTRAOP_THREADS");
  const int wanted = given == nullptr ? 0 : std::atoi(given);
  if (wanted > 0) return wanted;
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0) return std::max(1, CPU_COUNT(&allowed));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

thread_local int number = 0;

/** One call of parallel() at a time, its parts counted off by the caller and the helpers. */
class Pool {
 public:
  Pool() {
    for (int i = 1; i < threads(); i++) std::thread([this, i] { serve(i); }).detach();
  }

  bool run(int64_t parts, const std::function<void(int64_t)>& work) {
    std::unique_lock<std::mutex> busy(turn_, std::try_to_lock);
    if (!busy) return false;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      work_ = &work;
      parts_ = parts;
      next_.store(0, std::memory_order_relaxed);
      round_++;
    }
    wake_.notify_all();
    take(parts, work);
    std::unique_lock<std::mutex> lock(mutex_);
    work_ = nullptr;  // whoever wakes up from now on has come too late
    idle_.wait(lock, [this] { return working_ == 0; });
    return true;
  }

 private:
  void take(int64_t parts, const std::function<void(int64_t)>& work) {
    for (int64_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < parts;) work(i);
  }

  void serve(int helper) {
    number = helper;
    uint64_t seen = 0;
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return round_ != seen && work_ != nullptr; });
      seen = round_;
      const auto* work = work_;
      const int64_t parts = parts_;
      working_++;
      lock.unlock();
      take(parts, *work);
      lock.lock();
      if (--working_ == 0) idle_.notify_one();
    }
  }

  std::mutex turn_, mutex_;
  std::condition_variable wake_, idle_;
  const std::function<void(int64_t)>* work_ = nullptr;
  int64_t parts_ = 0;
  uint64_t round_ = 0;
  int working_ = 0;
  std::atomic<int64_t> next_{0};
};

}  // namespace

int worker() { return number; }

int threads() {
  static const int count = count_threads();
  return count;
}

void parallel(int64_t parts, const std::function<void(int64_t)>& work) {
  // Never destroyed: its threads are still waiting when the process ends.
  static Pool* pool = threads() > 1 ? new Pool : nullptr;
  if (parts > 1 && pool != nullptr && pool->run(parts, work)) return;
  for (int64_t i = 0; i < parts; i++) work(i);
}

}  // namespace phasetune
