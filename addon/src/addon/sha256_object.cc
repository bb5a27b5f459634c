#include "../common/sha256.h"
#include "functions.h"
#include <memory>

namespace tbuild {
namespace {

class Sha256Object : public Napi::ObjectWrap<Sha256Object> {
public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Sha256",
                       {InstanceMethod("update", &Sha256Object::update), InstanceMethod("hex", &Sha256Object::hex)});
  }

  explicit Sha256Object(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Sha256Object>(info) {}

private:
  Napi::Value update(const Napi::CallbackInfo& info) {
    if (info[0].IsString()) {
      hash_.update(info[0].As<Napi::String>().Utf8Value());
    } else if (info[0].IsTypedArray() && info[0].As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array) {
      auto bytes = info[0].As<Napi::Uint8Array>();
      hash_.update({reinterpret_cast<const char*>(bytes.Data()), bytes.ByteLength()});
    } else {
      Napi::TypeError::New(info.Env(), "update takes a string or a Uint8Array").ThrowAsJavaScriptException();
      return {};
    }
    return info.This();
  }

  // Of a copy: asked twice, it answers the same.
  Napi::Value hex(const Napi::CallbackInfo& info) {
    Sha256 copy = hash_;
    return Napi::String::New(info.Env(), copy.hex_digest());
  }

  Sha256 hash_;
};

} // namespace

Napi::Function sha256_class(Napi::Env env) { return Sha256Object::define(env); }

} // namespace tbuild
