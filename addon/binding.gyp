{
  # common.gypi of each Node version brings its own -std; ours must be the only one.
  "variables": {
    "std_of_node%": ["-std=gnu++17", "-std=gnu++20", "-std=gnu++23"],
    "warnings%": ["-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-missing-field-initializers"]
  },
  "targets": [
    {
      "target_name": "tbuild",
      "sources": ["<!@(ls src/addon/*.cc src/common/*.cc)"],
      "include_dirs": ["src", "<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NAPI_DISABLE_CPP_EXCEPTIONS", "_GNU_SOURCE"],
      "cflags": ["-fvisibility=hidden"],
      "cflags_cc!": ["<@(std_of_node)"],
      "cflags_cc": ["-std=c++20", "-O2", "-fno-exceptions", "<@(warnings)"],
      "ldflags": ["-Wl,--as-needed"]
    },
    {
      "target_name": "tbuild-helper",
      "type": "executable",
      "sources": ["<!@(ls src/helper/*.cc src/common/*.cc)"],
      "include_dirs": ["src"],
      "defines": ["_GNU_SOURCE"],
      # The helper throws OperationError; Node's own flags would forbid it.
      "cflags!": ["-fno-exceptions"],
      "cflags_cc!": ["-fno-exceptions", "<@(std_of_node)"],
      "cflags_cc": ["-std=c++20", "-O2", "-fexceptions", "<@(warnings)"],
      "ldflags!": ["-rdynamic"],
      # Static: it runs where no shared library of this machine is in sight. Stripped: it copies itself at every start.
      "ldflags": ["-static", "-s"],
      # Debian's node-gyp links everything with the shared libnode: the helper is no part of Node.
      "libraries!": ["-lnode"]
    }
  ]
}
