#include "arguments.h"
#include "failure.h"
#include "functions.h"
#include <cerrno>
#include <chrono>
#include <sys/file.h>
#include <thread>

namespace tbuild {

// A lock that this very process holds through another descriptor would never come: better an error than a hang.
constexpr auto longest_wait = std::chrono::seconds(10);

Napi::Value lock(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto fd = descriptor_argument(info, 0);
  auto mode = string_of(info[1]);
  if (!fd || !mode || !info[2].IsBoolean() || (mode != "shared" && mode != "exclusive" && mode != "none"))
    return throw_type_error(env, "lock(fd: number, mode: 'shared' | 'exclusive' | 'none', wait: boolean)");
  int operation = mode == "shared" ? LOCK_SH : mode == "exclusive" ? LOCK_EX : LOCK_UN;
  bool wait = info[2].As<Napi::Boolean>().Value();
  auto deadline = std::chrono::steady_clock::now() + longest_wait;
  auto pause = std::chrono::microseconds(100);
  while (flock(*fd, operation | LOCK_NB) != 0) {
    if (errno == EINTR)
      continue;
    if (errno != EWOULDBLOCK)
      return throw_failure(env, {errno, "flock", {}});
    if (!wait)
      return Napi::Boolean::New(env, false);
    if (std::chrono::steady_clock::now() > deadline)
      return throw_failure(env, {ETIMEDOUT, "flock", {}});
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::microseconds(10'000));
  }
  return Napi::Boolean::New(env, true);
}

} // namespace tbuild
