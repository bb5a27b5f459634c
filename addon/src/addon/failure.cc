#include "failure.h"
#include "../common/errno_name.h"
#include <cstring>

namespace tbuild {

Napi::Error to_error(Napi::Env env, const Failure& failure) {
  std::string code = errno_name(failure.error);
  std::string message = code + ": " + strerror(failure.error) + ", " + failure.syscall;
  if (!failure.path.empty())
    message += " '" + failure.path + "'";
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("errno", Napi::Number::New(env, -failure.error));
  error.Set("code", Napi::String::New(env, code));
  error.Set("syscall", Napi::String::New(env, failure.syscall));
  if (!failure.path.empty())
    error.Set("path", Napi::String::New(env, failure.path));
  return error;
}

Napi::Value throw_failure(Napi::Env env, const Failure& failure) {
  to_error(env, failure).ThrowAsJavaScriptException();
  return env.Undefined();
}

Napi::Value throw_type_error(Napi::Env env, const char* message) {
  Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
  return env.Undefined();
}

} // namespace tbuild
