// UTF-8 as Go decodes it: a malformed byte is one U+FFFD.
#pragma once
#include <string_view>
#include <vector>

namespace tbuild {

// Decodes the code point at `position` and moves behind it.
inline char32_t next_code_point(std::string_view text, size_t& position) {
  auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  unsigned first = byte(position);
  size_t length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  char32_t value = length == 1 ? first : first & (0x7f >> length);
  for (size_t i = 1; i < length; i++) {
    if ((byte(position + i) & 0xc0) != 0x80)
      length = 0;
    else
      value = value << 6 | (byte(position + i) & 0x3f);
  }
  bool invalid = length == 0 || (length == 3 && value < 0x800) ||
                 (length == 4 && (value < 0x10000 || value > 0x10ffff)) || (value >= 0xd800 && value <= 0xdfff);
  position += invalid ? 1 : length;
  return invalid ? 0xfffd : value;
}

inline std::vector<char32_t> code_points(std::string_view text) {
  std::vector<char32_t> out;
  for (size_t position = 0; position < text.size();)
    out.push_back(next_code_point(text, position));
  return out;
}

} // namespace tbuild
