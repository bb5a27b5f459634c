// SHA-256 (FIPS 180-4), with the processor's own instructions where it has them.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tbuild {

// Copyable: a copy is a snapshot to go back to.
class Sha256 {
public:
  Sha256();
  void update(std::string_view bytes);
  // Ends the computation.
  std::array<uint8_t, 32> digest();
  std::string hex_digest();

private:
  std::array<uint32_t, 8> state_;
  std::array<uint8_t, 64> block_;
  uint64_t length_ = 0;
};

} // namespace tbuild
