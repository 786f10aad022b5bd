import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Surface } from "#host/surface.ts";
import { chatStream, paths } from "./bench.ts";
import {
  chunk,
  contentOf,
  done,
  type EventPlugin,
  eventStream,
  finish,
  openEventBench,
} from "./event-plugin.ts";
import { eventually } from "./eventually.ts";
import { scrape, total } from "./metrics.ts";

const streamPaths = { ...paths, gemini: "/v1beta/models/gemini-3-flash:streamGenerateContent?alt=sse" };
const recorded: Readonly<Record<Surface, string>> = {
  openai: "chat-stream",
  "openai-responses": "responses-stream",
  anthropic: "anthropic-stream",
  gemini: "chat-stream",
};

/** The last event of a stream, its name and its data. */
function lastOf(text: string): { name: string | undefined; data: Record<string, unknown> } {
  const events = text.split("\n\n");
  assert.equal(events.pop(), "", "the last event is whole");
  const [, name, data = ""] = /^(?:event: (\w+)\n)?data: (.*)$/.exec(events.pop() ?? "") ?? [];
  return { name, data: JSON.parse(data) };
}

for (const [surface, path] of Object.entries(streamPaths) as [Surface, string][]) {
  test(`a plugin stops a stream with its own error in the format of ${surface}, and the upstream's exchange ends`, async (t) => {
    const plugin = { body: "if (event.index === 1) return stopStream('Not this.', 'unwanted');" };
    const script = {
      status: 200,
      answer: recorded[surface],
      headers: eventStream,
      fault: { kind: "stall", after: 1_500 },
    } as const;
    const { gateway, fake } = await openEventBench(t, { it: plugin }, { script });
    const response = await gateway.post(path, chatStream);
    const { name, data } = lastOf(await response.text());
    const error = (surface === "openai-responses" ? data : data["error"]) as Record<string, unknown>;
    assert.equal(name, surface === "anthropic" || surface === "openai-responses" ? "error" : undefined);
    assert.equal(error["message"], "Not this.");
    if (surface.startsWith("openai")) assert.equal(error["code"], "unwanted");
    assert.equal(await fake.received[0]?.over, false);
    assert.ok(!gateway.log.some(({ level }) => level === "warn" || level === "error"), "nobody has failed");
  });
}

const bad: Readonly<
  Record<string, { readonly plugin: EventPlugin; readonly outcome: string; readonly says: RegExp }>
> = {
  "it throws": {
    plugin: { body: "if (event.text === 'b') throw new Error('oh');" },
    outcome: "error",
    says: /oh/,
  },
  "it loops for ever": {
    plugin: { body: "if (event.text === 'b') for (;;) {}", binding: { limits: { fuel: 20_000_000 } } },
    outcome: "fuel",
    says: /fuel/,
  },
  "it decides twice": {
    plugin: { body: "if (event.text === 'b') return [passEvent(), dropEvent()];" },
    outcome: "error",
    says: /more than one decision/,
  },
  "it drops the end of a choice": {
    plugin: { body: "if (event.data.choices?.[0].finish_reason) return dropEvent();" },
    outcome: "error",
    says: /clients need it/,
  },
  "it drops the last event": {
    plugin: { body: "if (event.last) return dropEvent();" },
    outcome: "error",
    says: /clients need it/,
  },
  "it holds the last event": {
    plugin: { body: "if (event.last) return holdEvent();" },
    outcome: "error",
    says: /nothing comes after it/,
  },
  "it makes another event the last": {
    plugin: { body: "if (event.text === 'b') return replaceData('[DONE]');" },
    outcome: "error",
    says: /only the upstream's last event/,
  },
  "it replaces a text that is not there": {
    plugin: { body: "if (event.last) return replaceText('x');" },
    outcome: "error",
    says: /no text to replace/,
  },
};

const sent = chunk("a") + chunk("b") + chunk("c") + chunk("d") + finish + done;

