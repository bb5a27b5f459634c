/** Part of the key under which findings are kept: goes up whenever the same build would have others. */
export const checksVersion = 1;
