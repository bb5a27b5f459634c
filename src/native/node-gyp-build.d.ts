declare module 'node-gyp-build' {
  /** Loads the compiled addon under a directory: a local build first, then a fitting prebuild. */
  export default function load(directory: string): unknown;
}
