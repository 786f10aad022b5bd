/** The module, its config or its grants are refused: the problems as `sandgate validate` prints them, one per line. */
export class PluginRefused extends Error {
  override readonly name = "PluginRefused";
}
