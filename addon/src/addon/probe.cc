#include "failure.h"
#include "functions.h"
#include <cerrno>
#include <fstream>
#include <string>
#include <sys/utsname.h>
#include <unistd.h>

namespace tbuild {
namespace {

// The value of `Key:` in /proc/thread-self/status.
std::string status_value(const std::string& key) {
  std::ifstream status("/proc/thread-self/status");
  for (std::string name, value; status >> name && std::getline(status, value);) {
    if (name == key + ":")
      return value.substr(std::min(value.size(), value.find_first_not_of(" \t")));
  }
  return {};
}

std::string boot_id() {
  std::string line;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> line;
  return line;
}

} // namespace

Napi::Value probe(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  utsname names;
  if (uname(&names) != 0)
    return throw_failure(env, {errno, "uname", {}});
  Napi::Object facts = Napi::Object::New(env);
  facts.Set("release", Napi::String::New(env, names.release));
  facts.Set("machine", Napi::String::New(env, names.machine));
  facts.Set("bootId", Napi::String::New(env, boot_id()));
  facts.Set("uid", Napi::Number::New(env, geteuid()));
  facts.Set("gid", Napi::Number::New(env, getegid()));
  facts.Set("effectiveCapabilities", Napi::String::New(env, status_value("CapEff")));
  facts.Set("seccompMode", Napi::Number::New(env, std::atoi(status_value("Seccomp").c_str())));
  return facts;
}

} // namespace tbuild
