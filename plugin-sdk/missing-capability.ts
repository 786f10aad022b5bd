import type { CapabilityName } from "./abi/host-functions.ts";

/** What a function of the host throws when the plugin's manifest does not name its capability. */
export class MissingCapability extends Error {
  override readonly name = "MissingCapability";
  readonly capability: CapabilityName;

  constructor(capability: CapabilityName) {
    super(`host.${capability} needs the capability: add capabilities: ["${capability}"] to definePlugin`);
    this.capability = capability;
  }
}
