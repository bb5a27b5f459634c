#include "sha256.h"
#include "hex.h"
#include "sha256_blocks.h"
#include <algorithm>
#include <bit>
#include <cstring>

namespace tbuild {

const uint32_t sha256_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

namespace {

uint32_t load_big_endian(const uint8_t* bytes) {
  return uint32_t(bytes[0]) << 24 | uint32_t(bytes[1]) << 16 | uint32_t(bytes[2]) << 8 | bytes[3];
}

void store_big_endian(uint8_t* bytes, uint64_t value, int size) {
  for (int i = 0; i < size; i++)
    bytes[i] = static_cast<uint8_t>(value >> (8 * (size - 1 - i)));
}

Sha256Blocks chosen_blocks() {
  static const Sha256Blocks chosen = [] {
    Sha256Blocks fast = sha256_blocks_of_processor();
    return fast != nullptr ? fast : sha256_blocks_portable;
  }();
  return chosen;
}

} // namespace

void sha256_blocks_portable(uint32_t state[8], const uint8_t* data, size_t count) {
  for (; count > 0; count--, data += 64) {
    uint32_t w[64];
    for (int i = 0; i < 16; i++)
      w[i] = load_big_endian(data + 4 * i);
    for (int i = 16; i < 64; i++) {
      uint32_t s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ (w[i - 15] >> 3);
      uint32_t s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ (w[i - 2] >> 10);
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 64; i++) {
      uint32_t s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
      uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + sha256_constants[i] + w[i];
      uint32_t s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
      uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
      h = g, g = f, f = e, e = d + t1;
      d = c, c = b, b = a, a = t1 + t2;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
  }
}

Sha256::Sha256()
    : state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19} {}

void Sha256::update(std::string_view bytes) {
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  size_t size = bytes.size();
  size_t filled = length_ % 64;
  length_ += size;
  if (filled > 0) {
    size_t part = std::min(size, 64 - filled);
    memcpy(block_.data() + filled, data, part);
    data += part;
    size -= part;
    if (filled + part < 64)
      return;
    chosen_blocks()(state_.data(), block_.data(), 1);
  }
  if (size >= 64) {
    chosen_blocks()(state_.data(), data, size / 64);
    data += size / 64 * 64;
    size %= 64;
  }
  if (size > 0)
    memcpy(block_.data(), data, size);
}

std::array<uint8_t, 32> Sha256::digest() {
  uint64_t bits = length_ * 8;
  size_t filled = length_ % 64;
  uint8_t tail[128] = {};
  memcpy(tail, block_.data(), filled);
  tail[filled] = 0x80;
  size_t blocks = filled < 56 ? 1 : 2;
  store_big_endian(tail + blocks * 64 - 8, bits, 8);
  chosen_blocks()(state_.data(), tail, blocks);
  std::array<uint8_t, 32> out;
  for (int i = 0; i < 8; i++)
    store_big_endian(out.data() + 4 * i, state_[i], 4);
  return out;
}

std::string Sha256::hex_digest() {
  auto bytes = digest();
  return to_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

} // namespace tbuild
