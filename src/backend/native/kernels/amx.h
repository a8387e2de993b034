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

/** Setting of the tiles: a palette, and the bytes of a row and the rows of each. */
struct TileSetting {
  uint8_t palette, start, reserved[14];
  uint16_t bytes[16];
  uint8_t rows[16];
};
alignas(64) inline constexpr TileSetting EIGHT_TILES = {
    1, 0, {}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};

/** Eight tiles of 16 rows of 64 bytes, for this thread, as long as this lives. */
class Tiles {
 public:
  // A constant, since the compiler takes the instruction to read the first word of its operand only.
  Tiles() { _tile_loadconfig(&EIGHT_TILES); }
  ~Tiles() { _tile_release(); }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;
};

}  // namespace phasetune
#endif
