/** Part of the key under which parsed forms are kept: goes up whenever the same text would give another `Dockerfile`. */
export const parserVersion = 5;
