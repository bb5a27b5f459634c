// Checked conversion of JavaScript arguments: a wrong call is a TypeError, never a crash.
#pragma once
#include <cmath>
#include <napi.h>
#include <optional>
#include <string>

namespace tbuild {

inline std::optional<int> descriptor_argument(const Napi::CallbackInfo& info, size_t index) {
  if (!info[index].IsNumber())
    return std::nullopt;
  double number = info[index].As<Napi::Number>().DoubleValue();
  if (!(number >= 0 && number <= 0x7fffffff) || number != std::floor(number))
    return std::nullopt;
  return static_cast<int>(number);
}

// The bytes of a path: a byte that is not UTF-8 is a lone surrogate U+DC80…U+DCFF (src/util/path-bytes.ts).
// None for what is no string or holds a NUL.
inline std::optional<std::string> string_of(const Napi::Value& value) {
  if (!value.IsString())
    return std::nullopt;
  std::u16string text = value.As<Napi::String>().Utf16Value();
  std::string out;
  out.reserve(text.size());
  auto continuation = [&](char32_t c, int shift) { out.push_back(static_cast<char>(0x80 | (c >> shift & 0x3f))); };
  for (size_t i = 0; i < text.size(); i++) {
    char32_t c = text[i];
    if (c == 0)
      return std::nullopt;
    if (c >= 0xd800 && c < 0xdc00 && i + 1 < text.size() && text[i + 1] >= 0xdc00 && text[i + 1] < 0xe000)
      c = 0x10000 + ((c - 0xd800) << 10) + (text[++i] - 0xdc00);
    if (c < 0x80) {
      out.push_back(static_cast<char>(c));
    } else if (c < 0x800) {
      out.push_back(static_cast<char>(0xc0 | c >> 6));
      continuation(c, 0);
    } else if (c >= 0xdc80 && c <= 0xdcff) {
      out.push_back(static_cast<char>(c - 0xdc00));
    } else if (c < 0x10000) {
      out.push_back(static_cast<char>(0xe0 | c >> 12));
      continuation(c, 6);
      continuation(c, 0);
    } else {
      out.push_back(static_cast<char>(0xf0 | c >> 18));
      continuation(c, 12);
      continuation(c, 6);
      continuation(c, 0);
    }
  }
  return out;
}

} // namespace tbuild
