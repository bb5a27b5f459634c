// The compression function's implementations: each takes `count` whole blocks of 64 bytes.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tbuild {

using Sha256Blocks = void (*)(uint32_t state[8], const uint8_t* data, size_t count);

extern const uint32_t sha256_constants[64];

void sha256_blocks_portable(uint32_t state[8], const uint8_t* data, size_t count);

// Null where this processor has no such instructions.
Sha256Blocks sha256_blocks_of_processor();

} // namespace tbuild