for (const [name, { plugin, outcome, says }] of Object.entries(bad)) {
  test(`${name}: closed, the stream ends with an error event`, async (t) => {
    const { gateway } = await openEventBench(
      t,
      { it: plugin },
      { script: { headers: eventStream, body: sent } },
    );
    const text = await (await gateway.post(paths.openai, chatStream)).text();
    const { data } = lastOf(text);
    assert.deepEqual(data["error"], {
      message: "The plugin it failed.",
      type: "server_error",
      param: null,
      code: "plugin_failed",
    });
    assert.ok(!text.includes("[DONE]"));
    const line = await gateway.logged(({ msg }) => msg === "a plugin failed");
    assert.equal(line["outcome"], outcome);
    assert.match(String(line["error"]), says);
    await gateway.logged(({ code }) => code === "plugin_failed");
  });

  test(`${name}: open, the events pass as they came, and it is told once`, async (t) => {
    const { gateway } = await openEventBench(
      t,
      { it: { ...plugin, binding: { ...plugin.binding, onFailure: "open" } } },
      { script: { headers: eventStream, body: sent } },
    );
    const text = await (await gateway.post(paths.openai, chatStream)).text();
    assert.equal(text, sent);
    assert.equal(gateway.log.filter(({ msg }) => msg === "a plugin failed").length, 1);
    const samples = await eventually(
      () => scrape(gateway),
      (found) => total(found, "sandgate_requests_total") === 1,
    );
    const calls = { hook: "post_request_event" };
    assert.equal(total(samples, "sandgate_plugin_calls_total", { ...calls, outcome }), 1);
  });
}

const holding = "if (event.text) return holdEvent();";

for (const [onFailure, got] of [
  ["closed", ""],
  ["open", "secret"],
] as const) {
  for (const [what, fault] of [
    ["a reset", { kind: "reset", after: chunk("sec").length + chunk("ret").length + 5 }],
    ["an end without the last event", { kind: "end", after: chunk("sec").length + chunk("ret").length }],
  ] as const) {
    test(`${what} while a plugin holds events: ${onFailure} lets ${got || "nothing"} go`, async (t) => {
      const { gateway } = await openEventBench(
        t,
        {
          it: { body: holding, binding: { onFailure } },
          next: { body: "if (event.text) return holdEvent('pass');", binding: { onFailure: "open" } },
        },
        { script: { headers: eventStream, body: chunk("sec") + chunk("ret") + finish + done, fault } },
      );
      const text = await (await gateway.post(paths.openai, chatStream)).text();
      assert.equal(contentOf(text), got);
      assert.equal((lastOf(text).data["error"] as { code: string }).code, "upstream_reset");
    });
  }

  for (const [what, events] of [
    ["bytes", chunk("x".repeat(20_000)).repeat(4)],
    ["events", chunk("x").repeat(1_001)],
  ]) {
    test(`a plugin that holds too many ${what}: ${onFailure}`, async (t) => {
      const body = `${events}${finish}${done}`;
      const { gateway } = await openEventBench(
        t,
        { it: { body: holding, binding: { onFailure } } },
        { script: { headers: eventStream, body } },
      );
      const text = await (await gateway.post(paths.openai, chatStream)).text();
      if (onFailure === "open") assert.equal(text, body);
      else assert.deepEqual([contentOf(text), lastOf(text).data["error"] !== undefined], ["", true]);
      const line = await gateway.logged(({ msg }) => msg === "a plugin failed");
      assert.equal(line["outcome"], "memory");
    });
  }
}

test("what an earlier plugin lets go when it fails open is held by the next", async (t) => {
  const { gateway } = await openEventBench(
    t,
    {
      first: {
        body: `if (event.text === "c") throw new Error("oh"); ${holding}`,
        binding: { onFailure: "open" },
      },
      second: {
        body: `if (event.text) return holdEvent();
          if (event.held.length) return replaceText(event.held.map((one: any) => one.text).join("") + "!", "drop");`,
      },
    },
    { script: { headers: eventStream, body: sent } },
  );
  const text = await (await gateway.post(paths.openai, chatStream)).text();
  assert.equal(text, chunk("abcd!") + finish + done);
});

