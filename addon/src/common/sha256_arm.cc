#if !defined(__x86_64__)
#include "sha256_blocks.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#include <sys/auxv.h>

#ifndef HWCAP_SHA2
#define HWCAP_SHA2 (1 << 6)
#endif

namespace tbuild {
namespace {

__attribute__((target("+crypto"))) void blocks_with_armv8(uint32_t state[8], const uint8_t* data, size_t count) {
  uint32x4_t abcd = vld1q_u32(state), efgh = vld1q_u32(state + 4);
  for (; count > 0; count--, data += 64) {
    uint32x4_t abcd_before = abcd, efgh_before = efgh;
    uint32x4_t m[4];
    for (int i = 0; i < 4; i++)
      m[i] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(data + 16 * i)));
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) {
      if (i >= 4)
        m[i % 4] = vsha256su1q_u32(vsha256su0q_u32(m[i % 4], m[(i + 1) % 4]), m[(i + 2) % 4], m[(i + 3) % 4]);
      uint32x4_t sum = vaddq_u32(m[i % 4], vld1q_u32(sha256_constants + 4 * i));
      uint32x4_t abcd_now = abcd;
      abcd = vsha256hq_u32(abcd, efgh, sum);
      efgh = vsha256h2q_u32(efgh, abcd_now, sum);
    }
    abcd = vaddq_u32(abcd, abcd_before);
    efgh = vaddq_u32(efgh, efgh_before);
  }
  vst1q_u32(state, abcd);
  vst1q_u32(state + 4, efgh);
}

} // namespace

Sha256Blocks sha256_blocks_of_processor() {
  return (getauxval(AT_HWCAP) & HWCAP_SHA2) != 0 ? blocks_with_armv8 : nullptr;
}

} // namespace tbuild

#else

namespace tbuild {
Sha256Blocks sha256_blocks_of_processor() { return nullptr; }
} // namespace tbuild

#endif
#endif
