/** SOURCE_DATE_EPOCH is in the key of every layer-making step: its times are in the layer. */
export function epochSetting(epoch: number | undefined): Readonly<Record<string, string>> {
  return epoch === undefined ? {} : { SOURCE_DATE_EPOCH: String(epoch) };
}
