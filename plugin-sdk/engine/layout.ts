/**
 * What the shim (AssemblyScript) and the compiler (TypeScript) must agree on. Both compile this file, so it
 * holds integer constants and nothing else.
 *
 * The engine's state lies at a fixed address: between the C stack, which is lowered by `stateBytes`, and QuickJS's
 * own data. A snapshot of the memory is then a snapshot of everything.
 */

/** Where QuickJS's C stack starts, and its data too: `__stack_pointer` of the module as it comes. */
export const dataStart = 1048576;
export const stateBytes = 2048;
/** Where the state begins and the C stack starts, in bytes. */
export const stateAt = 1046528;

/** Pointers, flags and counters of 4 bytes, JSValues of 8. */
export const contextAt = 1047552;
export const runtimeAt = 1047556;
/** 0 while the plugin is compiled, 1 in the finished module. */
export const readyAt = 1047560;
/** 1 while an export runs; found set at the start of a call it means that the last one never returned. */
export const inCallAt = 1047564;
/** JSValue: an array of the functions that the module exports, by index. */
export const exportsAt = 1047568;
/** JSValue: makes the error text of whatever was thrown. */
export const formatterAt = 1047576;
/** JSValue: what the bundle says about itself (JSON). */
export const metadataAt = 1047584;
/** Bit n is set when the code took operation n, and in the second word function n of `extism:host/user`. */
export const usedOperationsAt = 1047592;
export const usedFunctionsAt = 1047600;
/** Two words for results by pointer. */
export const scratchAt = 1047608;
export const scratch2At = 1047616;
/** Room for the arguments of one JS_Call. */
export const argumentsAt = 1047624;
/** Two words of xorshift128+, and whether this call has seeded them. */
export const seedAt = 1047640;
export const seededAt = 1047656;
/** The last promise that was rejected in this call while nobody waited for it: the head of a list of `rejections.ts`. */
export const rejectionsAt = 1047660;

/** C strings, one every `textBytes`, in the order below. */
export const textsAt = 1046528;
export const textBytes = 96;
export const textNotNow = 0;
export const textNoMemory = 1;
export const textNoRandom = 2;
export const textPoisoned = 3;
export const textPending = 4;
export const textFailed = 5;
export const textNotJson = 6;
export const textName = 7;
export const textRejected = 8;

/** Operations that JavaScript can take from the engine, below `opFirstHost` also while it is compiled. */
export const opObtain = 0;
export const opFinish = 1;
export const opLog = 2;
export const opEncodeUtf8 = 3;
export const opDecodeUtf8 = 4;
export const opIsUtf8 = 5;
export const opClock = 6;
export const opFirstHost = 8;
export const opInputText = 8;
export const opInputBytes = 9;
export const opInputJson = 10;
export const opOutputText = 11;
export const opOutputBytes = 12;
export const opOutputJson = 13;
export const opConfigGet = 14;
export const opVarGet = 15;
export const opVarSet = 16;
export const opHttpRequest = 17;
export const opHttpStatus = 18;
export const opHttpHeaders = 19;
export const opRandomBytes = 20;
export const opRandomNumber = 21;
/** A value as a block: its offset; the bytes of the block at an offset; its length. */
export const opBlockOf = 22;
export const opBlockBytes = 23;
export const opBlockLength = 24;
/** Operation `opFirstFunction + n` is function n of `extism:host/user`, where its result is a block the text in it. */
export const opFirstFunction = 100;
/** The same, where its result is a number. */
export const opFirstNumber = 200;
