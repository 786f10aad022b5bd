/** Fuel for entering a host function: crossing into JavaScript and back costs about as much as so many instructions. */
export const hostCallFuel = 100;

/** Bytes that the host copies, decodes or encodes for one unit of fuel. */
export const bytesPerFuel = 8;

/** Units for a microsecond of the host's own work: about what a plugin could have run in that time. */
export const fuelPerMicrosecond = 10_000;
