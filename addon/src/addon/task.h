// Work off the main thread that ends in a promise.
#pragma once
#include "failure.h"
#include <napi.h>

namespace tbuild {

class Task : public Napi::AsyncWorker {
public:
  explicit Task(Napi::Env env) : AsyncWorker(env, "tbuild"), deferred_(Napi::Promise::Deferred::New(env)) {}
  // Queues it; it deletes itself afterwards.
  Napi::Promise start() {
    Napi::Promise promise = deferred_.Promise();
    Queue();
    return promise;
  }

protected:
  // Runs on a pool thread: no JavaScript. Fills failure_ when it goes wrong.
  virtual void run() = 0;
  virtual Napi::Value result(Napi::Env env) = 0;
  Failure failure_;

private:
  void Execute() final { run(); }
  void OnOK() final {
    if (failure_.error != 0)
      deferred_.Reject(to_error(Env(), failure_).Value());
    else
      deferred_.Resolve(result(Env()));
  }
  Napi::Promise::Deferred deferred_;
};

// Hands the bytes over without a copy where the runtime allows it.
inline Napi::Value to_buffer(Napi::Env env, std::string bytes) {
  auto* owned = new std::string(std::move(bytes));
  return Napi::Buffer<char>::NewOrCopy(env, owned->data(), owned->size(), [owned](Napi::Env, char*) { delete owned; });
}

} // namespace tbuild
