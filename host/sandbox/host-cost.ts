/** Fuel for entering a host function: crossing into JavaScript and back costs about as much as so many instructions. */
export const hostCallFuel = 100;

/** Bytes that the host copies, decodes or encodes for one unit of fuel. */
export const bytesPerFuel = 8;
