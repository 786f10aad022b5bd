import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { openPlugin } from "@sandgate/plugin-sdk/testing";
import { packages, writeSources } from "./source-plugin.ts";

const source = `import { definePlugin } from "@sandgate/plugin-sdk";
import { holdEvent, passEvent, releaseHeld, replaceText } from "@sandgate/plugin-sdk/effects";
export default definePlugin({
  name: "words",
  version: "1.0.0",
  hooks: { post_request_event: { reads: ["event", "context.route"], writes: ["event"] } },
  postRequestEvent({ event, context }) {
    if (event.last) return passEvent("drop");
    if (event.text === "") return holdEvent();
    if (event.held.length > 1) return releaseHeld(1, { text: event.text });
    return replaceText([context.route, event.index, event.held.length, event.text, event.data].join(" "));
  },
});
`;

test("an event hook gets the event of a test, and its decision is in the effects", async (t) => {
  const folder = await writeSources(t, { "plugin.ts": source, node_modules: packages });
  await using plugin = await openPlugin(join(folder, "plugin.ts"));
  const effectsOf = async (event?: object) => {
    const { effects } = await plugin.call("post_request_event", { route: "chat", ...(event && { event }) });
    return effects;
  };
  assert.deepEqual(await effectsOf(), [{ type: "event", action: "hold", held: "keep" }]);
  assert.deepEqual(await effectsOf({ last: true }), [{ type: "event", action: "pass", held: "drop" }]);
  assert.deepEqual(await effectsOf({ index: 3, text: "a", data: "x", held: [{ text: "b" }] }), [
    { type: "event", action: "replace", text: "chat 3 1 a x", held: "pass" },
  ]);
  assert.deepEqual(await effectsOf({ text: "a", held: [{ text: "b" }, { text: "c" }] }), [
    { type: "event", action: "hold", held: "keep", release: { count: 1, text: "a" } },
  ]);
});
