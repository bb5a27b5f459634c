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

// Strings that go to system calls hold no NUL.
inline std::optional<std::string> string_of(const Napi::Value& value) {
  if (!value.IsString())
    return std::nullopt;
  std::string text = value.As<Napi::String>().Utf8Value();
  if (text.find('\0') != std::string::npos)
    return std::nullopt;
  return text;
}

} // namespace tbuild
