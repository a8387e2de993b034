// Products of bfloat16 tiles, on processors that have AMX.
#pragma once
#if defined(__AMX_BF16__) && defined(__AMX_TILE__)
#define PHASETUNE_AMX 1
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace phasetune {

/** Asks the kernel for the registers of AMX, for all threads of the process. False where it refuses. */
inline bool may_use_amx() {
  constexpr long REQUEST_PERMISSION = 0x1023, TILE_DATA = 18;
  static const bool allowed = syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
  return allowed;
}

/** Eight tiles of 16 rows of 64 bytes, for this thread, as long as this lives. */
class Tiles {
 public:
  Tiles() {
    struct {
      uint8_t palette, start, reserved[14];
      uint16_t bytes[16];
      uint8_t rows[16];
    } shape = {};
    shape.palette = 1;
    for (int i = 0; i < 8; i++) shape.bytes[i] = 64, shape.rows[i] = 16;
    _tile_loadconfig(&shape);
  }
  ~Tiles() { _tile_release(); }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;
};

}  // namespace phasetune
#endif
