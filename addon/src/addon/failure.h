// Errors as node:fs makes them: `code`, negative `errno`, `syscall`, `path`.
#pragma once
#include <napi.h>
#include <string>

namespace tbuild {

struct Failure {
  int error = 0; // errno; 0 = none
  std::string syscall;
  std::string path;
};

Napi::Error to_error(Napi::Env env, const Failure& failure);

// Throws into JavaScript; the caller returns at once.
Napi::Value throw_failure(Napi::Env env, const Failure& failure);
Napi::Value throw_type_error(Napi::Env env, const char* message);

} // namespace tbuild