test("when no event comes in time the plugin decides about what it holds", async (t) => {
  async function* slowly() {
    yield Buffer.from(chunk("a") + chunk("b"));
    await delay(2_600);
    yield Buffer.from(chunk("c") + finish + done);
  }
  const plugin = {
    body: `if (event.timeout) return replaceText(event.index + event.held.map((one: any) => one.text).join("") + "?", "drop");
      if (event.text) return holdEvent();`,
  };
  const { gateway } = await openEventBench(
    t,
    { it: plugin },
    { script: { headers: eventStream, body: slowly() } },
  );
  const text = await (await gateway.post(paths.openai, chatStream)).text();
  assert.equal(text, chunk("2ab?") + chunk("c") + finish + done);
});

test("a stream whose API has no last event ends with a decision about what is held", async (t) => {
  const event = (text: string) =>
    `data: ${JSON.stringify({ candidates: [{ content: { parts: [{ text }] } }] })}\n\n`;
  const plugin = {
    body: `if (event.last) return replaceText(event.held.map((one: any) => one.text).join("") + "!", "drop");
      return holdEvent();`,
  };
  const script = { status: 200, headers: eventStream, body: event("a") + event("b") };
  const { gateway } = await openEventBench(t, { it: plugin }, { script });
  const text = await (await gateway.post(streamPaths.gemini, chatStream)).text();
  assert.equal(text, event("ab!"));
});

test("a client that leaves ends the running call and the upstream's exchange", async (t) => {
  const plugin = { body: "if (event.text === 'b') for (;;) {}", binding: { limits: { fuel: 400_000_000 } } };
  const { gateway, fake } = await openEventBench(
    t,
    { it: plugin },
    {
      script: {
        headers: eventStream,
        body: chunk("a") + chunk("b"),
        fault: { kind: "stall", after: 10_000 },
      },
    },
  );
  const response = await gateway.post(paths.openai, chatStream);
  const reader = response.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  assert.equal(await fake.received[0]?.over, false);
  await gateway.logged(({ code }) => code === "client_closed");
  assert.ok(!gateway.log.some(({ msg }) => msg === "a plugin failed"));
});

test("what a plugin reads beside the event is bounded, because it gets it with each", async (t) => {
  const plugin = { reads: ["request.body"], body: "" };
  const { gateway } = await openEventBench(
    t,
    { it: plugin },
    { script: { headers: eventStream, body: sent } },
  );
  const short = await gateway.post(paths.openai, chatStream);
  assert.equal(await short.text(), sent);
  const long = await gateway.post(paths.openai, { ...chatStream, padding: "x".repeat(70_000) });
  assert.equal((lastOf(await long.text()).data["error"] as { code: string }).code, "plugin_failed");
  const line = await gateway.logged(({ msg }) => msg === "a plugin failed");
  assert.match(String(line["error"]), /beside the event it reads 70\d+ characters/);
});

test("a client that stops reading stops the upstream, through plugins too", async (t) => {
  const event = Buffer.from(chunk("x".repeat(65_000)));
  function* many() {
    for (let index = 0; index < 1_000; index += 1) yield event;
    yield Buffer.from(done);
  }
  const { gateway, fake } = await openEventBench(
    t,
    { it: { body: "" } },
    { script: { headers: eventStream, body: many() } },
  );
  const asking = request(`${gateway.url}${paths.openai}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
  });
  asking.end(JSON.stringify(chatStream));
  const [response] = await once(asking, "response");
  await once(response, "readable");
  let before = -1;
  while (before !== fake.received[0]?.sentBytes) {
    before = fake.received[0]?.sentBytes ?? 0;
    await delay(300);
  }
  // What sockets on the way may hold: some MiB each.
  assert.ok(before < 32 * 1024 * 1024, `${before} bytes left the upstream`);
  let read = 0;
  for await (const bytes of response) read += (bytes as Buffer).length;
  assert.equal(read, event.length * 1_000 + done.length);
});
